"""Where a voice sounds, and what a cut there costs."""

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis.voice import CHUNK_FRAMES, HOPS_PER_SECOND, Voice, find_voice
from extrapcli.backends import open_model
from extrapcli.models import find_model
from extrapcli.training.voices import Performance, Stem, perform
from tests.conftest import chord

RATE = 22050


def sounding(*phrases: tuple[float, float], seconds: float = 20.0) -> Voice:
    """A voice that is certain to sound in some phrases, and nowhere else."""
    times = np.arange(round(seconds * HOPS_PER_SECOND)) / HOPS_PER_SECOND
    probability = np.zeros(len(times), np.float32)
    for begin, end in phrases:
        probability[(times >= begin - 1e-9) & (times < end - 1e-9)] = 1
    return Voice(probability)


def test_phrases_are_parted_by_pauses_but_not_by_closures() -> None:
    voice = sounding((2, 4), (4.08, 6), (6.4, 8))
    np.testing.assert_allclose(voice.phrases, [(2, 6), (6.4, 8)], atol=1e-6)
    assert sounding().phrases.shape == (0, 2)


def test_a_cut_costs_nothing_where_no_voice_sounds() -> None:
    voice = sounding((2, 4), (6, 8))
    np.testing.assert_array_equal(voice.cut_cost(np.array([-5.0, 0, 1.9, 4.0, 5.0, 6.0, 8.1, 19.9, 20.0, 99.0])), 0)


def test_a_cut_costs_most_in_the_middle_of_a_phrase_and_less_towards_its_edges() -> None:
    voice = sounding((2, 8))
    times = np.array([2.1, 2.3, 2.5, 5.0])
    costs = voice.cut_cost(times)
    assert (np.diff(costs) > 0).all()
    np.testing.assert_allclose(costs, voice.cut_cost(10 - times), atol=1e-6)
    assert costs[-1] == 1
    assert costs[0] > 0.5


def test_a_cut_costs_less_where_the_voice_dips() -> None:
    voice = sounding((2, 8))
    voice.probability[100:104] = 0.2
    at_the_dip, elsewhere = voice.cut_cost(np.array([4.08, 6.0]))
    assert 0 < at_the_dip < 0.25 * elsewhere


def test_costs_come_in_the_shape_of_the_times() -> None:
    assert sounding((2, 8)).cut_cost(np.full((3, 2, 4), 5.0)).shape == (3, 2, 4)


def with_a_voice(level: float, rng: np.random.Generator) -> tuple[NDArray[np.float32], Stem]:
    """A minute of chords with a voice that sings in German."""
    how = Performance(kind="sung", voice="de+f2", high=True, beat=0.5)
    stem = perform(how, 60, RATE, rng)
    music = chord(60, RATE, 1)[:, 0]
    voice = stem.samples * level * music.std() / stem.samples.std()
    return (music + voice).astype(np.float32), stem


def test_a_voice_is_found_in_its_phrases(rng: np.random.Generator) -> None:
    sound, stem = with_a_voice(1.0, rng)
    voice = find_voice(sound)
    assert voice.probability.shape == (60 * HOPS_PER_SECOND,)
    times = (np.arange(len(voice.probability)) + 0.5) / HOPS_PER_SECOND
    inside = np.any([(times > phrase.begin) & (times < phrase.end) for phrase in stem.phrases], axis=0)
    assert np.mean((voice.probability > 0.5) == inside) > 0.85
    words = np.array([(word.begin + word.end) / 2 for word in stem.words])
    rests = np.array(
        [
            (one.end + other.begin) / 2
            for one, other in zip(stem.phrases, stem.phrases[1:], strict=False)
            if other.begin - one.end > 0.4
        ]
    )
    assert np.median(voice.cut_cost(words)) > 0.6
    assert np.median(voice.cut_cost(rests)) < 0.2


def test_chords_are_no_voice() -> None:
    assert find_voice(chord(60, RATE, 1)[:, 0].astype(np.float32)).probability.mean() < 0.1


def test_level_is_of_no_account(rng: np.random.Generator) -> None:
    sound, _ = with_a_voice(1.0, rng)
    loud, soft = (find_voice(sound[: 20 * RATE] * np.float32(gain)) for gain in (1, 0.01))
    np.testing.assert_allclose(loud.probability, soft.probability, atol=1e-3)


def test_a_long_sound_is_heard_as_a_whole(rng: np.random.Generator) -> None:
    sound = np.concatenate([with_a_voice(1.0, rng)[0] for _ in range(2)])[: (2 * CHUNK_FRAMES + 10) * RATE]
    network = open_model(find_model("voice"), device="cpu")
    whole = network.run({"context": (sound / sound.std()).reshape(1, -1, RATE)})["voice"][0]
    np.testing.assert_allclose(find_voice(sound).probability, whole, atol=2e-3)


@pytest.mark.parametrize("samples", [1, RATE // 2, RATE + 1])
def test_short_and_silent_sounds_have_no_voice(samples: int) -> None:
    found = find_voice(np.zeros(samples, np.float32)).probability
    assert found.shape == (-(-samples // RATE) * HOPS_PER_SECOND,)
    assert found.max() < 0.5
