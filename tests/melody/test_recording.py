"""Seeds from recordings of known tunes, and errors for recordings without a melody."""

import hashlib
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.melody.encoding import DURATIONS, METRES, Note, Tune, decode, parse_symbols
from extrapcli.melody.extraction import NoteEvent, extract_melody
from extrapcli.melody.keys import Key, fold_into_range
from extrapcli.melody.midi import midi_file
from extrapcli.melody.recording import read_recording
from extrapcli.melody.rhythm import BeatGrid, estimate_tempo, fit_grid, quantize
from extrapcli.melody.transcription import (
    FRAMES_PER_SECOND,
    HOP,
    KEPT,
    LOWEST_PITCH,
    MODEL,
    SAMPLE_RATE,
    SHA256,
    transcribe,
)
from tests.conftest import Extrap
from tests.evaluation.test_tagger import drums
from tests.melody.tunes import only_tune

FIRST = "67 _ _ _ 64 _ _ _ 64 _ _ _ _ _ _ _ 65 _ _ _ 62 _ _ _ 62 _ _ _ _ _ _ _"
SECOND = "60 _ 62 _ 64 _ 65 _ 67 _ _ _ 69 _ 71 _ 72 _ _ _ _ _ 71 _ 67 _ _ _ 60 _ _ _ _ _ _ _"
TUNE = Tune("", decode(parse_symbols(f"{FIRST} {SECOND}")), "4/4")
LAMENT = "69 _ _ _ 71 _ 72 _ 76 _ _ _ 72 _ _ _ 71 _ 69 _ 68 _ 71 _ 69 _ _ _ _ _ _ _"
MINOR = Tune("", decode(parse_symbols(f"{LAMENT} {LAMENT}")), "4/4")


def tones(notes: list[NoteEvent], loudness: float, seconds: float) -> NDArray[np.float32]:
    """Play notes with six decaying harmonics; `loudness` is the amplitude of the fundamental."""
    sound = np.zeros(round(seconds * SAMPLE_RATE))
    for note in notes:
        t = np.arange(round((note.end - note.begin) * SAMPLE_RATE)) / SAMPLE_RATE
        pitch = 440 * 2 ** ((note.pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * k * t) / k**1.5 for k in range(1, 7)) * np.exp(-2 * t)
        tone *= np.minimum(1, np.minimum(t, t[-1] - t) / 0.005)
        sound[round(note.begin * SAMPLE_RATE) :][: len(tone)] += loudness * tone
    return sound.astype(np.float32)


def timed(tune: Tune, tempo: float, *, lead: float = 0.7) -> list[NoteEvent]:
    """Time the notes of a tune, each for nine tenths of its length, from second `lead` on."""
    step, now, sung = 15 / tempo, lead, []
    for note in tune.notes:
        if note.pitch is not None:
            sung.append(NoteEvent(now, now + 0.9 * note.steps * step, note.pitch, 1.0))
        now += note.steps * step
    return sung


def played(tune: Tune, tempo: float, *below: int) -> NDArray[np.float32]:
    """Play a tune, with quieter voices so many semitones below it."""
    notes = timed(tune, tempo)
    sound = tones(notes, 0.3, notes[-1].end + 1)
    for semitones in below:
        sound += tones([n._replace(pitch=n.pitch - semitones) for n in notes], 0.12, notes[-1].end + 1)
    return sound


def write(path: Path, sound: NDArray[np.float32], rate: int = SAMPLE_RATE) -> Path:
    soundfile.write(path, sound, rate)
    return path


def test_the_network_is_the_published_one() -> None:
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() == SHA256
    assert {"LICENSE", "NOTICE"} <= {file.name for file in MODEL.parent.iterdir()}


