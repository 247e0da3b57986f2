"""What a song offers to compose with: its slots, what they sound like, and what it costs to join them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import RATE
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.compose.candidates import Candidates
from extrapcli.extrapolators.compose.choosing import join_costs
from extrapcli.extrapolators.compose.music import Music
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra

LEAST_SLOTS = 16
MOST_SLOTS = 1200  # of a long song; those before its end


@dataclass(frozen=True)
class Material:
    """The slots of a song.

    Attributes:
        slots: when they are, in seconds of the music.
        candidates: what they sound like.
        joins: what it costs to go from each to each other, `(3, n, n)`; see `join_costs`.
    """

    slots: Slots
    candidates: Candidates
    joins: NDArray[np.float32]

    @classmethod
    def of(cls, music: Music) -> "Material":
        """Cut music into slots, up to its ending. Raises UnreadableAudio where it has too few."""
        analysis, song, rate = music.analysis, music.analysis.song, music.analysis.song.sample_rate
        begin, ending = music.bounds.begin / rate, music.bounds.ending / rate
        slots = Slots.of(analysis.beats, begin, ending).last(MOST_SLOTS)
        if len(slots) < LEAST_SLOTS:
            what = "half beats" if slots.keeps_bars else "quarters of a second"
            raise UnreadableAudio(
                f"{song.name}: has only {len(slots)} {what} of music, and new bars are made of {LEAST_SLOTS} or more"
            )
        early = int(slots.edges[0] * RATE)
        near, sound = slots.earlier(early / RATE), Spectra.of(analysis.mono[early : round(ending * RATE)])
        return cls(slots, Candidates.of(near, sound), join_costs(near, sound, ending - early / RATE))
