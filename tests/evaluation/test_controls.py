"""Every measure ranks the true continuation, a loop, silence and noise correctly, on the mean over real clips.

The first 17.3 s of each clip in `tests/data/clips` are the song; the rest, 20.7 s, is the true continuation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from extrapcli.continuation import Join
from extrapcli.evaluation import controls, copying, harmony, level, metre, mood, reference, rhythm
from extrapcli.evaluation.copying import Copies
from extrapcli.evaluation.join_audibility import JoinPercentiles
from extrapcli.evaluation.level import Differences
from extrapcli.evaluation.measures import CONTROLS, LOOP, MEASURES, NOISE, SILENCE, TRUE, Measure
from extrapcli.evaluation.reference import Reference, Values
from extrapcli.evaluation.self_repetition import SelfRepetition
from extrapcli.evaluation.sets import fad, kad
from extrapcli.evaluation.tagger import BATCH, Tagger, Tagging
from tests.evaluation.sounds import Sound, pink

pytestmark = pytest.mark.slow

CLIPS = sorted((Path(__file__).parents[1] / "data" / "clips").glob("*.opus"))
RATE = 24000  # half the clips', for speed
HEAD = round(17.3 * RATE)

Array = NDArray[np.float32]
Means = dict[str, dict[str, float | None]]
"""The mean over the clips, by measure and control."""


class RememberingTagger(Tagger):
    """Keeps its last outputs, so that they need not be computed again."""

    def tag(self, sound: Sound, rate: int, *, most: int | None = None, batch: int = BATCH) -> Tagging:
        self.last = super().tag(sound, rate, most=most, batch=batch)
        return self.last


@dataclass(frozen=True)
class Measurements:
    """Values and embeddings, by control and clip."""

    values: dict[str, list[Values]]
    embeddings: dict[str, list[Array]]

    def means(self, badness: bool = False) -> Means:
        """Average the values, or their badness, over the clips that have one; None where none has."""
        means: Means = {}
        for measure in MEASURES:
            means[measure.name] = {}
            for control in CONTROLS:
                found = [values[measure.name] for values in self.values[control]]
                some = [measure.badness(value) if badness else value for value in found if value is not None]
                means[measure.name][control] = float(np.mean(some)) if some else None
        return means


def splices(count: int, every: int, fade_seconds: float = 0) -> list[Join]:
    """Joins at the end of the head, and from there every so many samples, up to `count`."""
    return [Join((HEAD + begin) / RATE, fade_seconds) for begin in range(0, count, every)]


def measured_on(clips: list[Path]) -> Measurements:
    tagger = RememberingTagger(threads=1)
    values: dict[str, list[Values]] = {control: [] for control in CONTROLS}
    embeddings: dict[str, list[Array]] = {control: [] for control in CONTROLS}
    for path in clips:
        clip = decode(path)
        whole = resample(clip.samples.mean(axis=1, keepdims=True), from_rate=clip.sample_rate, to_rate=RATE)
        song, follows = whole[:HEAD], whole[HEAD:]
        size = len(follows)
        made = {
            TRUE: (follows, splices(size, 5 * RATE, 0.05)),  # any moment of music
            LOOP: (controls.loop(song, size), splices(size, HEAD)),
            SILENCE: (controls.silence(song, size), splices(size, size)),
            NOISE: (controls.noise(song, size), splices(size, size)),
        }
        against = Reference(song, RATE, tagger)
        for control, (continuation, joins) in made.items():
            track = np.concatenate([song, continuation])
            values[control].append(against.measure(track, HEAD, joins, follows).values)
            if control == SILENCE:  # which has no tags
                tagger.tag(np.zeros(size, np.float32), RATE)
            embeddings[control].append(tagger.last.embeddings)
    return Measurements(values, embeddings)


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return measured_on(CLIPS)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_controls_rank_correctly(measure: Measure, measured: Measurements) -> None:
    assert measure.misordered(measured.means()[measure.name]) == []


@pytest.mark.parametrize(
    "measure", [measure for measure in MEASURES if measure.better == "middle"], ids=lambda measure: measure.name
)
def test_errors_of_clips_do_not_cancel(measure: Measure, measured: Measurements) -> None:
    """Values above and below an ideal can average to it; their distances from it can not."""
    distances = measured.means(badness=True)[measure.name]
    assert replace(measure, better="low").misordered(distances) == []


@pytest.mark.parametrize(
    "measure", [measure for measure in MEASURES if measure.orders], ids=lambda measure: measure.name
)
def test_a_broken_measure_is_noticed(measure: Measure, measured: Measurements) -> None:
    """One with the same value for everything, or none for anything, or that confuses two controls."""
    means = measured.means()[measure.name]
    for constant in (0.0, 1.0, 50.0, None):
        assert measure.misordered(dict.fromkeys(CONTROLS, constant)) == list(measure.orders)
    for better, worse in measure.orders:
        assert (better, worse) in measure.misordered(means | {better: means[worse], worse: means[better]})


def test_measures_that_ignore_the_sound_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each measuring function is broken: it returns the same for any sound."""
    monkeypatch.setattr(reference, "join_percentiles", lambda *_: JoinPercentiles(50, 50, 50))
    monkeypatch.setattr(level, "differences", lambda *_: Differences(*np.zeros((3, 8))))
    monkeypatch.setattr(reference, "self_repetition", lambda *_: SelfRepetition(0.5, 20, 0.5, 5))
    for name in ("chroma_similarity", "key_similarity"):
        monkeypatch.setattr(harmony, name, lambda *_: 0.5)
    monkeypatch.setattr(rhythm, "tempo", lambda _: 120.0)
    monkeypatch.setattr(rhythm, "beat_error", lambda *_: 0.25)
    monkeypatch.setattr(metre, "bar_continuity", lambda *_: 0.5)
    monkeypatch.setattr(copying, "copies", lambda *_: Copies(0.5, 5))
    for name in ("embedding_distance", "tag_distance", "mood_distance"):
        monkeypatch.setattr(mood, name, lambda *_: 0.5)
    monkeypatch.setattr(Reference, "_mean_squared_error", lambda *_: 1.0)
    means = measured_on(CLIPS[:1]).means()
    for measure in MEASURES:
        assert measure.misordered(means[measure.name]) == list(measure.orders)


