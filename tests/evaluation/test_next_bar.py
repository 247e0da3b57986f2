"""A bar that a scorer foretells costs few bits, and nothing that sounds after a bar line counts before it."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.evaluation.next_bar import (
    RATE,
    WAYS,
    Cuts,
    NextBar,
    SongBars,
    bar_lines,
    encoder_scorer,
    fit_weights,
    next_bar,
    song_bars,
)
from extrapcli.frames import Frames
from extrapcli.spec import EncoderSpec
from tests.evaluation.sounds import Sound, beats, tones, white
from tests.toy import ToyBackend

BAR_SECONDS = 1.5
PITCHES = {"A": (220, 277, 330), "B": (247, 294, 370), "C": (196, 247, 294), "D": (165, 208, 247)}
FORM = "AABACABADABC"


def song(form: str, seed: int = 0) -> tuple[Sound, NDArray[np.float64]]:
    """A bar for each letter of a form, never twice quite the same, and the bar lines in seconds."""
    sounds = [tones(*PITCHES[letter], seconds=BAR_SECONDS, rate=RATE) for letter in form]
    fall = np.exp(-3 * np.arange(len(sounds[0])) / RATE)
    sound = np.concatenate([one * fall for one in sounds]) + white(BAR_SECONDS * len(form), RATE, seed=seed, rms=0.01)
    return sound.astype(np.float32), np.arange(len(form) + 1, dtype=np.float64) * BAR_SECONDS


def knows_nothing(sound: Sound, times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros((len(times), len(times)))


def bars(form: str, seed: int = 0) -> SongBars:
    found = song_bars(*song(form, seed), knows_nothing)
    assert found
    return found


def random_cuts(rng: np.random.Generator, count: int = 30) -> Cuts:
    """Cuts whose score "good" says something of the true bar, while "noise" says nothing."""
    allowed = rng.random((count, 12)) < 0.8
    allowed[:, 0] = True
    likeness = rng.dirichlet(np.full(12, 0.5), count)
    good = np.log(likeness + 0.02) + rng.normal(size=likeness.shape)
    return Cuts(allowed, likeness, {"good": good, "noise": rng.normal(size=likeness.shape)})


def test_bits_are_those_of_the_formula(rng: np.random.Generator) -> None:
    cuts = random_cuts(rng)
    bits = cuts.bits({"good": 0.7, "noise": 0.2})
    for row in range(len(bits)):
        bars = np.flatnonzero(cuts.allowed[row])
        powers = [np.exp(0.7 * cuts.scores["good"][row, bar] + 0.2 * cuts.scores["noise"][row, bar]) for bar in bars]
        true = sum(p * cuts.likeness[row, bar] for p, bar in zip(powers, bars, strict=True)) / sum(powers)
        assert bits[row] == pytest.approx(-np.log2(true))


def test_fitted_weights_cost_least(rng: np.random.Generator) -> None:
    songs = [random_cuts(rng) for _ in range(20)]
    weights = fit_weights(songs, ("good", "noise"))
    assert weights["good"] > 5 * weights["noise"]

    def cost(weights: dict[str, float]) -> float:
        return float(np.mean([one.bits(weights).mean() for one in songs]))

    for factor in (0.8, 1.25):
        assert cost(weights) < cost(weights | {"good": weights["good"] * factor})
    assert cost(weights) < cost({})


@pytest.fixture(scope="module")
def measured() -> NextBar:
    songs = [bars(FORM * 3, seed) for seed in range(2)]
    return next_bar(songs, songs)


def test_a_song_that_repeats_is_foretold_by_its_past(measured: NextBar) -> None:
    plain, chance, oracle = (measured.mean(way) for way in ("plain match", "any bar", "oracle"))
    assert oracle <= plain < chance - 1
    assert measured.mean("network") == pytest.approx(chance)
    assert all(len(bits) == 2 for bits in measured.bits.values())
    assert set(measured.bits) == set(WAYS)


def test_the_interval_of_a_difference_is_around_it(measured: NextBar) -> None:
    value, low, high = measured.difference("any bar")
    assert low <= value <= high
    assert value == pytest.approx(measured.mean("any bar") - measured.mean("plain match"))
    assert measured.difference("oracle", "oracle") == (0, 0, 0)


def test_without_knowledge_a_bar_costs_about_as_much_as_the_dice_say() -> None:
    """When no two bars are more alike than others, the next one is any of the rest."""
    rng = np.random.default_rng(1)
    count = 40
    lines = np.arange(count + 1, dtype=np.float64)
    found = song_bars(rng.normal(size=count * RATE).astype(np.float32), lines, knows_nothing)
    assert found
    assert found.cuts().bits({}).mean() == pytest.approx(np.log2(count - 1), abs=0.3)


@pytest.mark.parametrize("name", ["spectra", "chroma"])
def test_what_sounds_after_a_bar_line_counts_for_nothing(name: str) -> None:
    """The same bars in another order, after the twentieth."""
    first, rest = FORM * 2, "DCBA" * 3
    one, other = (bars(first + after).scores[name] for after in (rest, rest[::-1]))
    heard = len(first) - 1  # lines before which both have the same; the first bar line is no bar's end
    np.testing.assert_allclose(one[:heard, :heard], other[:heard, :heard], atol=0.05)
    assert np.abs(one - other)[heard + 1 :].max() > 0.3


def test_only_other_bars_are_allowed_and_only_earlier_ones_if_so_asked() -> None:
    song = bars(FORM * 2)
    for earlier, least in ((False, len(song.apart) - 3), (True, 8)):
        allowed = song.cuts(earlier=earlier).allowed
        for cut, row in enumerate(allowed, len(song.apart) - len(allowed)):
            assert not row[max(0, cut - 1) : cut + 2].any()
            assert row.sum() >= least
            assert not (earlier and row[cut:].any())


@pytest.mark.parametrize("earlier", [False, True])
def test_a_jump_says_that_some_other_bar_comes_next(earlier: bool) -> None:
    """The shares of all bars that could come next add up to one, for each bar that may be jumped to."""
    song = bars(FORM * 2)
    cuts = song.cuts(earlier=earlier)
    first = len(song.apart) - len(cuts.allowed)
    alike = np.exp(-song.apart / 0.1) * (1 - np.eye(len(song.apart)))
    for cut, (row, allowed) in enumerate(zip(cuts.likeness, cuts.allowed, strict=True), first):
        for bar in np.flatnonzero(allowed):
            outcomes = alike[: cut + 1 if earlier else None, bar]
            assert row[bar] == pytest.approx(outcomes[cut] / outcomes.sum())


def test_a_song_of_few_bars_is_left_out() -> None:
    assert song_bars(*song("AABACABADA"), knows_nothing) is None


class Counting(ToyBackend):
    """A network whose vectors are the numbers of their hops, of which each second has 25."""

    model = EncoderSpec("counting", "recall", RATE, {"heard": (None, 1), "places": (None, 1), "spectra": (None, 16)})

    def compute(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        rows = np.arange(25 * context.shape[1], dtype=np.float32).reshape(1, -1, 1)
        return {"heard": rows, "places": rows, "spectra": rows.repeat(16, axis=2)}


def test_the_network_hears_up_to_a_moment_and_jumps_to_one() -> None:
    """The query is that of the last whole hop before the moment, the key that of the hop in which the other lies."""
    scores = encoder_scorer(Counting())(white(9.3, RATE), np.array([1.0, 2.01, 7.99]))
    np.testing.assert_array_equal(scores, np.outer([24, 49, 198], [25, 50, 199]))


def test_bar_lines_follow_the_beat_or_else_the_clock() -> None:
    for_beats = np.diff(bar_lines(beats(120, 20, RATE)))
    np.testing.assert_allclose(for_beats / 0.5, np.round(for_beats / 0.5), atol=0.05)
    np.testing.assert_array_equal(np.diff(bar_lines(np.zeros(20 * RATE, np.float32))), 2)
