"""What `recall` plays with: a song, its layers, and the network's view of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import RATE, Analysis
from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.silence import Bounds
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks, spooled
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.recall.audibility import BeatStatistics, ShortTimeFeatures, short_time_features
from extrapcli.extrapolators.recall.encoder import Encoder, Encoding
from extrapcli.extrapolators.recall.layers import percussive_layer

SPLIT_SECONDS = 8.0, 100.0  # songs between these lengths are split in two: as a whole they would repeat themselves


@dataclass(frozen=True)
class Layer:
    """A layer of the song's sound: `all` of it, or the `harmonic` or `percussive` part.

    `samples` is `(n, channels)` at the song's rate, `mono` is `(m,)` at the network's rate and unit level.
    """

    name: str
    samples: NDArray[np.floating]
    mono: NDArray[np.float32]
    encoding: Encoding


@dataclass(frozen=True)
class Material:
    """A song and its layers.

    A hop is a place in the song, counted in the rows of the encoding, `hops_per_second` of them. The last
    hop ends where the music ends; hop 0 may lie before the beginning of the song.
    """

    analysis: Analysis
    mono_rate: int
    hops_per_second: int
    features: ShortTimeFeatures  # of the mono sound
    onsets: BeatStatistics
    layers: tuple[Layer, ...]

    @property
    def song(self) -> Song:
        return self.analysis.song

    @property
    def bounds(self) -> Bounds:
        return self.analysis.bounds

    @property
    def hops(self) -> int:
        """The number of hops."""
        return len(self.layers[0].encoding.keys)

    @property
    def mono(self) -> NDArray[np.float32]:
        """The whole sound, `(m,)`, at the network's rate and unit level."""
        return sum((layer.mono for layer in self.layers[1:]), start=self.layers[0].mono)

    def hop_at(self, seconds: NDArray[np.float64]) -> NDArray[np.int_]:
        """Return the hops that begin nearest to moments of the song."""
        end = self.bounds.end / self.song.sample_rate
        hops = np.round(self.hops - (end - seconds) * self.hops_per_second).astype(int)
        inside: NDArray[np.int_] = np.clip(hops, 0, self.hops - 1)
        return inside

    def mono_sample(self, sample: int) -> int:
        """Return the sample of the mono sound that lies at a sample of the song."""
        return round(sample * self.mono_rate / self.song.sample_rate)


def prepare(analysis: Analysis, encoder: Encoder, *, split: bool = True) -> Material:
    """Encode a song, split if it is short and may be; raise UnreadableAudio for less than a second of music."""
    song, bounds = analysis.song, analysis.bounds
    seconds = (bounds.end - bounds.begin - bounds.silent) / song.sample_rate
    if seconds < 1:
        raise UnreadableAudio(
            f"{song.name}: has {seconds:.2f} s of music; "
            f"{encoder.backend.spec.name} needs at least one second to go on"
        )
    whole = analysis.mono[: round(bounds.end * RATE / song.sample_rate)]
    mono = _resampled((chunk[:, None] for chunk in chunks(whole)), len(whole), RATE, encoder.rate, analysis.level)
    begin = round(bounds.begin * encoder.rate / song.sample_rate)
    features = short_time_features(mono, encoder.rate)
    parts = [("all", song.samples, mono)]
    if split and SPLIT_SECONDS[0] <= seconds <= SPLIT_SECONDS[1]:
        percussive = percussive_layer(song.samples[: bounds.end], song.sample_rate)
        mixed = analysis.downmix.mixed(percussive)
        percussive_mono = _resampled(mixed, bounds.end, song.sample_rate, encoder.rate, analysis.level)
        percussive_mono = percussive_mono[: len(mono)]
        parts = [
            ("harmonic", song.samples[: bounds.end] - percussive, mono - percussive_mono),
            ("percussive", percussive, percussive_mono),
        ]
    layers = tuple(Layer(name, samples, mono, encoder.encode(mono[begin:])) for name, samples, mono in parts)
    per_second = len(layers[0].encoding.keys) // -(-(len(mono) - begin) // encoder.rate)
    return Material(analysis, encoder.rate, per_second, features, BeatStatistics.of(features), layers)


def _resampled(
    chunks: Iterable[NDArray[np.floating]], count: int, from_rate: int, to_rate: int, level: float
) -> NDArray[np.float32]:
    """Resample `count` samples that come in chunks `(n, 1)`, and bring them from a level to 1: `(m,)`."""
    resampled = resample_chunks(chunks, count, from_rate=from_rate, to_rate=to_rate)
    return spooled(chunk / level for chunk in resampled)[:, 0]
