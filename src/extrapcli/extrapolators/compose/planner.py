"""The planner: says which slots of a song come next, by the network and by matches."""

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend, Tensors
from extrapcli.errors import UnusableModel
from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.candidates import PLACES, SLOT_NUMBERS, Candidates
from extrapcli.extrapolators.compose.matching import CONTEXTS, KINDS
from extrapcli.extrapolators.compose.walk import Choose, Walk
from extrapcli.spec import PlannerSpec, expect

MOST = 1e6  # of what a network says; logits are its products


@dataclass(frozen=True)
class Heard:
    """Slots that were heard one after another.

    Attributes:
        spectra, moments, energies: of each, as `Candidates` has them.
        at: the candidates that were heard last, in each layer; the number of all for none of them.
    """

    spectra: NDArray[np.float32]
    moments: NDArray[np.int_]
    energies: NDArray[np.float32]
    at: NDArray[np.int_]

    @classmethod
    def of(cls, song: Candidates, slots: int) -> "Heard":
        """Hear the first slots of a song."""
        parts = song.spectra[:slots], song.moments[:slots], song.energies[:slots]
        return cls(*parts, np.full(len(NAMES), slots - 1))

    def rows(self, song: Candidates) -> NDArray[np.float32]:
        """Describe the slots to the network, each with the place of the next: `(n, 246)`."""
        places = song.places(self.moments, self.energies)
        after = song.places(self.moments[-1:] + 1, self.energies[-1:])
        rows: NDArray[np.float32] = np.hstack([song.sounds(self.spectra), places, np.vstack([places[1:], after])])
        return rows


class Planner:
    """Plans what comes next in a song, slot by slot.

    Attributes:
        walk: what was played so far.
    """

    def __init__(self, backend: Backend, song: Candidates, heard: Heard) -> None:
        """Read a song, and what was heard before the first slot that is to come.

        Raises UnusableModel where the model was trained for other slots than these, or gives absurd numbers.
        """
        spec = expect(backend.spec, PlannerSpec)
        if (spec.slot, spec.layers, spec.matches) != (SLOT_NUMBERS, len(NAMES), KINDS):
            raise UnusableModel(f"model {spec.name} plans with other slots than this version; export it again")
        self._backend, self._song, self._shape = backend, song, (len(NAMES), spec.vector)
        self.walk = Walk(song, song.apart(heard.spectra[-CONTEXTS[-1] :]), heard.at)
        start = np.zeros((1, spec.state), np.float32)
        own = Heard.of(song, len(song))
        self._keys = self._run(own.rows(song), start)["keys"].reshape(len(song), *self._shape)
        rows = heard.rows(song)
        self._state = self._run(rows[:-1], start)["next_state"] if len(rows) > 1 else start
        self._heard = rows[-1, :-PLACES]

    def fork(self) -> "Planner":
        """Return one that goes on from here by itself."""
        other = copy(self)
        other.walk = copy(self.walk)
        return other

    def step(self, moment: int, wanted: float, choose: Choose) -> NDArray[np.int_]:
        """Choose the slot that each layer plays next, `(3,)`, at a moment, with the energy that is wanted."""
        place = self._song.places(np.array([moment]), np.array([wanted], np.float32))
        said = self._run(np.hstack([self._heard[None], place]), self._state)
        self._state = said["next_state"]
        queries, weights = said["queries"].reshape(self._shape), said["weights"].reshape(len(NAMES), KINDS)
        chosen = self.walk.step(moment, wanted, weights, choose, np.einsum("nlv,lv->ln", self._keys, queries))
        sound = self._song.sounds(self._song.layered(chosen[:, None]))
        self._heard = np.hstack([sound, place])[0]
        return chosen

    def _run(self, rows: NDArray[np.floating], state: NDArray[np.floating]) -> Tensors:
        said = self._backend.run({"context": rows[None].astype(np.float32), "state": state})
        if max(np.abs(values).max() for values in said.values()) > MOST:
            raise UnusableModel(
                f"model {self._backend.spec.name} gives numbers that are far too large; train it again"
            )
        return said
