"""What a song offers to compose with: its slots, what they sound like, and what it costs to join them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import RATE, Analysis
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.compose.candidates import Candidates
from extrapcli.extrapolators.compose.choosing import NEVER, join_costs
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import Spectra

LEAST_SLOTS = 16
MOST_SLOTS = 1200  # of a long song; those before its end


@dataclass(frozen=True)
class Material:
    """The slots of a song.

    Attributes:
        slots: when they are, in seconds of the song.
        sounding: whether they have no part in a long silence, `(n,)`; only such slots are played.
        candidates: what they sound like.
        joins: what it costs to go from each to each other, `(3, n, n)`; see `join_costs`.
    """

    slots: Slots
    sounding: NDArray[np.bool_]
    candidates: Candidates
    joins: NDArray[np.float32]

    @classmethod
    def of(cls, analysis: Analysis, model: str) -> "Material":
        """Cut a song into slots, up to its ending. Raises UnreadableAudio where it has too few for a model."""
        song, bounds, rate = analysis.song, analysis.bounds, analysis.song.sample_rate
        begin, ending = bounds.begin / rate, bounds.ending / rate
        slots = Slots.of(analysis.beats, begin, ending).last(MOST_SLOTS)
        sounding = np.ones(len(slots), bool)
        for silence in bounds.silences:
            first, after = (at / rate for at in silence)
            sounding &= (slots.edges[1:] <= first) | (slots.edges[:-1] >= after)
        if (count := int(sounding.sum())) < LEAST_SLOTS:
            what = "half beats" if slots.keeps_bars else "quarters of a second"
            raise UnreadableAudio(
                f"{song.name}: has only {count} {what} of music; {model} makes new bars of {LEAST_SLOTS} or more"
            )
        early = int(slots.edges[0] * RATE)
        near, sound = slots.earlier(early / RATE), Spectra.of(analysis.mono[early : round(ending * RATE)])
        joins = join_costs(near, sound, ending - early / RATE)
        joins[:, :, ~sounding] = NEVER
        return cls(slots, sounding, Candidates.of(near, sound), joins)
