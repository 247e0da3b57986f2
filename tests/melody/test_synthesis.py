"""Synthesized tunes: length, pitch, level, and errors for sound fonts."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import write_song
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Song
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.melody.encoding import Note, Tune
from extrapcli.melody.encoding import decode as notes_of
from extrapcli.melody.synthesis import PEAK, RELEASE_SECONDS, SAMPLE_RATE, load_soundfont, synthesize

FONT = load_soundfont(None)


def loudness(sound: NDArray[np.float32], seconds: float = 0.1) -> NDArray[np.float32]:
    """The peak of each piece of so many seconds."""
    size = round(seconds * SAMPLE_RATE)
    stretches = sound[: len(sound) // size * size].reshape(-1, size * 2)
    peaks: NDArray[np.float32] = np.abs(stretches).max(axis=1)
    return peaks


def frequency(sound: NDArray[np.float32], *, begin: float, end: float, near: float) -> float:
    """The strongest frequency within a quarter tone of one, in Hz."""
    part = sound[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE), 0]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 20))
    frequencies = np.fft.rfftfreq(1 << 20, 1 / SAMPLE_RATE)
    spectrum[np.abs(np.log2(frequencies + 1e-9) - np.log2(near)) > 1 / 24] = 0
    return float(frequencies[spectrum.argmax()])


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.builds(Note, st.integers(45, 88), st.sampled_from([2, 4, 8])), min_size=1, max_size=8),
    st.floats(40, 300),
)
def test_it_lasts_until_the_last_note_has_rung_out(notes: list[Note], tempo: float) -> None:
    tune = Tune("", tuple(notes), "4/4")
    sound = synthesize(tune, FONT, tempo=tempo)
    played = tune.steps / 4 * 60 / tempo
    assert round(played * SAMPLE_RATE) <= len(sound) <= (played + RELEASE_SECONDS + 0.1) * SAMPLE_RATE
    assert np.abs(sound).max() == pytest.approx(PEAK)
    assert np.abs(sound[-20:]).max() < 1e-3
    before_the_end = loudness(sound[: round(played * SAMPLE_RATE)])
    assert (before_the_end > 1e-4).all(), "silent inside"


@pytest.mark.parametrize("pitch", range(48, 89, 5))
def test_a_note_has_its_pitch(pitch: int) -> None:
    sound = synthesize(Tune("", (Note(pitch, 8), Note(pitch + 4, 8))), FONT, tempo=60)
    for note, begin in ((pitch, 0), (pitch + 4, 2)):
        wanted = 440 * 2 ** ((note - 69) / 12)
        found = frequency(sound, begin=begin + 0.1, end=begin + 1.1, near=wanted)
        assert abs(12 * np.log2(found / wanted)) < 0.1


def test_notes_begin_on_time() -> None:
    """Notes of a sixteenth are apart by nearly four seconds, so each begins after silence."""
    sound = synthesize(Tune("", notes_of(["69", *["r"] + ["_"] * 14] * 4)[:-1]), FONT, tempo=60)
    level = np.abs(sound).max(axis=1)
    for number in (1, 2, 3):
        onset = round(number * 16 / 4 * SAMPLE_RATE)
        before, after = level[onset - 4800 : onset - 480], level[onset : onset + 4800]
        assert before.max() < 0.01 < after.max()


def test_the_same_tune_gives_the_same_samples() -> None:
    tune = Tune("", notes_of(["67", "_", "69", "r", "72"]))
    np.testing.assert_array_equal(synthesize(tune, FONT, tempo=90), synthesize(tune, FONT, tempo=90))


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_every_format_can_be_written_with_the_same_bytes(format: str, tmp_path: Path) -> None:
    sound = synthesize(Tune("", notes_of(["67", "_", "_", "_", "69", "_", "_", "_"])), FONT, tempo=100)
    for name in ("one", "two"):
        write_song(tmp_path / name, Song("tune", sound, SAMPLE_RATE, "s16", None), format=format)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    song = decode(tmp_path / "one")
    assert (song.format, song.sample_rate, song.channels) == (format, SAMPLE_RATE, 2)
    assert abs(song.seconds - len(sound) / SAMPLE_RATE) < 0.06
    assert np.abs(song.samples).max() < 0.95


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "can be played"), (b"not a sound font" * 99, "can be played"), (FONT[:3_000_000], "can be played")],
    ids=["empty", "text", "cut"],
)
def test_a_file_that_is_no_sound_font_is_refused_in_one_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "font.sf2").write_bytes(content)
    with pytest.raises(UnreadableAudio, match=f"font.sf2: not an .sf2 sound font that {says}"):
        load_soundfont(tmp_path / "font.sf2")
    with pytest.raises(UnreadableAudio, match=r"gone.sf2: cannot be read: No such file"):
        load_soundfont(tmp_path / "gone.sf2")


def test_a_damaged_sound_font_prints_nothing_of_its_own(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its instruments refer to samples that do not exist, at which midirenderer panics."""
    at = FONT.index(b"shdr") + 8
    (tmp_path / "font.sf2").write_bytes(
        FONT[:at]
        + b"".join(
            FONT[i : i + 20] + b"\xf0\xff\xff\x7f" * 4 + FONT[i + 36 : i + 46] for i in range(at, len(FONT) - 45, 46)
        )
    )
    with pytest.raises(UnreadableAudio, match=r"not an \.sf2 sound font"):
        load_soundfont(tmp_path / "font.sf2")
    assert capfd.readouterr() == ("", "")


def test_a_sound_font_is_loaded_without_standard_error() -> None:
    code = (
        "import os; from extrapcli.melody.synthesis import load_soundfont;"
        "os.close(2); print(len(load_soundfont(None)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"{len(FONT)}\n"


def test_a_silent_font_and_an_endless_tune_are_refused() -> None:
    at, end = FONT.index(b"smpl") + 8, FONT.index(b"pdta") - 8
    with pytest.raises(UnreadableAudio, match="no piano that plays"):
        synthesize(Tune("", (Note(69, 4),)), FONT[:at] + bytes(end - at) + FONT[end:], tempo=100)
    with pytest.raises(UsageError, match="lasts 67 minutes"):
        synthesize(Tune("", (Note(69, 16),) * 1000), FONT, tempo=60)
