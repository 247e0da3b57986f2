"""beats from rendered pieces to a model that find_beats uses."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.analysis.beats import find_beats
from extrapcli.backends import open_model
from extrapcli.errors import UnreadableAudio
from extrapcli.evaluation.beats import f_measure
from extrapcli.models import read_card
from extrapcli.networks.beat_head import FRAME
from extrapcli.training.kinds.beats import FRAME_RATE, Excerpts, read_labels, targets
from extrapcli.training.recipe import find_recipe
from extrapcli.training.tables import ExcerptSettings
from tests.training.here import export, train
from tests.training.test_corpus import on_disk

RATE = 22050
RECIPE = """
network = "beats"
[beats]
width = 4
dilations = [1, 2]
[excerpts]
seconds = 5
[fit]
epochs = 1
batch_size = 2
"""


def clicks(beats: NDArray[np.float64], downbeats: NDArray[np.float64], seconds: float) -> NDArray[np.float32]:
    """Short tones at beats, higher ones at downbeats."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros(len(t))
    for time in beats:
        pitch = 1500 if time in downbeats else 800
        sound += np.where(t >= time, np.exp(-40 * (t - time).clip(0)) * np.sin(2 * np.pi * pitch * (t - time)), 0)
    return (0.4 * sound).astype(np.float32)


def write(song: Path, beats: NDArray[np.float64], seconds: float) -> None:
    song.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(song, clicks(beats, beats[::4], seconds), RATE)
    labels = {"beats": beats.tolist(), "downbeats": beats[::4].tolist(), "metre": 4}
    song.with_suffix(".json").write_text(json.dumps(labels))


@pytest.mark.slow
def test_train_export_and_find_beats(tmp_path: Path) -> None:
    beats = np.arange(0.3, 12, 0.5)
    for name in ("train/one", "train/two", "validation/three"):
        write(tmp_path / "corpus" / f"{name}.flac", beats, 12)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    train(tmp_path)
    export(tmp_path / "run", None, tmp_path / "model")
    figures = read_card(tmp_path / "model").figures
    assert float(figures["onnx_keras_difference"]) < 1e-3
    network = open_model(tmp_path / "model", device="cpu")
    found = find_beats(clicks(beats, beats[::4], 12), network)
    assert f_measure(found.times, beats) > 0.9
    assert float(figures["validation_beat_f_measure"]) > 0.9


def test_the_shipped_recipe_is_one() -> None:
    assert find_recipe("beats").network == "beats"


def test_targets_are_probabilities_that_peak_at_beats() -> None:
    wanted = targets(np.array([10.2, 20, 30]), np.array([20.0]), 50)
    np.testing.assert_allclose(wanted.sum(axis=1), 1)
    assert np.flatnonzero(wanted[:, 0] == 1).tolist() == [10, 30]
    assert np.flatnonzero(wanted[:, 1] == 1).tolist() == [20]
    assert np.flatnonzero(wanted[:, 2] < 1).tolist() == [9, 10, 11, 19, 20, 21, 29, 30, 31]


@pytest.fixture
def excerpts(tmp_path: Path, rng: np.random.Generator) -> Excerpts:
    """A piece of 8 s; the last band marks its beats with 1 and its downbeats with 2."""
    beats = np.arange(0.5, 7.9, 0.5)
    write(tmp_path / "piece.flac", beats, 8)
    frames = np.full((8 * FRAME_RATE, FRAME), 0.1)
    frames[:, -1] = targets(beats * FRAME_RATE, beats[::4] * FRAME_RATE, len(frames)) @ [1, 2, 0]
    shard = on_disk(tmp_path / "piece.npy", frames.astype(np.float16))
    settings = ExcerptSettings(seconds=5, per_piece=8)
    return Excerpts(shards=(shard,), excerpts=settings, batch_size=8, random=True, seed=1)


def test_targets_follow_an_excerpt_that_is_stretched(excerpts: Excerpts) -> None:
    frames, wanted, _ = excerpts.batch(0, 0)
    outside = ~frames[..., 0].astype(bool)
    assert 0 < outside.mean() < 0.5
    assert not frames[outside].any()
    assert not wanted[outside].any()
    for piece, of in zip(frames, wanted, strict=True):
        beats = np.flatnonzero(of[:, :2].max(axis=1) == 1)
        marks = piece[:, -1]
        louder = [marks[beat] > marks[max(0, beat - 4) : beat + 5].mean() for beat in beats[1:-1]]
        assert all(louder)


def test_excerpts_repeat_from_their_seed(excerpts: Excerpts) -> None:
    one, again, other = excerpts.batch(0, 0), excerpts.batch(0, 0), excerpts.batch(1, 0)
    np.testing.assert_array_equal(one.inputs, again.inputs)
    np.testing.assert_array_equal(one.targets, again.targets)
    assert not np.array_equal(one.inputs, other.inputs)


def test_a_song_without_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "song.json").write_text('{"beats": []}')
    for name in ("song.flac", "missing.flac"):
        with pytest.raises(UnreadableAudio, match="has no beats"):
            read_labels(tmp_path / name)
