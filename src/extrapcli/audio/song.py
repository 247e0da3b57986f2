"""A decoded song, as every part of extrap gets it."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.offset import without_offset
from extrapcli.audio.steps import Steps

Samples = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Tags:
    """Tags and pictures of a song that are true of a longer track as well.

    `text` has the values of each tag by name. Known tags have the names of `extrapcli.audio.tags.mapping`, in lower
    case (`title`, `albumartist`, ...); all others are spelt as in the file. `native` holds the same tags, and those
    that are no text, as the file has them. `notes` say, each in a sentence, what of the file's tags is not here.
    """

    text: dict[str, list[str]] = field(default_factory=dict)
    pictures: list["Picture"] = field(default_factory=list)
    native: dict[str, "Native"] = field(default_factory=dict, compare=False, repr=False)
    notes: list[str] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class Native:
    """Tags as one kind of tag holds them, without pictures.

    `items` are frames of mutagen (`id3`), or names and values of atoms (`mp4`), comments (`vorbis`), chunks (`riff`).
    `text` is what was read from them: a tag that has another value in `Tags.text` was changed since.
    """

    items: list[Any]
    text: dict[str, list[str]]


@dataclass(frozen=True)
class Picture:
    """A cover picture. `kind` is the picture type of ID3 and FLAC, 0 to 20; 3 is the front cover.

    `shape` is what a FLAC picture says of its width, height, bits per pixel and number of colours, 0 if unknown.
    """

    data: bytes
    mime: str
    kind: int = 3
    description: str = ""
    shape: tuple[int, int, int, int] = field(default=(0, 0, 0, 0), compare=False)


@dataclass(frozen=True)
class Song:
    """A song at its own sample rate with all its channels.

    `samples` has shape `(n, channels)`, channels in WAV order, full scale -1 to 1. They are float32, or float64
    where float32 can't hold the source exactly (32-bit integers, 64-bit floats).
    `depth` is the sample format of the source: `u8`, `s8`, `s16`, `s24`, `s32`, `f32` or `f64`. Lossy sources
    count as `f32`, which is what their decoders return.
    `lossy` says whether the source is.
    `layout` says which speakers the channels are for, as a mask of WAVE_FORMAT_EXTENSIBLE (`audio/channels.py`). It
    is 0 for plain mono and stereo, and where the source doesn't say.
    `format` is the file format if extrap can write it (`wav`, `flac`, `ogg`, `opus`, `mp3`, `m4a`), else None.
    `notes` say, each in a sentence without the song's name, what of the file could not be decoded as it is.
    """

    name: str
    samples: Samples
    sample_rate: int
    depth: str
    format: str | None
    tags: Tags = field(default_factory=Tags)
    notes: list[str] = field(default_factory=list)
    layout: int = 0
    lossy: bool = False

    @property
    def channels(self) -> int:
        """The number of channels."""
        channels: int = self.samples.shape[1]
        return channels

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return len(self.samples) / self.sample_rate

    @cached_property
    def steps(self) -> Steps:
        """The samples, measured in steps of 50 ms."""
        return Steps.of(self.samples, self.sample_rate)

    @cached_property
    def heard(self) -> Samples:
        """The samples without their offset (DC): what every part of extrap listens to. Mostly `samples` itself."""
        return without_offset(self.samples, self.steps)

    @cached_property
    def as_heard(self) -> "Song":
        """The song with the samples that are `heard`. Mostly the song itself."""
        return self if self.heard is self.samples else replace(self, samples=self.heard)
