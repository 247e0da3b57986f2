"""The script that trains the discriminator: the trees it writes, and the windows it draws."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.signal import correlate

from extrapcli.backends.onnx import open_session
from tests.evaluation.sounds import Sound, pink

ROOT = Path(__file__).parents[2]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "training" / "discriminator")
    return importlib.import_module("train")


@pytest.fixture
def windows(train: ModuleType) -> ModuleType:
    return importlib.import_module("windows")


def test_onnx_computes_what_the_trees_compute(train: ModuleType, tmp_path: Path) -> None:
    """Also for numbers that are exactly at a threshold, as many are that occur again and again."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(-30, 30, (2000, 6)).astype(np.float32) / np.float32(7)
    made = numbers[:, 0] * numbers[:, 1] + rng.normal(size=2000) > 0
    trees = train.fit(numbers, made)
    path = tmp_path / "model.onnx"
    path.write_bytes(train.to_onnx(trees, 6).SerializeToString())
    (scores,) = open_session(path, device="cpu", threads=1).run(["score"], {"features": numbers})
    np.testing.assert_allclose(scores[:, 0], trees.decision_function(numbers), rtol=1e-4, atol=1e-4)


def test_windows_are_of_the_song_or_changed(windows: ModuleType, music: Sound) -> None:
    drawn = list(windows.Windows(music, np.random.default_rng(0)).draw(6))
    assert {"real", "similar", "beat", "one layer jumps"} <= {kind for kind, _ in drawn}
    assert {len(sound) for _, sound in drawn} == {windows.SIZE}
    for kind, sound in drawn:
        where = int(np.argmax(correlate(music, sound, "valid", "fft")))
        same = np.allclose(music[where : where + windows.SIZE], sound, atol=1e-4)
        assert same == (kind == "real"), kind


def test_a_splice_goes_from_a_place_to_its_target(windows: ModuleType, music: Sound) -> None:
    some = windows.Windows(music, np.random.default_rng(0))
    at, place, target = 60_000, 200_000, 400_000
    sound = some._spliced(music, place, target, at)
    fade = round(max(windows.FADES_SECONDS) * windows.RATE)
    np.testing.assert_array_equal(sound[: at - fade], music[place - at : place - fade])
    np.testing.assert_allclose(sound[at:], music[target : target + windows.SIZE - at], atol=1e-6)


def test_a_similar_place_is_one_that_sounds_the_same(windows: ModuleType) -> None:
    """In sound that plays the same eight seconds again and again, whole rounds later."""
    size = 8 * windows.RATE // windows.HOP * windows.HOP
    rounds = np.tile(pink(8, windows.RATE)[:size], 14)
    some = windows.Windows(rounds, np.random.default_rng(0))
    for place in (size + 5 * windows.HOP, 2 * size + 90 * windows.HOP):
        off = (some._similar(place) - place) % size
        assert min(off, size - off) <= 12 * windows.HOP


def test_onsets_are_aligned(windows: ModuleType, music: Sound) -> None:
    size = 8 * windows.RATE // windows.HOP * windows.HOP
    some = windows.Windows(np.tile(music[:size], 6), np.random.default_rng(0))
    place = 2 * size + 50 * windows.HOP
    for early in (-30, 0, 17):
        assert some._aligned(place, place + size + early * windows.HOP, 0.8) == place + size
