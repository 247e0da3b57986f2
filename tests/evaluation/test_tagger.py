"""The tagger agrees with musicnn, and gives known sounds their tags."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from extrapcli.evaluation.tagger import HOP, MOOD_TAGS, PATCH_FRAMES, RATE, Tagger
from tests.conftest import SONG
from tests.evaluation.golden.musicnn import plucks

Array = NDArray[np.float32]

GOLDENS: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "musicnn.json").read_text())
PATCH = PATCH_FRAMES * HOP


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger(threads=1)


@pytest.fixture(scope="module")
def song() -> Array:
    """Half a minute of slow electronic music, without voices, at 16 kHz."""
    return at(RATE)


def at(rate: int) -> Array:
    decoded = decode(SONG)
    return resample(decoded.samples.mean(axis=1, keepdims=True), from_rate=decoded.sample_rate, to_rate=rate)[:, 0]


def drums(seconds: float) -> Array:
    """A dance beat at 120 bpm: a falling thud on each beat, a snare on every second, hiss between them."""
    n, rng, t = round(seconds * RATE), np.random.default_rng(1), np.arange(RATE // 4) / RATE
    thud = 0.8 * np.sin(2 * np.pi * (50 * t + 20 * (1 - np.exp(-30 * t)))) * np.exp(-12 * t)
    snare = 0.3 * rng.normal(size=len(t)) * np.exp(-20 * t)
    hiss = np.diff(0.15 * rng.normal(size=len(t)) * np.exp(-60 * t), prepend=0)
    bar = np.concatenate([thud, hiss, thud + snare, hiss])
    return np.resize(bar, n).astype(np.float32)


def pad(seconds: float) -> Array:
    """A held chord with slow vibrato."""
    t = np.arange(round(seconds * RATE)) / RATE
    pitches = np.array([[110], [220], [277.2], [329.6], [440]])
    held: NDArray[np.float64] = 0.06 * np.sin(2 * np.pi * pitches * t + 3 * np.sin(0.5 * t)).sum(axis=0)
    return held.astype(np.float32)


def noise(seconds: float) -> Array:
    return np.random.default_rng(1).normal(size=round(seconds * RATE)).astype(np.float32)


def mean_tags(tagger: Tagger, sound: Array) -> dict[str, float]:
    """Return the mean of each tag, most likely first."""
    means = tagger.tag(sound, RATE).tags.mean(axis=0)
    return {tagger.names[k]: float(means[k]) for k in np.argsort(-means)}


@pytest.mark.parametrize("name", [pytest.param("song", marks=pytest.mark.slow), "plucks"])
def test_the_port_agrees_with_musicnn(name: str, tagger: Tagger, song: Array) -> None:
    """Weights rounded to float16 move tags by less than 0.001, and embeddings, of size 1, by less than 0.005."""
    golden = GOLDENS[name]
    tagging = tagger.tag(song if name == "song" else plucks(6.5), RATE)
    assert tagger.names == list(golden["mean_tags"])
    assert len(tagging.tags) == len(tagging.embeddings) == golden["patches"]
    np.testing.assert_allclose(tagging.tags.mean(axis=0), list(golden["mean_tags"].values()), rtol=0, atol=1e-3)
    np.testing.assert_allclose(tagging.embeddings[0, :8], golden["first_embedding"], rtol=0, atol=5e-3)


def test_the_rate_hardly_matters(tagger: Tagger, song: Array) -> None:
    low, high = tagger.tag(song, RATE), tagger.tag(at(44100), 44100)
    np.testing.assert_allclose(low.tags, high.tags, rtol=0, atol=5e-3)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_the_batch_does_not_matter(batch: int, tagger: Tagger, song: Array) -> None:
    as_always, otherwise = tagger.tag(song, RATE), tagger.tag(song, RATE, batch=batch)
    np.testing.assert_allclose(otherwise.tags, as_always.tags, rtol=0, atol=1e-5)
    np.testing.assert_allclose(otherwise.embeddings, as_always.embeddings, rtol=0, atol=1e-4)


def test_patches_are_independent(tagger: Tagger, song: Array) -> None:
    changed = np.concatenate([0.1 * noise(2 * PATCH / RATE), song[2 * PATCH :]])
    before, after = tagger.tag(song, RATE).tags, tagger.tag(changed, RATE).tags
    np.testing.assert_allclose(after[3:], before[3:], rtol=0, atol=1e-5)
    assert np.abs(after[:2] - before[:2]).max() > 0.1


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(0, 1), (1, 1), (RATE, 1), (PATCH, 1), (2 * PATCH - HOP - 1, 1), (2 * PATCH - HOP, 2), (10 * PATCH, 10)],
)
def test_there_is_a_patch_for_each_three_seconds(samples: int, patches: int, tagger: Tagger) -> None:
    tagging = tagger.tag(pad(samples / RATE), RATE)
    assert tagging.tags.shape == (patches, 50)
    assert tagging.embeddings.shape == (patches, 200)
    assert tagging.tags.dtype == tagging.embeddings.dtype == np.float32
    assert tagging.tags.min() >= 0
    assert tagging.tags.max() <= 1


def test_short_sound_is_padded_with_silence(tagger: Tagger) -> None:
    short, long = plucks(1), np.pad(plucks(1), (0, 3 * RATE))
    np.testing.assert_allclose(tagger.tag(short, RATE).tags, tagger.tag(long, RATE).tags, rtol=0, atol=1e-5)


def test_mood_tags_are_tags(tagger: Tagger) -> None:
    assert len(set(tagger.names)) == 50
    assert set(MOOD_TAGS) < set(tagger.names)


def test_the_song_is_slow_electronic_and_instrumental(tagger: Tagger, song: Array) -> None:
    tags = mean_tags(tagger, song)
    assert {"slow", "ambient", "electronic"} < set(list(tags)[:5])
    assert tags["synth"] > 0.05
    assert max(tags[tag] for tag in ("singing", "opera", "choir", "metal", "country", "sitar")) < 0.02


def test_known_sounds_have_their_tags(tagger: Tagger) -> None:
    beaten, plucked, held = (list(mean_tags(tagger, make(6))) for make in (drums, plucks, pad))
    assert {"techno", "beat", "beats"} < set(beaten[:5])
    assert plucked[0] == "guitar"
    assert {"ambient", "slow"} < set(held[:3])
    for silent in ("choir", "opera", "female voice"):
        assert min(tags.index(silent) for tags in (beaten, plucked)) >= 25


def test_louder_is_louder(tagger: Tagger) -> None:
    soft, loud = mean_tags(tagger, 0.005 * noise(6)), mean_tags(tagger, 0.5 * noise(6))
    assert loud["loud"] > soft["loud"]
    assert loud["quiet"] < soft["quiet"]
    assert max(loud["singing"], soft["singing"]) < 0.05
