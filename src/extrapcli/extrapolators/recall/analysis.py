"""What `recall` measures of a song, once, before it continues it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.downmix import Downmix
from extrapcli.audio.silence import Bounds, find_bounds
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks, spooled
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.recall.audibility import BeatStatistics, ShortTimeFeatures, short_time_features
from extrapcli.extrapolators.recall.encoder import Encoder, Encoding
from extrapcli.extrapolators.recall.layers import percussive_layer

SHORT_SECONDS = 100.0  # a song up to this long is split into two layers: as a whole it would soon repeat itself


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
class Analysis:
    """A song and what is known of it.

    A position is a place in the song, counted in the hops of the encoding, `positions_per_second` of them. The last
    hop ends where the music ends; position 0 may lie before the beginning of the song.
    """

    song: Song
    bounds: Bounds
    mono_rate: int
    positions_per_second: int
    features: ShortTimeFeatures  # of the mono sound
    beats: BeatStatistics
    layers: tuple[Layer, ...]
    downmix: Downmix

    @property
    def positions(self) -> int:
        """The number of positions."""
        return len(self.layers[0].encoding.keys)

    def sample_at(self, position: float) -> int:
        """Return the sample of the song that lies at a position."""
        return self.bounds.end - round(
            (self.positions - position) * self.song.sample_rate / self.positions_per_second
        )

    def position_at(self, sample: int) -> float:
        """Return the position of a sample of the song."""
        return self.positions - (self.bounds.end - sample) * self.positions_per_second / self.song.sample_rate

    def mono_sample(self, sample: int) -> int:
        """Return the sample of the mono sound that lies at a sample of the song."""
        return round(sample * self.mono_rate / self.song.sample_rate)


def analyse(song: Song, encoder: Encoder) -> Analysis:
    """Measure a song; raise UnreadableAudio if there is less than a second of music in it."""
    bounds = find_bounds(song.steps)
    seconds = (bounds.end - bounds.begin - bounds.silent) / song.sample_rate
    if seconds < 1:
        raise UnreadableAudio(
            f"{song.name}: has {seconds:.2f} s of music; "
            f"{encoder.backend.spec.name} needs at least one second to go on"
        )
    downmix = Downmix.of(song.steps)
    mono = encoder.mono(song, downmix, song.samples[: bounds.end])
    level = float(mono.std()) * (bounds.end / (bounds.end - bounds.silent)) ** 0.5 or 1.0
    mono = spooled(chunk / level for chunk in chunks(mono))
    begin = round(bounds.begin * encoder.rate / song.sample_rate)
    features = short_time_features(mono, encoder.rate)
    split = [("all", song.samples, mono)]
    if seconds <= SHORT_SECONDS:
        percussive = percussive_layer(song.samples[: bounds.end], song.sample_rate)
        percussive_mono = encoder.mono(song, downmix, percussive) / level
        split = [
            ("harmonic", song.samples[: bounds.end] - percussive, mono - percussive_mono),
            ("percussive", percussive, percussive_mono),
        ]
    layers = tuple(Layer(name, samples, mono, encoder.encode(mono[begin:])) for name, samples, mono in split)
    per_second = len(layers[0].encoding.keys) // -(-(len(mono) - begin) // encoder.rate)
    beats = BeatStatistics.of(features)
    return Analysis(song, bounds, encoder.rate, per_second, features, beats, layers, downmix)
