"""melody from a folder of tunes to a model, and how the tunes are split and cut."""

from pathlib import Path

import numpy as np
import pytest

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import METRES
from extrapcli.models import damaged_files, read_card
from extrapcli.networks.settings import MelodySettings
from extrapcli.spec import TuneSpec, expect
from extrapcli.training.kinds.melody import TuneExcerpts, read_collection
from tests.conftest import Extrap
from tests.training.conftest import RecordedProgress
from tests.training.here import export, train

RECIPE = """
network = "melody"
[melody]
units = 16
vector = 8
[tunes]
context_steps = 32
validation = 0.25
[fit]
epochs = 2
batch_size = 4
learning_rate = 0.02
"""
VOCABULARY = MelodySettings().symbols


def abc(number: int, body: str, title: str = "") -> str:
    return f"X:{number}\nT: {title or f'Tune {number}'}\nM: 4/4\nL: 1/8\nK: C\n{body}\n\n"


@pytest.fixture
def tunes(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder of forty tunes in two files, a double, and a piece in triplets."""
    (tmp_path / "tunes").mkdir()
    for half in range(2):
        text = ""
        for number in range(20):
            bars = ["".join(rng.choice(list("CDEFGAc"), 4)) + "G2C2" for _ in range(6)]
            text += abc(20 * half + number, " | ".join(bars))
        (tmp_path / "tunes" / f"{half}.abc").write_text(text)
    (tmp_path / "tunes" / "0.abc").write_text(
        (tmp_path / "tunes" / "0.abc").read_text() + abc(90, "CDEF GABc") * 2 + abc(91, "(3CDE F2")
    )
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "tunes"


@pytest.mark.slow
def test_train_resume_and_export(extrap: Extrap, tunes: Path, tmp_path: Path) -> None:
    said = "\n".join(train(tmp_path, corpus="tunes"))
    assert "41 tunes kept of 43; 1 left out: comes twice; 1 left out: has durations" in said
    assert "finished" in train(tmp_path, corpus="tunes", resume=True)[-1]
    export(tmp_path / "run", None, tmp_path / "model")
    assert damaged_files(tmp_path / "model") == []
    figures = read_card(tmp_path / "model").figures
    assert 1 < float(figures["validation_perplexity"]) < len(VOCABULARY)
    assert float(figures["five_gram_perplexity"]) < float(figures["unigram_perplexity"])
    assert int(figures["training_songs"]) < 41
    spec = expect(open_model(tmp_path / "model").spec, TuneSpec)
    assert spec.symbols == VOCABULARY
    assert spec.state == 32
    lines = extrap("info", "model").lines
    assert "takes: a step of a tune, and the state before it" in lines


def test_variants_of_a_title_stay_on_one_side(tmp_path: Path, rng: np.random.Generator) -> None:
    text = ""
    for number in range(60):
        text += abc(number, "".join(rng.choice(list("CDEFGAB"), 16)), title=f"Song {number % 12}")
    (tmp_path / "t.abc").write_text(text)
    found = read_collection(tmp_path, VOCABULARY, 0.3, RecordedProgress())
    assert len(found.training) + len(found.validation) == 60
    assert len(found.training) % 5 == len(found.validation) % 5 == 0
    assert read_collection(tmp_path, VOCABULARY, 0.3, RecordedProgress()).sha256 == found.sha256


def test_too_few_tunes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tunes"):
        read_collection(tmp_path, VOCABULARY, 0.1, RecordedProgress())
    (tmp_path / "t.abc").write_text(abc(1, "CDEF GABc"))
    with pytest.raises(UsageError, match="1 tunes are too few"):
        read_collection(tmp_path, VOCABULARY, 0.1, RecordedProgress())


def test_excerpts_give_each_symbol_what_follows_it_and_where(tunes: Path) -> None:
    found = read_collection(tunes, VOCABULARY, 0.25, RecordedProgress())
    for random in (True, False):
        cut = TuneExcerpts(tunes=found.training, length=32, batch_size=4, random=random, seed=3)
        batch = cut.batch(1, 0)
        assert batch.targets.shape == batch.inputs["symbols"].shape == batch.inputs["beats"].shape == (4, 32)
        going_on = batch.targets[:, :-1] != 0
        np.testing.assert_array_equal(batch.inputs["symbols"][:, 1:][going_on], batch.targets[:, :-1][going_on])
        first = 1 + METRES["2/4"] + METRES["3/4"]
        begun = batch.inputs["symbols"] == 0
        assert set(batch.inputs["beats"][begun]) <= {first}
        np.testing.assert_array_equal(cut.batch(1, 0).targets, batch.targets)
        assert np.array_equal(cut.batch(2, 0).targets, batch.targets) != random
