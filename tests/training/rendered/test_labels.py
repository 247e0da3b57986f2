"""Where the labels of rendered music come from: MIDI files, rows of modules, and our own performances."""

import io

import mido
import numpy as np
import pytest

from training.beats.compose import compose
from training.beats.midi_files import read_midi
from training.beats.modules import Played, beats_of
from training.beats.performance import Note, clock, perform
from training.beats.piece import Labels, excerpt
from training.beats.render import split_of
from training.beats.styles import STYLES, steps_of


def midi(signature: tuple[int, int], tempos: list[tuple[int, float]], notes: list[int]) -> bytes:
    """A file of 480 ticks a quarter: tempos in quarters a minute from ticks on, and ticks at which notes begin."""
    track = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=signature[0], denominator=signature[1])])
    events = [(tick, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))) for tick, tempo in tempos]
    events += [(tick, mido.Message("note_on", note=60, velocity=90)) for tick in notes]
    now = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def test_beats_of_a_midi_file_follow_its_tempo() -> None:
    bars = [1440 * bar + tick for bar in range(12) for tick in (0, 0, 480, 960)]
    read = read_midi(midi((3, 4), [(0, 120), (1440 * 6, 60)], bars))
    assert not isinstance(read, str)
    _, times, downbeats = read
    np.testing.assert_allclose(np.diff(times)[:18], 0.5, atol=1e-3)
    np.testing.assert_allclose(np.diff(times)[18:], 1.0, atol=1e-3)
    assert np.flatnonzero(downbeats).tolist() == list(range(0, len(times), 3))


def test_a_beat_of_six_eight_is_a_dotted_quarter() -> None:
    eighths = [240 * k for k in range(96)] + [1440 * k for k in range(16)]
    read = read_midi(midi((6, 8), [(0, 120)], eighths))
    assert not isinstance(read, str)
    np.testing.assert_allclose(np.diff(read[1]), 0.75, atol=1e-3)
    assert read[2][:4].tolist() == [True, False, True, False]


def test_a_midi_file_that_was_played_without_its_clock_is_left_out(rng: np.random.Generator) -> None:
    assert "elsewhere" in read_midi(midi((4, 4), [(0, 120)], sorted(rng.integers(0, 50_000, 400).tolist())))
    assert read_midi(b"MThd") != ""


def module(pattern: list[int], rows: int, row_seconds: float, patterns: int = 12) -> Played:
    """Patterns of so many rows, with so many notes on each of the first ones, which come again and again."""
    notes = np.resize(np.array(pattern), (rows,))
    count = rows * patterns
    return Played(
        np.zeros(1, np.float32),
        (np.arange(count) * row_seconds).astype(np.float64),
        np.tile(notes, patterns),
        np.tile(np.arange(rows), patterns),
    )


def test_four_rows_are_a_beat_at_the_usual_speed() -> None:
    found = beats_of(module([4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0], 64, 0.12))
    assert not isinstance(found, str)
    np.testing.assert_allclose(np.diff(found[0]), 0.48)
    assert np.flatnonzero(found[1])[:3].tolist() == [0, 4, 8]


def test_notes_decide_between_triplets_and_halves() -> None:
    waltz = beats_of(module([4, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0], 48, 0.12))
    triplets = beats_of(module([4, 0, 1, 2, 0, 1, 3, 0, 1, 2, 0, 1], 48, 0.16))
    assert not isinstance(waltz, str)
    assert not isinstance(triplets, str)
    assert (np.diff(waltz[0])[0], np.flatnonzero(waltz[1])[1]) == (pytest.approx(0.48), 3)
    assert (np.diff(triplets[0])[0], np.flatnonzero(triplets[1])[1]) == (pytest.approx(0.48), 4)


@pytest.mark.parametrize(
    ("played", "doubt"),
    [
        (module([4, 0, 1, 0, 2, 0, 1, 0] * 2, 64, 0.19), "a tempo of 79"),
        (module([1] * 16, 64, 0.12), "no more notes"),
        (module([4, 0, 1, 0, 2, 0, 1, 0] * 2, 44, 0.12), "within a bar"),
    ],
)
def test_a_module_in_doubt_is_left_out(played: Played, doubt: str) -> None:
    assert doubt in str(beats_of(played))


def test_notes_sound_with_the_beats_they_are_written_on(rng: np.random.Generator) -> None:
    times = clock(32, 100, "drift", 4, rng) + 0.5
    written = [Note(float(beat), 0.5, 36, 100, 9) for beat in range(32)]
    messages = perform(written, times, {}, {}, rng, jitter_seconds=0)
    sounding = [time for time, message in messages if message.type == "note_on" and message.velocity]
    np.testing.assert_allclose(sounding, times)
    swung = perform([Note(0.5, 0.2, 36, 100, 9)], times, {}, {}, rng, swing=0.6, jitter_seconds=0)
    assert swung[0][0] == pytest.approx(times[0] + 0.6 * (times[1] - times[0]))


def test_compositions_repeat_from_their_seed_and_have_drums_on_bar_lines() -> None:
    for seed in range(12):
        _, messages, times, downbeats = compose(seed, 30)
        again = compose(seed, 30)
        assert messages == again[1]
        bars = np.diff(np.flatnonzero(downbeats))
        assert set(bars.tolist()) == {int(bars[0])}
        notes = np.array([time for time, m in messages if m.type == "note_on" and m.velocity])
        near = np.abs(notes[:, None] - times).min(axis=1) < 0.04
        assert near.mean() > 0.25
        assert times[-1] > 20


def test_patterns_have_a_step_for_each_part_of_a_beat() -> None:
    for style in STYLES:
        for pattern in (*style.drums.values(), style.bass, style.chords):
            assert len(pattern.replace(" ", "")) % style.metre == 0, style.name
            assert all(beat < style.metre for beat, _ in steps_of(pattern, style.metre))


def test_an_excerpt_keeps_instruments_and_moves_notes() -> None:
    change = mido.Message("program_change", channel=2, program=40)
    notes = [(time, mido.Message("note_on", note=60, velocity=80, channel=2)) for time in (1.0, 6.0, 12.0)]
    assert excerpt([(0.0, change), *notes], 5.0, 10.0) == [(0.0, change), (1.0, notes[1][1])]


def test_labels_have_the_commonest_metre_and_splits_are_fixed() -> None:
    downbeats = np.isin(np.arange(20), [0, 4, 8, 11, 15, 19])
    labels = Labels.of("folk-one", "train", "a tune", np.arange(20) / 2, downbeats)
    assert (labels.family, labels.metre) == ("folk", 4)
    assert set(labels.downbeats) < set(labels.beats)
    shares = np.bincount([["train", "validation", "test"].index(split_of(str(number))) for number in range(2000)])
    np.testing.assert_allclose(shares / 2000, (0.7, 0.1, 0.2), atol=0.03)
