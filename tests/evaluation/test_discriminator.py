"""Windows are described alike at any level; the trees tell splices from music; AUC is what it says."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.evaluation.discriminator import Discriminator, WindowScores, auc, told_apart
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.window_features import FRAMES, RATE, log_mel, window_features
from tests.evaluation.sounds import Sound, beats, pink, white

CLIPS = sorted((Path(__file__).parents[1] / "data" / "clips").glob("*.opus"))
HEAD_SECONDS = 12.0


def described(sound: Sound) -> NDArray[np.floating]:
    described: NDArray[np.floating] = window_features(log_mel(sound)[None, :FRAMES])[0]
    return described


def test_the_level_makes_no_difference(music: Sound) -> None:
    window = music[5 * RATE : 11 * RATE]
    np.testing.assert_allclose(described(window), described(window * np.float32(0.03)), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("sound", [np.zeros(6 * RATE, np.float32), white(6, RATE), beats(120, 6, RATE)])
def test_any_sound_can_be_described(sound: Sound) -> None:
    assert np.isfinite(described(sound)).all()


def test_a_window_is_described_by_itself(music: Sound) -> None:
    windows = np.stack([log_mel(music[k * RATE :])[:FRAMES] for k in (1, 5, 9)])
    np.testing.assert_allclose(window_features(windows)[1], window_features(windows[1:2])[0], rtol=1e-4, atol=1e-4)


def test_auc_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    made, true = rng.integers(0, 6, 40).astype(float), rng.integers(1, 7, 30).astype(float)
    pairs = [(a > b) + (a == b) / 2 for a in made for b in true]
    assert auc(made, true) == pytest.approx(np.mean(pairs))
    assert auc(made, made) == 0.5


def test_equal_tracks_are_not_told_apart() -> None:
    scores = [WindowScores(float(k), np.arange(k, k + 5.0)) for k in range(6)]
    assert told_apart(scores, scores) == {"first join": 0.5, "worst place": 0.5, "anywhere": 0.5}


def test_each_figure_looks_where_it_says() -> None:
    true = [WindowScores(0.0, np.zeros(10)) for _ in range(4)]
    assert told_apart([WindowScores(1.0, np.zeros(10))] * 4, true)["first join"] == 1.0
    once = told_apart([WindowScores(0.0, np.eye(10)[3])] * 4, true)
    assert (once["first join"], once["worst place"], once["anywhere"]) == (0.5, 1.0, 0.55)


@pytest.fixture(scope="module")
def songs() -> list[Sound]:
    decoded = [decode(path) for path in CLIPS]
    return [mono(song.samples, song.sample_rate) for song in decoded]


def scored(tracks: list[Sound]) -> list[WindowScores]:
    discriminator = Discriminator(threads=1)
    return [discriminator.score(track, HEAD_SECONDS, HEAD_SECONDS) for track in tracks]


def test_splices_are_told_from_music(songs: list[Sound]) -> None:
    """Every 1.3 s the song goes on at some other place, without a crossfade."""
    head, piece = round(HEAD_SECONDS * RATE), round(1.3 * RATE)
    true = scored(songs)
    spliced = []
    for song in songs:
        rng = np.random.default_rng(1)
        pieces = [song[at : at + piece] for at in rng.integers(0, len(song) - piece, 20)]
        spliced.append(np.concatenate([song[:head], *pieces])[: len(song)])
    found = told_apart(scored(spliced), true)
    assert found["anywhere"] > 0.75
    assert found["worst place"] > 0.75


def test_a_track_must_fill_a_window() -> None:
    with pytest.raises(ValueError, match=r"a track of 3\.0 s is shorter than a window of 5\.12 s"):
        Discriminator(threads=1).score(pink(3, RATE), 1.0, 1.0)