def test_half_a_minute_of_a_scale_is_transcribed_on_time() -> None:
    scale = [NoteEvent(0.5 + 0.4 * k, 0.85 + 0.4 * k, 48 + 2 * (k % 18), 1.0) for k in range(72)]
    heard = transcribe(tones(scale, 0.3, 30), SAMPLE_RATE)
    assert heard.notes.shape == heard.onsets.shape == (-(-30 * SAMPLE_RATE // HOP), 88)
    for note in scale:
        around = heard.onsets[round((note.begin - 0.1) * FRAMES_PER_SECOND) :][:17]
        frame, pitch = np.unravel_index(around.argmax(), around.shape)
        assert pitch + LOWEST_PITCH == note.pitch
        assert frame / FRAMES_PER_SECOND - 0.1 == pytest.approx(0, abs=0.03)


def test_a_transcription_does_not_depend_on_the_windows() -> None:
    sound = played(TUNE, 120)
    whole, later = transcribe(sound, SAMPLE_RATE), transcribe(np.pad(sound, (KEPT * HOP, 0)), SAMPLE_RATE)
    np.testing.assert_allclose(later.notes[KEPT:], whole.notes, atol=1e-5)
    shifted = transcribe(np.pad(sound, (50 * HOP, 0)), SAMPLE_RATE)
    assert np.abs(shifted.onsets[50:] - whole.onsets).mean() < 0.002


@pytest.mark.parametrize("samples", [1, 300, SAMPLE_RATE // 4])
def test_very_short_sound_has_no_melody(samples: int) -> None:
    assert extract_melody(transcribe(np.full(samples, 0.1, np.float32), SAMPLE_RATE)) == []


@pytest.mark.parametrize(
    ("speed", "shift", "rate"), [(72, 0, 44100), (96, 5, 22050), (132, -4, 16000), (110, 13, 48000)]
)
@pytest.mark.parametrize("tune", [TUNE, MINOR])
def test_a_tune_is_recovered_from_a_recording(
    tune: Tune, speed: float, shift: int, rate: int, tmp_path: Path
) -> None:
    sound = resample(played(tune.transposed(shift), speed)[:, None], from_rate=SAMPLE_RATE, to_rate=rate)
    heard = read_recording(write(tmp_path / "tune.wav", sound, rate), "4/4")
    assert heard.tune.notes == tune.transposed(shift).notes
    assert heard.tempo == pytest.approx(speed, rel=0.01)
    assert heard.key == Key((9 * (tune is MINOR) + shift) % 12, tune is MINOR)
    assert heard.tune.upbeat % 4 == 0


@pytest.mark.parametrize("below", [(12,), (7,), (7, 12), (19,)])
def test_lower_voices_are_not_taken_for_the_melody(below: tuple[int, ...], tmp_path: Path) -> None:
    heard = read_recording(write(tmp_path / "tune.wav", played(TUNE, 100, *below)), "4/4")
    assert heard.tune.notes == TUNE.notes


def test_a_quiet_beginning_is_skipped(tmp_path: Path) -> None:
    sound = np.concatenate([0.001 * np.ones(9 * SAMPLE_RATE, np.float32), played(TUNE, 100)])
    assert read_recording(write(tmp_path / "late.wav", sound), "4/4").tune.notes == TUNE.notes


@given(
    st.lists(st.tuples(st.sampled_from(sorted(DURATIONS)), st.integers(55, 80)), min_size=4, max_size=20),
    st.floats(60, 170),
    st.integers(0, 2**32 - 1),
)
def test_inexact_notes_are_quantized_to_the_grid(notes: list[tuple[int, int]], speed: float, number: int) -> None:
    tune = Tune("", tuple(Note(pitch, steps) for steps, pitch in notes))
    off = np.random.default_rng(number).uniform(-0.2, 0.2, len(notes)) * 15 / speed
    line = [n._replace(begin=n.begin + late) for n, late in zip(timed(tune, speed), off, strict=True)]
    first, found = quantize(line, BeatGrid(15 / speed, 0.7, 1.0))
    assert first == 0
    assert found == tune.notes


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.05, 3), st.integers(40, 90)), min_size=1, max_size=30))
def test_quantized_lengths_are_those_of_the_vocabulary(spans: list[tuple[float, float, int]]) -> None:
    line, now = [], 0.0
    for gap, length, pitch in spans:
        line.append(NoteEvent(now + gap, now + gap + length, pitch, 0.5))
        now += gap + length
    _, notes = quantize(line, BeatGrid(0.15, 0.0, 1.0))
    assert {note.steps for note in notes} <= DURATIONS
    assert notes[0].pitch is not None
    assert notes[-1].pitch is not None


@pytest.mark.parametrize("metre", METRES)
def test_a_bar_begins_where_the_long_notes_are(metre: str) -> None:
    bar = METRES[metre]
    line = timed(Tune("", tuple(Note(60 + k % 5, length) for k in range(6) for length in (bar - 2, 1, 1))), 100)
    assert estimate_tempo(line) == pytest.approx(100, rel=0.02) or metre != "4/4"
    assert ((fit_grid(line, 100, metre).bar_start - 0.7) / 0.15 + 1) % bar == pytest.approx(1, abs=0.05)


