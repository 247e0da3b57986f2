"""What is known of a song, found once: beats and bars, sections, key and chords, onsets, loudness, energy, bounds.

Each part is found when it is first asked for. All listen to the song without its offset, mixed to one channel at
22,050 Hz. Times are in seconds from the beginning of the song.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import energy
from extrapcli.analysis.beats import Beats, find_beats
from extrapcli.analysis.grid import grid, means
from extrapcli.analysis.harmony import NO_CHORD, Chords, Key, find_chords, find_key
from extrapcli.analysis.sections import Section, find_sections
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND, RATE, Levels, PitchClasses
from extrapcli.analysis.voice import Voice, find_voice
from extrapcli.audio.decode import song_from_samples
from extrapcli.audio.downmix import Downmix
from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.silence import Bounds, find_bounds
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks, spooled

__all__ = ["RATE", "Analysis", "Beats", "Chords", "Key", "Section", "analyse"]

CHORD_SECONDS, BAR_SECONDS = 0.5, 2.0  # what stands for a beat and a bar where there is no pulse
TINY = 1e-20  # of the power of full scale


class Analysis:
    """What is known of a song; see `analyse`.

    Each property is found when it is first read. Times are in seconds from the beginning of the song.
    """

    def __init__(self, song: Song) -> None:
        self.song = song

    @cached_property
    def beats(self) -> Beats:
        """The beats, and their positions in the bar."""
        return find_beats(self.mono)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections, from where the music begins to where it ends, with their phrases.

        They begin at bar lines or, where there is no pulse, at multiples of about 2 s.
        """
        beats = self.beats
        times = beats.downbeats if beats.has_pulse else np.zeros(0)
        period = float(np.median(np.diff(times))) if len(times) > 1 else BAR_SECONDS
        bars = grid(times, period=period, begin=self._begin, end=self._end)
        return find_sections(bars, self._levels, self._pitch_classes, have_phrases=beats.has_pulse)

    @cached_property
    def key(self) -> Key | None:
        """The key in which most of the music is; None where no notes stand out."""
        begin, end = (round(time * MOMENTS_PER_SECOND) for time in (self._begin, self._end))
        return find_key(self._pitch_classes.strengths[begin : end + 1].mean(axis=0), self.chords.shares[:NO_CHORD])

    @cached_property
    def chords(self) -> Chords:
        """The chord of each beat or, where there is no pulse, of each half second."""
        beats = self.beats
        times, period = (beats.times, 60 / beats.bpm) if beats.has_pulse else (np.zeros(0), CHORD_SECONDS)
        edges = grid(times, period=period, begin=self._begin, end=self._end)
        return Chords(edges, find_chords(means(self._pitch_classes.strengths, edges)))

    @property
    def onset_strength(self) -> NDArray[np.float64]:
        """How strongly something begins, in decibels, 0 and more: `(n,)`, 75 values a second."""
        return self._levels.onset_strength

    @cached_property
    def loudness(self) -> NDArray[np.float64]:
        """The momentary loudness in LUFS, -70 and more: `(n,)`, 15 values a second, each over 0.4 s around it."""
        return energy.loudness(self._levels, 20 * np.log10(self.level) + self._channels_decibels)

    @cached_property
    def energy(self) -> NDArray[np.float64]:
        """How energetic the music is, 0 to 1: `(n,)`, 15 values a second, each over 4 s around it."""
        return energy.energy(self._excitement)

    def energy_between(self, edges: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how energetic the music is between seconds `(n + 1,)`: `(n,)`, 0 to 1."""
        return energy.energy_between(self._excitement, edges)

    def energy_of(self, mono: NDArray[np.float32], edges: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how energetic a layer of this song is, or a track made of it, between seconds `(n + 1,)`.

        `mono` is `(samples,)` at 22,050 Hz, at the level that it has beside the song. The values are `(n,)`, 0 to 1.
        """
        levels = Levels.of(mono, self.level)
        loudness = energy.loudness(levels, 20 * np.log10(self.level) + self._channels_decibels)
        return energy.energy_between(energy.excitement(levels, loudness), edges)

    @cached_property
    def voice(self) -> Voice:
        """Where a voice sounds, and what a cut there costs."""
        return find_voice(self.mono)

    @property
    def tuning(self) -> float:
        """How many semitones, -0.5 to 0.5, the notes are above A = 440 Hz; 0 where there are none."""
        return self._pitch_classes.tuning

    @cached_property
    def bounds(self) -> Bounds:
        """Where the music begins and ends, and its long silences, in samples of the song."""
        return find_bounds(self._heard.steps)

    @cached_property
    def downmix(self) -> Downmix:
        """How the channels are mixed to one."""
        return Downmix.of(self._heard.steps)

    @cached_property
    def mono(self) -> NDArray[np.float32]:
        """The whole song at 22,050 Hz and its own level, mixed to one channel: `(n,)`. A long one lies in a file."""
        heard = self._heard
        mixed = self.downmix.mixed(heard.samples)
        return spooled(resample_chunks(mixed, len(heard.samples), from_rate=heard.sample_rate, to_rate=RATE))[:, 0]

    @cached_property
    def level(self) -> float:
        """The root mean square of `mono` where there is music, 1 for silence."""
        begin, end = (round(time * RATE) for time in (self._begin, self._end))
        silent = self.bounds.silent * RATE / self.song.sample_rate
        return float(np.sqrt(_squares(self.mono[begin:end]) / max(1.0, end - begin - silent))) or 1.0

    @cached_property
    def power(self) -> float:
        """The mean square of the song's samples where there is music."""
        steps, bounds = self._heard.steps, self.bounds
        power = steps.power[bounds.begin // steps.size : -(-bounds.end // steps.size)]
        return float(power.mean()) * (bounds.end - bounds.begin) / (bounds.end - bounds.begin - bounds.silent)

    @cached_property
    def _excitement(self) -> NDArray[np.float64]:
        return energy.excitement(self._levels, self.loudness)

    @cached_property
    def _heard(self) -> Song:
        return self.song.as_heard

    @property
    def _begin(self) -> float:
        return self.bounds.begin / self.song.sample_rate

    @property
    def _end(self) -> float:
        return self.bounds.end / self.song.sample_rate

    @property
    def _channels_decibels(self) -> float:
        """By how many decibels all channels, each from a speaker of its own, are louder than `mono`."""
        mixed = _squares(self.mono) / max(1, len(self.mono))
        return 10 * float(
            np.log10(max(float(self._heard.steps.power.mean()) * self.song.channels, TINY) / max(mixed, TINY))
        )

    @cached_property
    def _levels(self) -> Levels:
        return Levels.of(self.mono, self.level)

    @cached_property
    def _pitch_classes(self) -> PitchClasses:
        return PitchClasses.of(self.mono)


def _squares(samples: NDArray[np.float32]) -> float:
    """Return the sum of the squares of samples `(n,)`."""
    return sum(float(np.square(chunk, dtype=np.float64).sum()) for chunk in chunks(samples))


def analyse(samples: NDArray[np.floating], sample_rate: int) -> Analysis:
    """Analyse a song: beats and bars, sections, key and chords, loudness and energy.

    Args:
        samples: `(n,)` or `(n, channels)`, float, full scale -1 to 1.
        sample_rate: in Hz.

    Returns:
        The analysis. Each part of it is found when it is first read.

    Raises:
        UsageError: for arrays of another type or shape.
        UnreadableAudio: for samples that are silent or not finite.

    Examples:
        >>> import numpy as np
        >>> import extrapcli
        >>> rate = 22050
        >>> seconds = np.arange(8 * rate) / rate
        >>> notes = [220.0, 261.63, 329.63]  # A, C, E
        >>> chord = sum(np.sin(2 * np.pi * note * seconds) for note in notes) / 6
        >>> analysis = extrapcli.analyse(chord, rate)
        >>> analysis.key.name
        'A minor'
        >>> set(analysis.chords.names)
        {'Am'}
        >>> [(section.begin, section.end, section.label) for section in analysis.sections]
        [(0.0, 8.0, 'A')]
    """
    return Analysis(song_from_samples(samples, sample_rate, "the song"))
