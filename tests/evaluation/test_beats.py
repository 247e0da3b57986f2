"""The F measure is that of mir_eval, and its scores say what they should."""

import mir_eval
import numpy as np
import pytest

from extrapcli.evaluation.beats import f_measure, score_beats


@pytest.mark.parametrize("count", [1, 5, 60])
def test_f_measure_is_that_of_mir_eval(count: int, rng: np.random.Generator) -> None:
    for _ in range(20):
        found, true = (np.sort(rng.uniform(0, count / 8, count + k)) for k in (0, 3))
        assert f_measure(found, true) == pytest.approx(mir_eval.beat.f_measure(true, found))


def test_nothing_found_is_worth_nothing() -> None:
    assert f_measure([], [1.0, 2.0]) == f_measure([1.0], []) == 0


def test_half_the_tempo_is_an_octave_error_and_a_bar_too_long_is_none() -> None:
    true = np.arange(0, 40, 0.5)
    halved = score_beats(true[::2], true[::8], 4, true.tolist(), true[::4].tolist(), 4)
    assert (halved.octave, halved.metre) == (1, 1)
    assert halved.beat == halved.downbeat == pytest.approx(2 / 3)
    longer = score_beats(true, true[::6], 6, true.tolist(), true[::3].tolist(), 3)
    assert (longer.octave, longer.metre, longer.beat) == (0, 0, 1)
    assert longer.downbeat == pytest.approx(2 / 3, abs=0.02)