def test_notes_out_of_range_move_by_octaves() -> None:
    symbols = ("/", "_", "r", *map(str, range(55, 77)))
    notes = (Note(40, 2), Note(60, 4), Note(None, 1), Note(90, 1))
    assert fold_into_range(Tune("", notes), symbols).notes == (Note(64, 2), Note(60, 4), Note(None, 1), Note(66, 1))


@pytest.mark.slow
def test_the_command_keeps_the_key_and_tempo_of_a_recording(extrap: Extrap, tune_model: Path, tmp_path: Path) -> None:
    write(tmp_path / "song.flac", played(TUNE.transposed(2), 96, 12))
    ran = extrap("melody", "--from", "song.flac", "--model", tune_model, "-o", "new.mid")
    assert ran.stderr.startswith("extrap: song.flac: a melody in D at 96 quarters a minute: A4 F#4 F#4 G4")
    new = only_tune(tmp_path / "new.mid")
    assert isinstance(new, Tune)
    assert new.notes[: len(TUNE.notes) - 1] == TUNE.transposed(2).notes[:-1]
    tempi = [m.tempo for m in mido.MidiFile(tmp_path / "new.mid").tracks[0] if m.type == "set_tempo"]
    assert tempi == [pytest.approx(60e6 / 96, rel=0.01)]
    asked = ("melody", "--from", "song.flac", "--model", tune_model, "--bars", "4", "--quiet")
    assert not extrap(*asked, "--key", "C", "--tempo", "120", "-o", "c.mid").stderr
    extrap(*asked, "-o", "d.mid")
    c, d = only_tune(tmp_path / "c.mid"), only_tune(tmp_path / "d.mid")
    assert isinstance(c, Tune)
    assert isinstance(d, Tune)
    assert c.notes == d.transposed(-2).notes
    assert [m.tempo for m in mido.MidiFile(tmp_path / "c.mid").tracks[0] if m.type == "set_tempo"] == [500000]


@pytest.mark.slow
def test_recordings_without_a_melody_are_refused_in_one_sentence(
    extrap: Extrap, tune_model: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    write(tmp_path / "drums.wav", drums(12), 16000)
    write(tmp_path / "noise.wav", rng.normal(0, 0.1, 8 * SAMPLE_RATE).astype(np.float32))
    write(tmp_path / "silence.wav", np.zeros(3 * SAMPLE_RATE, np.float32))
    write(tmp_path / "short.wav", played(TUNE, 100)[: round(0.9 * SAMPLE_RATE)])
    midi_file(TUNE, tempo=100).save(tmp_path / "notes.mid")
    (tmp_path / "text.mp3").write_text("no sound")
    for file, status, says in [
        ("drums.wav", 3, "drums.wav: no melody is heard"),
        ("noise.wav", 3, "noise.wav: no melody is heard"),
        ("short.wav", 3, "short.wav: no melody is heard"),
        ("silence.wav", 3, "silence.wav: silent"),
        ("text.mp3", 3, "text.mp3: not audio"),
        ("gone.mp3", 3, "gone.mp3: no such file"),
        ("notes.mid", 2, "holds written notes, and is no recording; give it to --seed"),
    ]:
        ran = extrap("melody", "--from", file, "--model", tune_model, status=status)
        assert says in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_tune_begins_with_a_seed_or_a_recording(extrap: Extrap, tune_model: Path) -> None:
    for begin in ((), ("--seed", "60 _", "--from", "song.mp3")):
        ran = extrap("melody", *begin, "--model", tune_model, status=2)
        assert "--seed" in ran.stderr
        assert "--from" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
    assert "3/8" in extrap("melody", "--from", "s.mp3", "--metre", "5/4", "--model", tune_model, status=2).stderr


def test_a_recording_with_one_channel_inverted_is_heard_from_where_its_music_begins(tmp_path: Path) -> None:
    """Behind five minutes of silence, and with an offset."""
    stereo = np.pad(played(TUNE, 100), (310 * SAMPLE_RATE, 0))[:, None] * np.array([1, -1], np.float32)
    soundfile.write(tmp_path / "tune.wav", 0.5 * stereo + [0.2, -0.1], SAMPLE_RATE)
    assert read_recording(tmp_path / "tune.wav", "4/4").tune.notes == TUNE.notes