def test_every_measure_is_taken(measured: Measurements) -> None:
    names = [measure.name for measure in MEASURES]
    assert len(set(names)) == len(names)
    for values in measured.values.values():
        assert all(list(taken) == names for taken in values)
        assert all(value is None or np.isfinite(value) for taken in values for value in taken.values())


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_orders_name_controls(measure: Measure) -> None:
    assert all(better in CONTROLS and worse in CONTROLS and better != worse for better, worse in measure.orders)


@pytest.mark.parametrize("distance", [kad, fad])
def test_set_distances_rank_the_controls(distance: Callable[[Array, Array], float], measured: Measurements) -> None:
    """The true continuations are nearest to themselves, then the loops; noise and silence are far away."""
    sets = {control: np.concatenate(rows) for control, rows in measured.embeddings.items()}
    to_true = {control: distance(made, sets[TRUE]) for control, made in sets.items()}
    halves = distance(sets[TRUE][0::2], sets[TRUE][1::2])
    assert to_true[TRUE] < to_true[LOOP]
    assert halves < to_true[LOOP]
    assert to_true[LOOP] < min(to_true[NOISE], to_true[SILENCE]) / 2


def test_clicks_are_counted() -> None:
    """Four in eight seconds are thirty per minute; the song's own noise has none."""
    rate = 22050
    song, follows = pink(8, rate)[:, None], pink(8, rate, seed=1)[:, None]
    against = Reference(song, rate, Tagger(threads=1))
    for clicks in ((), (rate, 2 * rate + 7, 5 * rate + 441, 7 * rate)):
        follows[list(clicks)] += 0.9
        found = against.measure(np.concatenate([song, follows]), len(song), []).values
        assert found["clicks_per_minute"] == pytest.approx(60 * len(clicks) / 8)


def test_controls_are_what_their_names_say() -> None:
    rng = np.random.default_rng(1)
    song = (rng.normal(size=(1000, 2)) * [0.1, 0.3]).astype(np.float32)
    looped = controls.loop(song, 2500)
    np.testing.assert_array_equal(looped, np.concatenate([song, song, song[:500]]))
    np.testing.assert_array_equal(controls.loop(song, 300), song[:300])
    assert not controls.silence(song, 300).any()
    hiss = controls.noise(song, 50_000)
    np.testing.assert_allclose(hiss.std(axis=0), song.std(axis=0), rtol=0.03)
    np.testing.assert_array_equal(hiss, controls.noise(song, 50_000))
    assert {made.shape for made in (looped, hiss)} == {(2500, 2), (50_000, 2)}
    assert {made.dtype for made in (looped, hiss, controls.silence(song, 10))} == {np.dtype(np.float32)}
