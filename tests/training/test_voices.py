"""Voices with known word times, the mixtures that `voice` learns from, and the model that is made of them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.backends import open_model
from extrapcli.models import damaged_files, read_card
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS
from extrapcli.training.espeak import Speech, speak
from extrapcli.training.kinds.mixtures import Mixtures, activity, coloured
from extrapcli.training.recipe import find_recipe
from extrapcli.training.singing import Note, Vibrato, sing
from extrapcli.training.tables import MixtureSettings
from extrapcli.training.voices import MAJOR, Kind, Performance, melody, perform
from tests.conftest import chord
from tests.training.conftest import LayCorpus
from tests.training.here import export, train
from tests.training.test_corpus import on_disk

TEXT = "Twinkle, twinkle little star, how I wonder what you are."


def loudness(samples: NDArray[np.float32], rate: int, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(np.square(samples[round(begin * rate) : round(end * rate)]))))


def test_words_come_in_order_and_sound_where_they_are_said_to() -> None:
    spoken = speak(TEXT, "en+f2")
    assert [word.text.lower() for word in spoken.words] == TEXT.lower().replace(",", "").replace(".", "").split()
    edges = [edge for word in spoken.words for edge in (word.begin, word.end)]
    assert edges == sorted(edges)
    assert edges[-1] <= len(spoken.samples) / spoken.sample_rate
    rests = [(one.end, other.begin) for one, other in pairwise(spoken.words) if other.begin - one.end > 0.2]
    assert len(rests) == 2  # at the commas
    quiet = max(loudness(spoken.samples, spoken.sample_rate, begin + 0.1, end - 0.02) for begin, end in rests)
    loud = min(loudness(spoken.samples, spoken.sample_rate, word.begin, word.end) for word in spoken.words)
    assert quiet < 0.05 * loud


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(ValueError, match="no voice nobody"):
        speak("a", "nobody")


def pitch(speech: Speech, begin: float, end: float) -> float:
    """The MIDI pitch of a stretch, by the autocorrelation of its middle."""
    rate = speech.sample_rate
    middle = speech.samples[round((begin + 0.3 * (end - begin)) * rate) : round((end - 0.2 * (end - begin)) * rate)]
    correlation = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    low, high = rate // 500, min(rate // 100, len(middle) - 1)
    return 69 + 12 * float(np.log2(rate / (low + correlation[low:high].argmax()) / 440))


def test_vowels_are_held_on_the_pitches_of_notes() -> None:
    spoken = speak(TEXT, "en+f2", intonation=0)
    vowels = sum(phoneme.is_vowel for phoneme in spoken.phonemes)
    notes = [Note(60 + step, 0.6) for step in (0, 0, 7, 7, 9, 9, 7, 5, 5, 4, 4, 2, 2, 0)[:vowels]]
    sung = sing(spoken, notes, Vibrato(depth=0))
    held = [phoneme for phoneme in sung.phonemes if phoneme.is_vowel]
    assert [phoneme.text for phoneme in sung.phonemes] == [phoneme.text for phoneme in spoken.phonemes]
    heard = [pitch(sung, phoneme.begin, phoneme.end) for phoneme in held]
    off = np.abs(np.array(heard) - [note.pitch for note in notes[: len(heard)]])
    assert np.mean(off < 0.5) > 0.8
    begins = np.diff([phoneme.begin for phoneme in held])
    assert np.mean(np.abs(begins - 0.6) < 0.05) > 0.5  # but where a comma or the consonants take longer
    assert len(sung.samples) / sung.sample_rate > 1.5 * len(spoken.samples) / spoken.sample_rate


def test_melodies_keep_to_the_scale(rng: np.random.Generator) -> None:
    how = Performance(kind="sung", voice="en", high=True, tonic=2)
    notes = melody(100, how, rng)
    assert all((note.pitch - 2) % 12 in MAJOR for note in notes)
    assert max(note.pitch for note in notes) - min(note.pitch for note in notes) < 14


@pytest.mark.parametrize("kind", ["sung", "spoken"])
def test_a_performance_sounds_in_its_words_alone(kind: Kind) -> None:
    how = Performance(kind=kind, voice="en+f2", high=True)
    stem = perform(how, 30, FRAME_SAMPLES, np.random.default_rng(3))
    assert len(stem.samples) == 30 * FRAME_SAMPLES
    assert len(stem.words) > 10
    inside = np.zeros(len(stem.samples), bool)
    for word in stem.words:
        inside[round((word.begin - 0.02) * FRAME_SAMPLES) : round((word.end + 0.1) * FRAME_SAMPLES)] = True
    assert np.abs(stem.samples[~inside]).max() < 0.1 * np.abs(stem.samples).max()
    assert stem.phrases[0].begin == stem.words[0].begin
    assert sum(len(phrase.text.split()) for phrase in stem.phrases) == len(stem.words)
    again = perform(how, 30, FRAME_SAMPLES, np.random.default_rng(3))
    assert [word.text for word in stem.words] == [word.text for word in again.words]


def test_a_voice_is_active_where_it_sounds_and_in_short_closures(rng: np.random.Generator) -> None:
    hop = FRAME_SAMPLES // HOPS
    sound = rng.normal(size=100 * hop).astype(np.float32)
    for silence in (slice(0, 20), slice(40, 43), slice(60, 80)):
        sound[silence.start * hop : silence.stop * hop] = 0
    expected = np.ones(100, np.float32)
    expected[:20] = expected[60:80] = 0
    np.testing.assert_array_equal(activity(sound), expected)


def test_colour_and_room_keep_a_sound_in_its_place(rng: np.random.Generator) -> None:
    click = np.zeros(FRAME_SAMPLES, np.float32)
    click[5000] = 1
    wet = coloured(click, rng)
    assert np.abs(wet).argmax() == 5000
    assert np.abs(wet[:4000]).max() < 0.1


def mixtures(folder: Path, settings: MixtureSettings) -> Mixtures:
    """A song of noise, and a voice that is a tone in every second second."""
    rng = np.random.default_rng(5)
    times = np.arange(30 * FRAME_SAMPLES) / FRAME_SAMPLES
    tone = np.sin(2 * np.pi * 300 * times) * (times % 2 < 1)
    sounds = {"song": rng.normal(size=len(times)) / 8, "voice": tone / 2, "lead": tone / 2}
    shards = {
        name: on_disk(folder / f"{name}.npy", (sound * 32767).astype(np.int16)) for name, sound in sounds.items()
    }
    return Mixtures(
        shards=(shards["song"],),
        voices=(shards["voice"],),
        leads=(shards["lead"],),
        batch_size=4,
        random=True,
        settings=settings,
    )


def tonal(clip: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of each hop's power that is no noise: that of its strongest bins."""
    power = np.abs(np.fft.rfft(clip.reshape(-1, FRAME_SAMPLES // HOPS) * np.hanning(FRAME_SAMPLES // HOPS))) ** 2
    shares: NDArray[np.float64] = np.sort(power, axis=1)[:, -4:].sum(axis=1) / power.sum(axis=1)
    return shares


def test_mixtures_are_labelled_where_their_voice_sounds(tmp_path: Path) -> None:
    data = mixtures(tmp_path, MixtureSettings(voiced=1, leads=0, levels_db=(0, 3)))
    for clip, labels in zip(*data.batch(0, 0)[:2], strict=True):
        assert clip.shape == (10, FRAME_SAMPLES)
        assert labels.shape == (10 * HOPS,)
        shares = tonal(clip)
        assert np.median(shares[labels == 1]) > 2 * np.median(shares[labels == 0])
    np.testing.assert_array_equal(data.batch(0, 0).targets, data.batch(0, 0).targets)
    assert not np.array_equal(data.batch(1, 0).targets, data.batch(0, 0).targets)


def test_a_lead_is_heard_but_is_no_voice(tmp_path: Path) -> None:
    clips, labels, _ = mixtures(tmp_path, MixtureSettings(voiced=0, leads=1, levels_db=(0, 3))).batch(0, 0)
    assert labels.max() == 0
    assert all(np.percentile(tonal(clip), 75) > 0.3 for clip in clips)


def test_the_level_is_the_one_asked_for(tmp_path: Path) -> None:
    """White noise at unit level, and a tone as strong: half of the power where it sounds."""
    clips, labels, _ = mixtures(tmp_path, MixtureSettings(voiced=1, leads=0, levels_db=(0, 0))).batch(0, 0)
    ratios = []
    for clip, label in zip(clips, labels, strict=True):
        power = np.square(clip.reshape(-1, FRAME_SAMPLES // HOPS)).mean(axis=1)
        ratios.append(np.median(power[label == 1]) / np.median(power[label == 0]))
    assert np.median(ratios) == pytest.approx(2, rel=0.3)


def test_the_shipped_recipe_is_one() -> None:
    assert find_recipe("voice").network == "voice"


RECIPE = """
network = "voice"
[voice]
bands = 16
channels = [4, 4]
width = 8
dilations = [1, 2]
[mixtures]
clip_seconds = 4
per_song = 2
voiced = 1.0
dropout = 0.1
[fit]
epochs = 1
batch_size = 2
"""


@pytest.mark.slow
def test_train_and_export(lay_corpus: LayCorpus, tmp_path: Path, rng: np.random.Generator) -> None:
    splits = ("train", "validation", "voices", "voices-validation", "leads", "leads-validation")
    on = np.repeat(np.tile([1, 0], 6), FRAME_SAMPLES)[:, None]  # every other second is silent
    corpus = lay_corpus(
        RECIPE,
        dict.fromkeys(splits, 1),
        lambda: chord(12, FRAME_SAMPLES, 1) * on * rng.uniform(0.5, 1),
        FRAME_SAMPLES,
    )
    train(tmp_path)
    export(tmp_path / "run", corpus, tmp_path / "model")
    assert damaged_files(tmp_path / "model") == []
    figures = read_card(tmp_path / "model").figures
    assert 0 <= float(figures["auc"]) <= 1
    assert float(figures["onnx_keras_difference"]) < 1e-3
    sound = rng.normal(size=(1, 5, FRAME_SAMPLES)).astype(np.float32)
    heard, again = (
        open_model(tmp_path / "model", backend=backend).run({"context": sound})["voice"]
        for backend in ("onnx", "tensorflow")
    )
    np.testing.assert_allclose(heard, again, atol=1e-4)
    assert heard.shape == (1, 5 * HOPS)
    assert 0 <= heard.min() <= heard.max() <= 1
