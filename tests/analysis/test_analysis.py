from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import extrapcli
from extrapcli.analysis import RATE, Analysis, Beats
from extrapcli.analysis.summary import chord_runs, facts, lines
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from tests.analysis.songs import analysis_of, samples_of
from tests.conftest import SONG

PARTS = (
    "bounds", "downmix", "mono", "level", "beats", "onset_strength", "loudness", "energy", "key", "tuning", "chords",
    "sections",
)  # fmt: skip


def made(samples: NDArray[np.floating], rate: int = RATE) -> Analysis:
    return Analysis(Song("made", samples.astype(np.float32), rate, "f32", None))


def test_a_part_is_found_when_it_is_read_and_once() -> None:
    analysis = Analysis(decode(SONG))
    assert set(vars(analysis)) == {"song"}
    assert analysis.bounds.end > 0
    assert "mono" not in vars(analysis)
    assert analysis.loudness is analysis.loudness
    assert "beats" not in vars(analysis)
    assert "sections" not in vars(analysis)


@pytest.mark.parametrize("sound", ["silence", "noise", "click", "one second", "a tenth", "one sample", "constant"])
@pytest.mark.parametrize("rate", [8000, RATE, 96000])
def test_any_sound_can_be_analysed(sound: str, rate: int, rng: np.random.Generator) -> None:
    samples = {
        "silence": np.zeros(4 * rate),
        "noise": rng.normal(0, 0.1, 4 * rate),
        "click": np.eye(1, 4 * rate, 2 * rate)[0],
        "one second": np.sin(np.arange(rate) * 0.1),
        "a tenth": np.sin(np.arange(rate // 10) * 0.1),
        "one sample": np.ones(1),
        "constant": np.full(4 * rate, 0.5),
    }[sound]
    analysis = made(np.stack([samples, -0.5 * samples], axis=1), rate)
    for part in PARTS:
        assert getattr(analysis, part) is not ...
    assert np.isfinite(analysis.loudness).all()
    assert np.isfinite(analysis.energy).all()
    assert len(analysis.loudness) == len(analysis.energy)
    assert analysis.sections[0].begin == analysis.bounds.begin / rate
    assert analysis.sections[-1].end == analysis.bounds.end / rate
    assert analysis.chords.edges[-1] == analysis.bounds.end / rate
    assert list(lines(analysis))
    told = facts(analysis)
    assert told["seconds"] == len(samples) / rate
    assert len(told["loudness_each_second"]) == len(told["energy_each_second"]) == np.ceil(told["seconds"])


def test_rate_and_channels_hardly_matter() -> None:
    song = decode(SONG)
    plain = Analysis(song)
    half = replace(song, samples=song.samples.mean(axis=1, keepdims=True)[::2], sample_rate=song.sample_rate // 2)
    other = Analysis(half)
    assert plain.key
    assert other.key
    assert plain.key.name == other.key.name
    np.testing.assert_allclose(plain.beats.times, other.beats.times, atol=0.02)
    agree = [a == b for a, b in zip(plain.chords.numbers, other.chords.numbers, strict=True)]
    assert np.mean(agree) > 0.9


def test_it_is_made_of_arrays() -> None:
    song = decode(SONG)
    analysis = extrapcli.analyse(song.samples, song.sample_rate)
    np.testing.assert_array_equal(analysis.beats.times, Analysis(song).beats.times)
    with pytest.raises(extrapcli.UnreadableAudio, match="silent"):
        extrapcli.analyse(np.zeros(RATE), RATE)
    with pytest.raises(extrapcli.UsageError, match="give floats"):
        extrapcli.analyse(np.zeros(RATE, int), RATE)


def test_beats_have_a_tempo_and_downbeats() -> None:
    beats = Beats(np.array([1.0, 1.5, 2.0, 2.6, 3.1]), np.array([2, 0, 1, 2, 0]), 3, 0.9, 0.4)
    assert beats.bpm == pytest.approx(120)
    assert beats.downbeats.tolist() == [1.5, 3.1]
    assert beats.has_pulse
    assert not replace(beats, confidence=0.3).has_pulse
    assert Beats(np.zeros(0), np.zeros(0, np.int_), 0, 0.0, 0.0).bpm == 0


def test_it_is_told_in_words() -> None:
    analysis = analysis_of(samples_of("ABA"))
    told = "\n".join(lines(analysis))
    for part in (
        "tempo: 120.0 beats a minute, sure (confidence 1.00)",
        "metre: 4 beats in a bar, sure (confidence 1.00)",
        "key: C major, ",
        "chords: C ",
        "music: from 0:00.2 to 0:48.",
        "sections: 3",
        "  0:16.2 to 0:32.2  B  8 bars",
    ):
        assert part in told
    assert "tuning" not in told
    analysis.beats = replace(analysis.beats, confidence=0.12)
    assert "tempo: no clear pulse (confidence 0.12), so no bars" in list(lines(analysis))


def test_facts_are_those_of_the_analysis() -> None:
    analysis = analysis_of(samples_of("AB"))
    told = facts(analysis)
    assert told["key"]["name"] == "C major"
    assert told["beats"] == pytest.approx(analysis.beats.times, abs=1e-3)
    assert [(section["begin"], section["label"]) for section in told["sections"]] == [
        (round(section.begin, 3), section.label) for section in analysis.sections
    ]
    assert len(told["loudness_each_second"]) == len(told["energy_each_second"]) == int(told["seconds"]) + 1
    assert told["chords"][0] == {"begin": 0.25, "end": pytest.approx(2.25, abs=0.01), "name": "C"}


def test_chords_run_from_change_to_change() -> None:
    chords = analysis_of(samples_of("A")).chords
    runs = chord_runs(chords)
    assert runs[0][0] == chords.edges[0]
    assert runs[-1][1] == chords.edges[-1]
    assert all(one[1] == next_[0] and one[2] != next_[2] for one, next_ in pairwise(runs))
