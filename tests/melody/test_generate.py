"""Generated tunes: that they begin with the seed, how they end, and the command that writes them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.backends.base import Backend, Tensors
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.frames import Frames
from extrapcli.melody.encoding import METRES, Tune, decode, encode, parse_symbols
from extrapcli.melody.generate import continue_tune, draw_symbols
from extrapcli.melody.midi import midi_file
from extrapcli.spec import TuneSpec
from tests.conftest import Extrap
from tests.melody.tunes import only_tune
from tests.toy import ToyBackend

SEED = "67 _ 67 _ 65 _ 64 _"


def tune(symbols: str = SEED, metre: str = "4/4") -> Tune:
    return Tune("", decode(parse_symbols(symbols)), metre)


class Counting(ToyBackend):
    """A model whose state counts steps: it gives notes for a number of steps and then ends the tune."""

    model = TuneSpec("counting", ("/", "_", "60", "62"), 1)

    def __init__(self, ends: float) -> None:
        super().__init__()
        self.ends, self.beats = ends, list[float]()

    def compute(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        self.beats.append(float(context[0, 0, 1]))
        state = context[:, 0, 2:] + 1
        chances = np.where(state > self.ends, [[1.0, 0, 0, 0]], [[0, 0.5, 0.5, 0]])
        return {"next": chances.astype(np.float32), "state": state}


def test_a_tune_begins_with_its_seed_and_ends_where_the_model_ends_it() -> None:
    model = Counting(ends=40)
    written = continue_tune(model, tune("62 _ 62 _"), bars=4, temperature=1, random_seed=0)
    assert written.ended
    assert written.tune.steps == 40
    assert encode(written.tune.notes)[:4] == ["62", "_", "62", "_"]
    first = 1 + METRES["2/4"] + METRES["3/4"]
    assert model.beats == [first + step % 16 for step in range(41)]


class EndsAtTheThirdBar(Counting):
    """It may end at every bar line, and does so at the third with a high probability."""

    def compute(self, context: Frames) -> Mapping[str, NDArray[np.float32]]:
        given = super().compute(context)
        step = given["state"] - 1
        end = np.where(step == 48, 0.9, np.where(step % 16 == 0, 0.2, 0)) * (step > 0)
        chances = (1 - end) * given["next"] + end * [1, 0, 0, 0]
        return {"next": chances.astype(np.float32), "state": given["state"]}


def test_the_candidate_with_the_most_probable_ending_is_kept() -> None:
    for number in range(5):
        written = continue_tune(
            EndsAtTheThirdBar(ends=1e6), tune("62 _ 62 _"), bars=4, temperature=1, random_seed=number
        )
        assert (written.tune.steps, written.ended) == (48, True)


def test_a_tune_may_end_where_the_last_bar_does() -> None:
    written = continue_tune(Counting(ends=64), tune("62 _ 62 _"), bars=4, temperature=1, random_seed=0)
    assert (written.tune.steps, written.ended) == (64, True)


def test_a_tune_that_does_not_end_is_cut_at_the_bar() -> None:
    written = continue_tune(Counting(ends=1e6), tune("62 _ 62 _", "3/4"), bars=4, temperature=1, random_seed=0)
    assert not written.ended
    assert written.tune.steps == 48


@pytest.mark.parametrize("temperature", [0, 0.5, 1, 2])
def test_both_backends_write_the_same_tune(tune_model: Path, temperature: float) -> None:
    one, other = (open_model(tune_model, backend=name, device="cpu") for name in ("onnx", "tensorflow"))
    for random_seed in range(3):
        asked = {"bars": 8, "temperature": temperature, "random_seed": random_seed}
        written = continue_tune(one, tune(), **asked)  # type: ignore[arg-type]
        assert written == continue_tune(other, tune(), **asked)  # type: ignore[arg-type]
        assert encode(written.tune.notes)[:8] == SEED.split()
        assert written == continue_tune(one, tune(), **asked)  # type: ignore[arg-type]


def test_another_number_gives_another_tune(tune_model: Path) -> None:
    model = open_model(tune_model, device="cpu")
    written = [continue_tune(model, tune(), bars=8, temperature=1, random_seed=number).tune for number in range(4)]
    assert len(set(written)) == 4


def test_temperature_sharpens_and_flattens(rng: np.random.Generator) -> None:
    chances = np.tile(np.array([0.6, 0.3, 0.1, 0], np.float32), (20000, 1))
    for temperature in (0.5, 1.0, 2.0):
        wanted = np.array([0.6, 0.3, 0.1, 0]) ** (1 / temperature)
        counts = np.bincount(draw_symbols(chances, temperature, rng.random(20000)), minlength=4) / 20000
        np.testing.assert_allclose(counts, wanted / wanted.sum(), atol=0.02)
    assert set(draw_symbols(chances, 0, rng.random(20000))) == {0}
    assert draw_symbols(np.array([[0, 1, 0]], np.float32), 1, np.array([0.0])) == [1]


def test_no_step_is_computed_twice(tune_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_model(tune_model, backend="onnx", device="cpu", threads=1)
    contexts: list[tuple[int, ...]] = []
    run = model.run

    def counted(inputs: Tensors) -> Tensors:
        contexts.append(inputs["context"].shape)
        return run(inputs)

    monkeypatch.setattr(model, "run", counted)
    written = continue_tune(model, tune(), bars=4, temperature=1, random_seed=0)
    assert {shape[1] for shape in contexts} == {1}
    assert written.tune.steps <= len(contexts) <= 4 * 16 + 1


def test_seeds_that_the_model_cannot_continue_are_refused(tune_model: Path, tiny_model: Path) -> None:
    model: Backend = open_model(tune_model, device="cpu")
    with pytest.raises(UsageError, match="knows the notes 55 to 76, not 30"):
        continue_tune(model, tune("60 30"), bars=8, temperature=1, random_seed=0)
    with pytest.raises(UsageError, match="no room in a tune of 1 bar"):
        continue_tune(model, tune("60 _ _ _ _ _ _ _ _ _ _ _ _ _ _ _"), bars=1, temperature=1, random_seed=0)
    with pytest.raises(UnusableModel, match="tiny predicts seconds of sound; choose one that writes tunes"):
        continue_tune(open_model(tiny_model, device="cpu"), tune(), bars=8, temperature=1, random_seed=0)


@pytest.mark.slow
def test_the_command_writes_midi(extrap: Extrap, tune_model: Path, tmp_path: Path) -> None:
    asked = ("melody", "--seed", SEED, "--model", tune_model, "--bars", "4")
    assert extrap(*asked, "-o", "c.mid").lines == ["c.mid"]
    extrap(*asked, "--key", "G", "--tempo", "90", "--backend", "tensorflow", "-o", "g.mid")
    c, g = only_tune(tmp_path / "c.mid"), only_tune(tmp_path / "g.mid")
    assert isinstance(c, Tune)
    assert isinstance(g, Tune)
    assert g.notes == c.transposed(-5).notes
    assert "exists already" in extrap(*asked, "-o", "c.mid", status=6).stderr
    before = (tmp_path / "c.mid").read_bytes()
    extrap(*asked, "-o", "c.mid", "--overwrite", "--random-seed", "1", "--temperature", "1.5", "--quiet")
    assert (tmp_path / "c.mid").read_bytes() != before
    assert extrap(*asked, "-o", "-").stdout == before


def test_a_long_seed_is_not_taken_for_a_file_name(extrap: Extrap, tune_model: Path, tmp_path: Path) -> None:
    (tmp_path / "new.mid").touch()
    extrap("melody", "--seed", "67 _ " * 60, "--model", tune_model, "-o", "new.mid", "--overwrite")
    assert isinstance(only_tune(tmp_path / "new.mid"), Tune)


def test_a_seed_from_a_file_keeps_its_key(extrap: Extrap, tune_model: Path, tmp_path: Path) -> None:
    scale = decode(["63", "_", "65", "_", "67", "_", "68", "_", "70", "_", "_", "_", "63", "_", "_", "_"])
    midi_file(Tune("", scale, "3/4"), tempo=100).save(tmp_path / "seed.mid")
    extrap("melody", "--seed", "seed.mid", "--model", tune_model, "-o", "new.mid", "--bars", "6")
    new = only_tune(tmp_path / "new.mid")
    assert isinstance(new, Tune)
    assert new.metre == "3/4"
    assert new.notes[:5] == scale[:5]


@pytest.mark.parametrize(
    ("seed", "status", "says"),
    [
        ("", 2, "contains no notes"),
        ("67 _ x", 2, "'x' is not a note"),
        ("gone.mid", 3, "gone.mid"),
        ("gone.abc", 3, "gone.abc: cannot be read"),
    ],
)
def test_bad_seeds_end_in_one_sentence(seed: str, status: int, says: str, extrap: Extrap, tune_model: Path) -> None:
    ran = extrap("melody", "--seed", seed, "--model", tune_model, status=status)
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_model_of_another_kind_is_refused(
    extrap: Extrap, tune_model: Path, tiny_model: Path, song_wav: Path
) -> None:
    assert "choose one that writes tunes" in extrap("melody", "--seed", SEED, "--model", tiny_model, status=4).stderr
    assert "extrap melody" in extrap("continue", song_wav, "--minutes", "1", "--model", tune_model, status=4).stderr
    assert "3/8" in extrap("melody", "--seed", SEED, "--metre", "5/4", "--model", tune_model, status=2).stderr
    assert "is not a key" in extrap("melody", "--seed", SEED, "--key", "Q", "--model", tune_model, status=2).stderr
