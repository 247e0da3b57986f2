"""recall from a folder of songs to a model."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import extrapcli
from extrapcli.models import damaged_files, read_card
from extrapcli.training.kinds.ranking import FORBIDDEN, Rankings, future_costs, principal_patches
from extrapcli.training.kinds.recall import CARD_WAYS
from extrapcli.training.recipe import find_recipe
from extrapcli.training.tables import RankingSettings
from tests.training.conftest import LayCorpus
from tests.training.here import export, train
from tests.training.test_corpus import on_disk

RECIPE = """
network = "recall"
[recall]
bands = 16
width = 8
vector = 6
dilations = [1, 2]
[ranking]
clip_seconds = 30
queries = 16
[fit]
epochs = 2
batch_size = 2
learning_rate = 0.001
schedule = "cosine"
averaging = 0.9
clip_norm = 1.0
"""


def tune(seconds: float, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Notes of a third of a second, in a phrase of eight that repeats, with one in four another note."""
    phrase = rng.choice([220, 247, 262, 294, 330, 392], 8)
    notes = np.tile(phrase, round(seconds * 3 / 8) + 1)[: round(seconds * 3)].astype(float)
    changed = rng.random(len(notes)) < 0.25
    notes[changed] = rng.choice([220, 247, 262, 294, 330, 392], changed.sum())
    t = np.arange(rate // 3) / rate
    sound = np.concatenate([np.sin(2 * np.pi * note * t) * np.exp(-6 * t) for note in notes])
    return (0.3 * sound + 0.003 * rng.normal(size=len(sound))).astype(np.float32)


@pytest.fixture
def corpus(lay_corpus: LayCorpus, rng: np.random.Generator) -> Path:
    return lay_corpus(RECIPE, {"train": 2, "validation": 1}, lambda: tune(45, 22050, rng), 22050)


@pytest.mark.slow
def test_train_export_and_continue(corpus: Path, song_wav: Path, tmp_path: Path) -> None:
    train(tmp_path)
    export(tmp_path / "run", tmp_path / "corpus", tmp_path / "model")
    assert damaged_files(tmp_path / "model") == []
    figures = read_card(tmp_path / "model").figures
    assert float(figures["onnx_keras_difference"]) < 1e-4
    for kind in ("anywhere", "earlier"):  # a match that is fitted on two songs need not fit a third
        bits = {way: float(figures[f"next_bar_bits_{kind}_{way.replace(' ', '_')}"]) for way in CARD_WAYS}
        assert min(bits, key=lambda way: bits[way]) == "oracle", bits
    for backend in ("onnx", "tensorflow"):
        model = extrapcli.load(str(tmp_path / "model"), backend=backend)
        samples, rate = soundfile.read(song_wav, dtype="float32")
        assert model.continue_song(samples, rate, minutes=0.5).samples.shape == (30 * 22050, 2)


def test_the_shipped_recipe_is_one() -> None:
    assert find_recipe("recall").network == "recall"


def test_costs_are_mean_distances_of_futures(rng: np.random.Generator) -> None:
    spectra = rng.normal(size=(200, 4)).astype(np.float32)
    costs = future_costs(spectra, 0.5)
    assert costs.shape == (76, 76)
    for i, j in ((0, 5), (75, 3), (40, 40)):
        apart = np.abs(spectra[i : i + 125] - spectra[j : j + 125])
        assert costs[i, j] == pytest.approx(apart.mean() + 0.5 * apart[:25].mean(), abs=1e-4)


def test_clips_forbid_what_is_no_jump_and_repeat_from_their_seed(rng: np.random.Generator, tmp_path: Path) -> None:
    shards = [
        on_disk(tmp_path / f"{number}.npy", rng.normal(size=(1500, 8)).astype(np.float16)) for number in range(3)
    ]
    ranking = RankingSettings(clip_seconds=40, queries=32, backward=1)
    rankings = Rankings(shards=tuple(shards), ranking=ranking, batch_size=2, random=True, seed=4)
    inputs, costs, _ = rankings.batch(0, 0)
    assert inputs["spectra"].shape == (2, 1000, 8)
    assert costs.shape == (2, 32, 500)
    for queries, rows in zip(inputs["queries"], costs, strict=True):
        for query, row in zip(queries, rows, strict=True):
            allowed = np.flatnonzero(row != FORBIDDEN) * 2
            assert len(allowed)
            assert allowed.max() <= query - 248
    np.testing.assert_array_equal(rankings.batch(0, 0).targets, costs)
    assert not np.array_equal(rankings.batch(1, 0).targets, costs)


def test_clips_are_no_longer_than_the_longest_song(rng: np.random.Generator, tmp_path: Path) -> None:
    lengths = (1500, 1000)
    songs = [rng.normal(size=(length, 8)).astype(np.float16) for length in lengths]
    shards = tuple(on_disk(tmp_path / f"{number}.npy", song) for number, song in enumerate(songs))
    asked, longest = (
        Rankings(shards=shards, ranking=RankingSettings(clip_seconds=seconds), batch_size=2, random=True).batch(0, 0)
        for seconds in (600, lengths[0] // 25)
    )
    assert asked.inputs["spectra"].shape == (2, 1500, 8)
    np.testing.assert_array_equal(asked.inputs["spectra"], longest.inputs["spectra"])
    np.testing.assert_array_equal(asked.targets, longest.targets)


def test_principal_patches_keep_distances(rng: np.random.Generator, tmp_path: Path) -> None:
    mixing = rng.normal(size=(3, 8))
    songs = [(rng.normal(size=(400, 3)) @ mixing).astype(np.float16) for _ in range(3)]
    shards = [on_disk(tmp_path / f"{number}.npy", song) for number, song in enumerate(songs)]
    directions = principal_patches(shards, bands=8, patch=2, count=6, seed=1).reshape(16, 6)
    np.testing.assert_allclose(directions.T @ directions, np.eye(6), atol=1e-4)
    patches = np.stack([songs[0][k : k + 2].reshape(-1) for k in range(0, 398, 2)]).astype(np.float64)
    whole = np.square(patches[1:] - patches[:-1]).sum()
    kept = np.square((patches[1:] - patches[:-1]) @ directions).sum()
    assert kept == pytest.approx(whole, rel=0.02)
