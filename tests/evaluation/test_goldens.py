"""Measures agree with other programs on the same song; `golden/measures.py` made the golden values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.evaluation.harmony import chroma, key
from extrapcli.evaluation.join_audibility import PER_SECOND, Curves
from extrapcli.evaluation.level import Levels, flatness_and_rolloff
from extrapcli.evaluation.rhythm import tempo, tempo_ratio
from extrapcli.evaluation.sets import fad, kad
from extrapcli.evaluation.tagger import Tagger
from tests.conftest import SONG
from tests.evaluation.sounds import Sound, rms

GOLDENS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "golden" / "measures.json").read_text())
RATE = 22050


@pytest.fixture(scope="module")
def song() -> Song:
    return decode(SONG)


@pytest.fixture(scope="module")
def curves(music: Sound) -> Curves:
    return Curves.of(music, RATE, level=rms(music))


@pytest.mark.parametrize("meter", ["by FFmpeg", "by pyloudnorm"])
def test_loudness(meter: str, song: Song) -> None:
    golden = GOLDENS["loudness"]
    assert Levels.of(song.samples, song.steps).integrated == pytest.approx(golden[meter], abs=golden["tolerance"])


def test_flatness_and_rolloff(song: Song) -> None:
    golden = GOLDENS["spectrum"]
    flatness, rolloff = flatness_and_rolloff(song.samples[: 10 * song.sample_rate].mean(axis=1), song.sample_rate)
    assert flatness == pytest.approx(golden["flatness"], abs=golden["tolerance"])
    assert rolloff == pytest.approx(golden["rolloff"], abs=24)


def test_tempo(curves: Curves) -> None:
    golden = GOLDENS["rhythm"]
    assert tempo_ratio(golden["tempo"], tempo(curves.flux)) == pytest.approx(1, abs=golden["tolerance"])


def test_onsets_stand_out(curves: Curves) -> None:
    """The flux within 50 ms of each of librosa's strongest onsets is in the highest tenth."""
    width = 2 * PER_SECOND // 20 + 1
    highest = np.lib.stride_tricks.sliding_window_view(curves.flux, width).max(axis=1)
    for onset in GOLDENS["rhythm"]["onsets"]:
        here = highest[round(onset * PER_SECOND) - width // 2]
        assert np.mean(highest < here) > 0.9


def test_chroma(music: Sound) -> None:
    golden, found = GOLDENS["harmony"], chroma(music)
    assert np.corrcoef(found, golden["chroma"])[0, 1] > golden["least"]
    assert key(found) == golden["key"]


@pytest.mark.parametrize("distance", [kad, fad])
def test_distances_of_sets(distance: Any, music: Sound, tagger: Tagger) -> None:
    golden, embeddings = GOLDENS["sets"], tagger.tag(music, RATE).embeddings
    half = len(embeddings) // 2
    wanted = golden[distance.__name__]
    assert distance(embeddings[:half], embeddings[half:]) == pytest.approx(wanted, rel=golden["tolerance"])
