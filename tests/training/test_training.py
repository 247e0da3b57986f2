"""From a folder of songs to a model that continues one, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.models import damaged_files, read_card
from extrapcli.training.clips import Clips
from extrapcli.training.recipe import find_recipe, read_recipe
from tests.conftest import Extrap, chord
from tests.training.conftest import LayCorpus

RECIPE = """
network = "seq2seq"
seed = 3
[seq2seq]
context_frames = 4
horizon_frames = 2
frame_samples = 2000
widths = [64, 64, 64, 64]
[data]
clips_per_song = 3
[fit]
epochs = 2
batch_size = 4
"""


@pytest.fixture
def corpus(lay_corpus: LayCorpus, rng: np.random.Generator) -> Path:
    folder = lay_corpus(
        RECIPE,
        {"train": 3, "validation": 2},
        lambda: chord(9, 8000, 2) + rng.normal(scale=0.01, size=(72000, 2)),
        8000,
    )
    (folder / "train" / "broken.flac").write_text("no music")
    return folder


def test_train_export_and_continue(extrap: Extrap, corpus: Path, song_wav: Path, tmp_path: Path) -> None:
    ran = extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run")
    assert ran.lines == ["run/best.keras"]
    assert "broken.flac" in ran.stderr
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert facts["training_songs"] == 3
    assert facts["epochs"] == 2
    assert (tmp_path / "run" / "metrics.csv").read_text().count("\n") == 3

    extrap("export", "run", "--corpus", "corpus", "-o", "model", "--quiet")
    assert damaged_files(tmp_path / "model") == []
    card = read_card(tmp_path / "model")
    assert card.figures["validation_mse"] == pytest.approx(facts["validation_loss"], rel=0.01)
    spec = open_model(tmp_path / "model").spec
    assert (spec.sample_rate, spec.context_frames, spec.horizon_frames) == (2000, 4, 2)

    extrap("continue", "song.wav", "--minutes", "0:12", "--model", "model")
    assert "silence_mse" in extrap("info", "model").stdout.decode()
    again = extrap("train", "corpus", "--recipe", "recipe.toml", "--run", "run", status=2)
    assert "finished run" in again.stderr


def test_tpu_without_one_says_what_to_install(extrap: Extrap, corpus: Path) -> None:
    ran = extrap("train", "corpus", "--recipe", "recipe.toml", "--tpu", status=5)
    assert "jax[tpu]" in ran.stderr


def test_a_corpus_without_songs_is_a_usage_error(extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    assert "no songs" in extrap("train", tmp_path, "--recipe", "recipe.toml", status=2).stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("epochs = 2", "epochs = 0"), "fit.epochs"),
        (("epochs = 2", "epoch = 2"), "epoch"),
        (("batch_size", "batchsize"), "batchsize"),
        (('"seq2seq"', '"transformer"'), "network"),
        (("widths = [64,", "widths = [9,"), "widths"),
        (("[fit]", "[fit"), "not TOML"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(change: tuple[str, str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE.replace(*change))
    with pytest.raises(UsageError, match=says):
        read_recipe(path)


def test_every_shipped_recipe_is_sound() -> None:
    for path in Path("training/recipes").glob("*.toml"):
        assert find_recipe(path.stem) == read_recipe(path)


def clips(shards: list[np.ndarray], *, random: bool) -> Clips:
    return Clips(
        shards,
        context_frames=2,
        horizon_frames=1,
        frame_samples=100,
        clips_per_song=4,
        batch_size=3,
        random=random,
        seed=1,
    )


@pytest.fixture
def shards(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.integers(-3000, 3000, size=n).astype(np.int16) for n in (300, 1000, 5000)]


def test_clips_are_standardised_and_follow_each_other(shards: list[np.ndarray]) -> None:
    batches = clips(shards, random=False)
    assert len(batches) == 4
    for index in range(len(batches)):
        context, horizon = batches[index]
        assert context.shape == (3, 2, 100)
        assert horizon.shape == (3, 1, 100)
        whole = np.concatenate([context.reshape(3, -1), horizon.reshape(3, -1)], axis=1)
        np.testing.assert_allclose(whole.std(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(whole.mean(axis=1), 0, atol=1e-5)
    first = shards[0].astype(float)
    np.testing.assert_allclose(batches[0][0][0].ravel(), ((first - first.mean()) / first.std())[:200], rtol=1e-4)


def test_random_clips_differ_by_epoch_and_repeat_by_seed(shards: list[np.ndarray]) -> None:
    one, two = clips(shards, random=True), clips(shards, random=True)
    np.testing.assert_array_equal(one[2][0], two[2][0])
    first = one.plan
    one.on_epoch_end()
    assert one.plan != first
    assert sorted(song for song, _ in one.plan) == sorted(song for song, _ in first)
    fixed = clips(shards, random=False)
    fixed.on_epoch_end()
    assert fixed.plan == clips(shards, random=False).plan


def test_a_silent_clip_stays_silent() -> None:
    context, horizon = clips([np.zeros(400, np.int16)], random=False)[0]
    assert not context.any()
    assert not horizon.any()
