"""A run folder gives back what training needs to go on exactly."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from extrapcli.cli.hints import with_hint
from extrapcli.errors import CannotWrite, UsageError
from extrapcli.networks.settings import RecallSettings
from extrapcli.training.kinds.ranking import RankingLoss, ranker
from extrapcli.training.kinds.recall import RecallRecipe
from extrapcli.training.run import Epoch, RunFolder, State
from extrapcli.training.tables import FitSettings

RECIPE = RecallRecipe(fit=FitSettings(epochs=5, patience=2))


def model() -> keras.Model:
    """With all that a step can depend on: dropout, moments, decay, and a moving average."""
    keras.utils.set_random_seed(1)
    network, _ = ranker(RecallSettings(bands=8, width=8, vector=6, dilations=(1,)), dropout=0.2)
    optimizer = keras.optimizers.Adam(1e-2, weight_decay=0.01, use_ema=True, ema_momentum=0.9)
    network.compile(optimizer=optimizer, loss=RankingLoss(0.04))
    optimizer.build(network.trainable_variables)
    return network


def epoch(number: int, validation_loss: float) -> Epoch:
    return Epoch(number, 1.0, validation_loss, 2.0, 0.1, 3.0)


@pytest.mark.slow
def test_training_goes_on_exactly(tmp_path: Path, rng: np.random.Generator) -> None:
    inputs: dict[str, Any] = {
        "spectra": rng.normal(size=(1, 60, 8)).astype(np.float32),
        "queries": np.arange(20, 30, dtype=np.int32)[None],
        "candidates": np.arange(0, 60, 2, dtype=np.int32)[None],
    }
    costs = rng.random((1, 10, 30)).astype(np.float32)
    folder = RunFolder(tmp_path)
    folder.begin(RECIPE)
    folder.note(corpus_sha256="x")
    whole = model()
    for _ in range(3):
        whole.train_on_batch(inputs, costs)
    folder.save_best(whole)
    folder.save(whole, State([epoch(1, 2.0)], steps=3, loss=4.5))
    resumed = model()
    assert folder.restore(resumed, "x") == State([epoch(1, 2.0)], steps=3, loss=4.5)
    losses = [[float(each.train_on_batch(inputs, costs)) for _ in range(4)] for each in (whole, resumed)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    assert len(set(losses[0])) == 4


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(RECIPE)
    folder.note(finished=True)
    folder.best.write_bytes(b"weights")
    with pytest.raises(UsageError, match="holds a run already") as refused:
        folder.finished(RECIPE, resume=False)
    assert "--resume" not in str(refused.value)
    assert "--resume" in with_hint(refused.value)
    assert folder.finished(RECIPE, resume=True)
    with pytest.raises(UsageError, match=f"another recipe: seed is 4, not {RECIPE.seed}"):
        folder.finished(RECIPE.model_copy(update={"seed": 4}), resume=True)
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="cannot be a run folder"):
        RunFolder(tmp_path / "file").begin(RECIPE)


def test_what_cannot_be_resumed_is_a_usage_error(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.note(corpus_sha256="x")
    assert folder.restore(model(), "x") == State()
    folder.last.write_bytes(b"damaged")
    with pytest.raises(UsageError, match=r"last\.keras: cannot be resumed"):
        folder.restore(model(), "x")
    with pytest.raises(UsageError, match="songs have changed"):
        folder.restore(model(), "y")


@pytest.mark.parametrize(
    ("validation", "over"),
    [
        ([], False),
        ([3, 2, 1], False),
        ([1, 2], False),
        ([1, 2, 3], True),
        ([3, 2, 1, 0, 0], True),
        ([2, 1, 1], False),
    ],
)
def test_a_run_is_over_after_its_epochs_or_when_patience_ends(validation: list[float], over: bool) -> None:
    state = State([epoch(number, loss) for number, loss in enumerate(validation, 1)])
    assert state.over(RECIPE) == over
