"""compose from a folder of songs to a model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import extrapcli
from extrapcli.evaluation.next_slot import likely
from extrapcli.extrapolators.compose import softmax
from extrapcli.extrapolators.compose.candidates import SLOT_NUMBERS
from extrapcli.extrapolators.compose.matching import KINDS, PLAIN
from extrapcli.models import damaged_files, read_card
from extrapcli.networks.settings import ComposeSettings
from extrapcli.training.kinds.plans import PlanLoss, Plans, trainer
from extrapcli.training.kinds.ranking import FORBIDDEN
from extrapcli.training.recipe import find_recipe
from extrapcli.training.tables import PlanSettings
from tests.training.conftest import LayCorpus
from tests.training.here import export, train
from tests.training.test_corpus import on_disk
from tests.training.test_recall import tune

RECIPE = """
network = "compose"
[compose]
width = 8
vector = 4
[plans]
per_song = 2
head = [32, 48]
ahead = 32
[fit]
epochs = 2
batch_size = 2
learning_rate = 0.001
"""
PLANS = PlanSettings(per_song=2, head=(32, 48), ahead=20)


@pytest.fixture
def plans(rng: np.random.Generator, tmp_path: Path) -> Plans:
    """Two songs of 120 slots, at random."""
    shards = []
    for number in range(2):
        bars = np.stack([np.arange(120), np.full(120, 8)], axis=1)
        rows = np.hstack([10 * rng.normal(size=(120, 232)), bars]).astype(np.float32)
        shards.append(on_disk(tmp_path / f"{number}.npy", rows))
    return Plans(shards=tuple(shards), settings=PLANS, batch_size=2, random=True, seed=4)


@pytest.mark.slow
def test_train_export_and_continue(
    lay_corpus: LayCorpus, rng: np.random.Generator, song_wav: Path, tmp_path: Path
) -> None:
    lay_corpus(RECIPE, {"train": 2, "validation": 1}, lambda: tune(45, 22050, rng), 22050)
    train(tmp_path)
    export(tmp_path / "run", tmp_path / "corpus", tmp_path / "model")
    assert damaged_files(tmp_path / "model") == []
    figures = read_card(tmp_path / "model").figures
    assert float(figures["onnx_keras_difference"]) < 1e-4
    for way in ("network", "plain", "nearest", "unigram", "repeat"):
        assert float(figures[f"next_slot_bits_{way}"]) > 0
        assert float(figures[f"next_slot_decibels_{way}"]) > 0
    for backend in ("onnx", "tensorflow"):
        model = extrapcli.load(str(tmp_path / "model"), backend=backend)
        samples, rate = soundfile.read(song_wav, dtype="float32")
        assert model.continue_song(samples, rate, minutes=0.5).samples.shape == (30 * 22050, 2)


def test_the_shipped_recipe_is_one() -> None:
    assert find_recipe("compose").network == "compose"


def test_items_are_drawn_from_their_seed(plans: Plans) -> None:
    inputs, costs, _ = plans.batch(0, 0)
    assert inputs["context"].shape == (2, 68, SLOT_NUMBERS)
    assert inputs["judged"].shape == (2, 21)
    assert inputs["matches"].shape == (2, 21, 3, 48, KINDS)
    assert costs.shape == (2, 21, 3, 48)
    np.testing.assert_array_equal(plans.batch(0, 0).targets, costs)
    assert not np.array_equal(plans.batch(1, 0).targets, costs)
    for judged, rows in zip(inputs["judged"], costs, strict=True):
        head = judged[0] + 1
        assert 32 <= head <= 48
        assert np.all((rows != FORBIDDEN) == (np.arange(48) < head))


def test_what_is_told_of_sound_comes_before_what_is_asked(plans: Plans) -> None:
    fixed = replace(plans, random=False)
    inputs, costs = fixed.item(0, np.random.default_rng(0))
    begin, _ = fixed.span(fixed.shards[0], 1 / 3, 48)
    changed = fixed.shards[0].read()
    changed[begin + 60 :, :232] += 20
    np.save(fixed.shards[0].path, changed)
    after, other_costs = fixed.item(0, np.random.default_rng(0))
    same = [np.array_equal(row, other) for row, other in zip(inputs["context"], after["context"], strict=True)]
    np.testing.assert_array_equal(inputs["context"][:60, :232], after["context"][:60, :232])
    assert not all(same)
    np.testing.assert_array_equal(costs[: 60 - 48], other_costs[: 60 - 48])
    assert not np.array_equal(costs[60 - 48], other_costs[60 - 48])


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_the_loss_is_divergence_and_expected_excess(temperature: float, rng: np.random.Generator) -> None:
    costs = rng.uniform(0.1, 2, size=(2, 3, 3, 5)).astype(np.float32)
    logits = rng.normal(size=(2, 3, 3, 5)).astype(np.float32)
    wanted, said = likely(costs, temperature), softmax(logits)
    divergence = (wanted * np.log(wanted / said)).sum(axis=-1)
    excess = (said * (costs - costs.min(axis=-1, keepdims=True))).sum(axis=-1)
    padded = [
        np.pad(costs, ((0, 0),) * 3 + ((0, 2),), constant_values=FORBIDDEN),
        np.pad(logits, ((0, 0),) * 3 + ((0, 2),)),
    ]
    loss = float(PlanLoss(temperature)(*padded))
    assert loss == pytest.approx(float((divergence + excess).mean()), rel=1e-4)


def test_the_loss_of_silence_is_finite() -> None:
    zeros = np.zeros((1, 2, 3, 4), np.float32)
    assert float(PlanLoss(0.08)(zeros, zeros)) == pytest.approx(0, abs=1e-6)


def test_at_first_the_network_is_nearly_the_plain_match(plans: Plans) -> None:
    model, inner = trainer(ComposeSettings(width=8, vector=4), PLANS)
    inputs, _, _ = plans.batch(0, 0)
    logits = np.asarray(model.predict_on_batch(inputs))
    plain = np.einsum("bjlnk,lk->bjln", inputs["matches"], PLAIN)
    assert np.abs(logits - plain).max() < 0.5
    assert set(inner.output) == {"keys", "queries", "weights", "next_state"}
