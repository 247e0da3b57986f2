"""amplitude from songs to a model, and the windows it learns from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.models import damaged_files, read_card
from extrapcli.spec import SampleSpec
from extrapcli.training.corpus import Corpus
from extrapcli.training.kinds.amplitude import AmplitudeRecipe, SampleWindows
from tests.conftest import Extrap, chord
from tests.training.conftest import LayCorpus, RecordedProgress
from tests.training.here import export, train

Lay = Callable[..., Corpus]
RECIPE = """
network = "amplitude"
[amplitude]
look_back = 3
units = 8
dense = [6, 4]
[samples]
songs = ["0", "2"]
per_song = 4000
validation_samples = 500
[fit]
epochs = 2
batch_size = 50
learning_rate = 0.01
"""


@pytest.fixture
def lay(lay_corpus: LayCorpus, rng: np.random.Generator) -> Lay:
    def make(recipe: str = RECIPE) -> Corpus:
        def sound() -> NDArray[np.float64]:
            loud: float = rng.uniform(0.2, 0.8)
            return loud * chord(1, 22050, 2) + rng.normal(scale=0.001, size=(22050, 2))

        return Corpus.open(lay_corpus(recipe, {"train": 3, "validation": 2}, sound, 22050))

    return make


@pytest.mark.slow
@pytest.mark.parametrize("every_step", ["false", "true"])
def test_train_resume_and_export(every_step: str, lay: Lay, extrap: Extrap, tmp_path: Path) -> None:
    lay(RECIPE.replace("[fit]", f"every_step = {every_step}\n[fit]"))
    train(tmp_path)
    assert "finished" in train(tmp_path, resume=True)[-1]
    export(tmp_path / "run", None, tmp_path / "model")
    assert damaged_files(tmp_path / "model") == []
    figures = read_card(tmp_path / "model").figures
    linear, silent = figures["linear_prediction_training_squared_16_bit"], figures["silence_training_squared_16_bit"]
    assert 0 < float(linear) < float(figures["network_training_squared_16_bit"]) < float(silent)
    own, common = (figures[f"linear_prediction{of}_validation_decibels"] for of in ("_of_each_song", ""))
    assert float(own) <= float(common) < 0
    assert float(figures["network_validation_decibels"]) < 0
    assert open_model(tmp_path / "model").spec == SampleSpec("model", "amplitude", 22050, 3)
    assert "takes: the last 3 samples of a sound at 22050 Hz" in extrap("info", "model").lines


def test_songs_are_those_that_are_named_each_channel_of_unit_deviation(lay: Lay) -> None:
    corpus = lay()
    recipe = AmplitudeRecipe.model_validate(
        {"network": "amplitude", "fit": {"epochs": 1}, "samples": {"per_song": 22050}}
    )
    assert len(recipe.training_channels(corpus, RecordedProgress()).shards) == 3
    named = recipe.model_copy(update={"samples": recipe.samples.model_copy(update={"songs": ("2",)})})
    channels = named.training_channels(corpus, RecordedProgress())
    assert [shard.source.stem for shard in channels.shards] == ["2"]
    assert channels.signals.shape == (2, 22050)
    np.testing.assert_allclose(channels.signals.std(axis=1), 1, atol=1e-5)
    whole = channels.shards[0].read()
    np.testing.assert_allclose(channels.signals.T * channels.levels, whole, atol=0.01)


@pytest.mark.parametrize(
    ("samples", "says"),
    [({"songs": ("gone",)}, "no song gone"), ({"songs": ("1",), "per_song": 30000}, r"no song has 30000 samples")],
)
def test_a_song_that_is_not_there_or_too_short_is_refused(samples: dict[str, object], says: str, lay: Lay) -> None:
    recipe = AmplitudeRecipe.model_validate({"network": "amplitude", "fit": {"epochs": 1}, "samples": samples})
    with pytest.raises(UsageError, match=says):
        recipe.training_channels(lay(), RecordedProgress())


def windows(*, every_step: bool, random: bool, look_back: int = 4) -> SampleWindows:
    signals = np.arange(100, dtype=np.float32).reshape(2, 50)
    return SampleWindows(
        shards=(), batch_size=10, random=random, signals=signals, look_back=look_back, every_step=every_step
    )


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("random", [False, True])
def test_a_window_is_answered_by_what_follows_it(every_step: bool, random: bool) -> None:
    some = windows(every_step=every_step, random=random)
    for step in range(some.steps):
        batch = some.batch(1, step)
        assert batch.inputs.shape == (10, 4, 1)
        following = batch.inputs[..., 0] + 1
        np.testing.assert_array_equal(batch.targets, following if every_step else following[:, -1:])


@pytest.mark.parametrize("random", [False, True])
def test_an_epoch_predicts_every_sample_once(random: bool) -> None:
    last = windows(every_step=False, random=random)
    targets = np.concatenate([last.batch(0, step).targets for step in range(last.steps)])[: last.items]
    assert sorted(targets.ravel()) == [*range(4, 50), *range(54, 100)]
    every = windows(every_step=True, random=random)
    every_targets = np.concatenate([every.batch(0, step).targets for step in range(every.steps)])[: every.items]
    assert len(set(every_targets.ravel())) == every_targets.size == every.items * 4 == 2 * 44


def test_an_epoch_can_be_made_anew_from_any_step() -> None:
    some = windows(every_step=True, random=True)
    again = [batch.targets for batch, _ in some.prefetched(3, 1)]
    np.testing.assert_array_equal(again[0], some.batch(3, 1).targets)
    assert not np.array_equal(some.batch(3, 0).targets, some.batch(4, 0).targets)


def test_item_and_batch_agree() -> None:
    some = windows(every_step=True, random=False)
    inputs, targets = some.item(7, np.random.default_rng(0))
    batch = some.batch(0, 0)
    np.testing.assert_array_equal(batch.inputs[7], inputs)
    np.testing.assert_array_equal(batch.targets[7], targets)


def test_windows_longer_than_the_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        AmplitudeRecipe.model_validate(
            {"network": "amplitude", "fit": {"epochs": 1}, "samples": {"validation_samples": 32},
             "amplitude": {"look_back": 32}}
        )  # fmt: skip
