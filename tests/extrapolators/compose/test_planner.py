"""The planner hears what it plays: step by step it says what the network says of the whole way at once."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.errors import UnusableModel
from extrapcli.extrapolators.compose.candidates import SLOT_NUMBERS, Candidates
from extrapcli.extrapolators.compose.matching import KINDS
from extrapcli.extrapolators.compose.planner import Heard, Planner
from extrapcli.extrapolators.compose.walk import MIDDLE
from extrapcli.models import find_model
from extrapcli.spec import PlannerSpec, expect
from tests.toy import ToyBackend

HEARD, STEPS = 64, 6
WANTED = (0.0, 1.0, -1.0, 0.5, 2.0, -0.5)


class Huge(ToyBackend):
    """A network that has gone wrong."""

    model = PlannerSpec("huge", "compose", 22050, SLOT_NUMBERS, 3, vector=4, matches=KINDS, state=8)

    def compute(self, context: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        slots = context.shape[1]
        shapes = {name: [size or slots for size in shape] for name, shape in self.model.output_shapes.items()}
        return {name: np.full((1, *shape), 1e30, np.float32) for name, shape in shapes.items()}


def test_a_network_that_has_gone_wrong_is_said_to_be(candidates: Candidates) -> None:
    with pytest.raises(UnusableModel, match="model huge gives numbers that are far too large; train it again"):
        Planner(Huge(), candidates, Heard.of(candidates, HEARD))


def test_each_step_is_that_of_the_whole_way(candidates: Candidates) -> None:
    backend = open_model(find_model("compose"), device="cpu")
    start = np.zeros((1, expect(backend.spec, PlannerSpec).state), np.float32)
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(candidates), (3, STEPS))
    planner = Planner(backend, candidates, Heard.of(candidates, HEARD))
    own = backend.run({"context": Heard.of(candidates, len(candidates)).rows(candidates)[None], "state": start})
    keys = own["keys"].reshape(len(candidates), 3, -1)
    moments = np.arange(HEARD + STEPS) + int(candidates.moments[0])
    energies = np.append(candidates.energies[:HEARD], np.array(WANTED, np.float32))
    spectra = np.concatenate([candidates.spectra[:HEARD], candidates.layered(chosen)])
    places = candidates.places(moments, energies)
    for step in range(STEPS):
        now, said = HEARD + step, dict[int, NDArray[np.floating]]()

        def choose(layer: int, logits: NDArray[np.floating], step: int = step) -> int:
            said[layer] = logits.copy()  # noqa: B023 - called at once
            return int(chosen[layer, step])

        matched = planner.walk.matches(int(moments[now]), WANTED[step])[MIDDLE]
        planner.step(int(moments[now]), WANTED[step], choose)
        rows = np.hstack([candidates.sounds(spectra[:now]), places[:now], places[1 : now + 1]]).astype(np.float32)
        at_once = backend.run({"context": rows[None], "state": start})
        query = at_once["queries"][0, -1].reshape(3, -1)[MIDDLE]
        weights = at_once["weights"][0, -1].reshape(3, -1)[MIDDLE]
        np.testing.assert_allclose(said[MIDDLE], matched @ weights + keys[:, MIDDLE] @ query, atol=1e-3)
