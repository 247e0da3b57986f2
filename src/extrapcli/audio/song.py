"""A song: what the user gave, decoded."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Tags:
    """Text tags by their Vorbis comment name in lower case (`title`, `artist`, ...), and cover pictures."""

    text: dict[str, list[str]] = field(default_factory=dict)
    pictures: list["Picture"] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """A cover picture: `kind` is the ID3/FLAC picture type (3 is the front cover)."""

    data: bytes
    mime: str
    kind: int = 3
    description: str = ""


@dataclass(frozen=True)
class Song:
    """Samples at their own rate and with all their channels.

    `samples` has shape `(n, channels)`; full scale is -1 to 1. It is float32, or float64 where float32
    could not hold the source exactly (32-bit integers, 64-bit floats).
    `depth` is how the source stored a sample: `u8`, `s8`, `s16`, `s24`, `s32`, `f32`, `f64`; a lossy
    source counts as `f32`, which is what its decoder gives.
    `format` is the name of the format among those extrap writes (`wav`, `flac`, `ogg`, `opus`, `mp3`,
    `m4a`), or None for any other.
    """

    name: str
    samples: Samples
    sample_rate: int
    depth: str
    format: str | None
    tags: Tags = field(default_factory=Tags)

    @property
    def channels(self) -> int:
        channels: int = self.samples.shape[1]
        return channels

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate
