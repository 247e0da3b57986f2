"""What goes into the choice of each new slot."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis, Beats
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.extrapolators.base import Sound, Style
from extrapcli.extrapolators.compose import composer
from extrapcli.extrapolators.compose.candidates import Candidates
from extrapcli.extrapolators.compose.composer import LEAD_BARS, Composer
from extrapcli.extrapolators.compose.material import Material
from extrapcli.extrapolators.compose.music import Music
from extrapcli.extrapolators.compose.pieces import SHIFT_SECONDS
from extrapcli.extrapolators.compose.planner import Planner
from extrapcli.extrapolators.compose.walk import BASS, MIDDLE, TREBLE, Choose
from extrapcli.models import find_model
from tests.conftest import SONG

RATE, SECONDS = 22050, 90


class Noting(Composer):
    """Notes the guide of each new slot, the energy that is wanted, and what is played."""

    def __init__(self, analysis: Analysis, backend: Backend, style: Style) -> None:
        super().__init__(analysis, backend, style, SECONDS * analysis.song.sample_rate)
        self.guided: list[int] = []
        self.wanted: list[float] = []
        self.played: list[list[int]] = []
        step = self._planner.step

        def noted(moment: int, wanted: float, choose: Choose) -> NDArray[np.int_]:
            self.wanted.append(wanted)
            return step(moment, wanted, choose)

        self._planner.step = noted  # type: ignore[method-assign]
        for _ in self.blocks():
            pass

    def _play(self, slot: int, seconds: float, guide: int) -> tuple[Sound, ...]:
        self.guided.append(guide)
        return super()._play(slot, seconds, guide)

    def _go(
        self, chosen: Sequence[int] | NDArray[np.int_], seconds: float, *, together: bool, late: float
    ) -> tuple[Sound, ...]:
        self.played.append([int(one) for one in chosen])
        return super()._go(chosen, seconds, together=together, late=late)


@pytest.fixture(scope="module")
def backend() -> Backend:
    return open_model(find_model("compose"), device="cpu")


@pytest.fixture(scope="module")
def analysis(tune: NDArray[np.float32]) -> Analysis:
    """That of a song that ends by itself."""
    sound = tune.copy()
    sound[-2 * RATE :] *= np.geomspace(1, 1e-4, 2 * RATE).astype(np.float32)
    return Analysis(Song("made", sound[:, None], RATE, "f32", "wav"))


@pytest.fixture(scope="module")
def real() -> Analysis:
    """That of a song that is less regular."""
    return Analysis(decode(SONG))


@pytest.fixture(scope="module")
def song(analysis: Analysis) -> Candidates:
    return Material.of(Music.of(analysis)).candidates


def played(made: Noting) -> NDArray[np.int_]:
    """The slots that each layer plays, `(3, t)`, before the ending."""
    return np.array(made.played).T[:, : len(made.guided)]


def test_the_more_guidance_the_nearer_are_new_bars_to_their_guides(
    backend: Backend, real: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, own = [], Material.of(Music.of(real)).candidates.own
    for guidance in (0.0, 1.5 * composer.GUIDANCE):
        monkeypatch.setattr(composer, "GUIDANCE", guidance)
        made = [Noting(real, backend, Style(seed=seed)) for seed in range(2)]
        near.append(np.mean([own[layer, played(one)[layer], one.guided] for one in made for layer in range(3)]))
    assert near[1] < 0.85 * near[0]


def test_layers_are_nearer_to_the_middle_than_by_themselves(
    backend: Backend, real: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, own = [], Material.of(Music.of(real)).candidates.own
    for together in (0.0, composer.TOGETHER):
        monkeypatch.setattr(composer, "TOGETHER", together)
        slots = np.hstack([played(Noting(real, backend, Style(seed=seed))) for seed in range(3)])
        near.append(np.mean([own[MIDDLE, slots[MIDDLE], slots[layer]] for layer in (BASS, TREBLE)]))
    assert near[1] < 0.95 * near[0]


def test_the_energy_of_the_guide_is_wanted(backend: Backend, analysis: Analysis, song: Candidates) -> None:
    made = Noting(analysis, backend, Style())
    np.testing.assert_allclose(made.wanted, song.energies[made.guided])


def test_the_last_bars_follow_those_before_the_ending(backend: Backend, analysis: Analysis) -> None:
    made, per_bar = Noting(analysis, backend, Style()), Material.of(Music.of(analysis)).slots.per_bar
    assert made.lands
    (landing, *_), lead = made.played[-1], LEAD_BARS * per_bar
    assert made.guided[-lead:] == list(range(landing - lead, landing))


def test_layers_are_on_the_beat(backend: Backend, tune: NDArray[np.float32]) -> None:
    """Also where the song's own beats are not even."""
    off: list[float] = []

    class Measuring(Noting):
        def _go(
            self, chosen: Sequence[int] | NDArray[np.int_], seconds: float, *, together: bool, late: float
        ) -> tuple[Sound, ...]:
            sounds = super()._go(chosen, seconds, together=together, late=late)
            places = [layer.source(round(seconds * RATE)) for layer in self._layers]
            off.extend(np.abs(np.array(places) / RATE - self._edges[[int(one) for one in chosen]]))
            return sounds

    analysis = Analysis(Song("made", tune[:, None], RATE, "f32", "wav"))
    times = np.arange(64) / 2 + np.random.default_rng(0).uniform(-0.03, 0.03, 64)
    analysis.__dict__["beats"] = Beats(times, np.arange(64) % 4, 4, 1.0, 1.0)
    Measuring(analysis, backend, Style())
    assert 0.02 < max(off) < 0.03 + max(SHIFT_SECONDS)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.75])
def test_new_bars_are_spread_evenly(backend: Backend, analysis: Analysis, share: float) -> None:
    composer = Composer(analysis, backend, Style(new=share, ending="cut"), SECONDS * RATE)
    bars = [composer._is_new(slot) for slot in range(0, 20 * composer._per_bar, composer._per_bar)]
    assert sum(bars) == round(20 * share)
    apart = np.diff(np.flatnonzero(bars))
    assert apart.max() - apart.min() <= 1


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("uneven", [0.0, 0.05])
def test_bars_of_the_song_are_joined_at_bar_lines_however_uneven(
    backend: Backend, tune: NDArray[np.float32], share: float, uneven: float
) -> None:
    amid: list[int] = []

    class Noting(Composer):
        def _play(self, slot: int, seconds: float, guide: int) -> tuple[Sound, ...]:
            joined = super()._play(slot, seconds, guide)
            if joined and not self._is_new(slot) and self._place(slot):
                amid.append(slot)
            return joined

    analysis = Analysis(Song("made", tune[:, None], RATE, "f32", "wav"))
    times = np.arange(64) / 2 + np.random.default_rng(0).uniform(-uneven, uneven, 64)
    times[32:] = times[32] + 1.1 * (times[32:] - times[32])
    times = times[times < 32]
    analysis.__dict__["beats"] = Beats(times, np.arange(len(times)) % 4, 4, 1.0, 1.0)
    blocks = list(Noting(analysis, backend, Style(new=share, ending="cut"), SECONDS * RATE).blocks())
    assert len(blocks) > 15
    assert set(amid) <= {0}


def test_no_layer_stays_in_one_place(backend: Backend, analysis: Analysis) -> None:
    for layer in played(Noting(analysis, backend, Style(variety=0.0))):
        runs = np.split(layer, np.flatnonzero(np.diff(layer) != 1) + 1)
        assert max(map(len, runs[1:])) <= 3


def test_the_bolder_the_more_do_seeds_differ(backend: Backend, analysis: Analysis) -> None:
    same = []
    for variety in (0.0, 1.0):
        one, other = (played(Noting(analysis, backend, Style(seed=seed, variety=variety))) for seed in (0, 1))
        same.append((one == other).mean())
    assert same[0] == 1 > same[1]


def test_what_the_planner_wants_most_is_played(
    backend: Backend, analysis: Analysis, song: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Planner, moment: int, wanted: float, choose: Choose) -> NDArray[np.int_]:
        logits = np.zeros(len(song))
        logits[10 + moment * 5 % 100] = 1000.0
        return np.array([choose(layer, logits) for layer in (MIDDLE, BASS, TREBLE)])[[1, 0, 2]]

    monkeypatch.setattr(Planner, "step", step)
    first, *_ = played(Noting(analysis, backend, Style()))
    assert len(set(np.diff(first) % 100)) == 1
