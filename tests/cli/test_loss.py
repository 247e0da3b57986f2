"""What a format can't hold of a song is said on standard error, and only that."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tests.audio.by_ffmpeg import encode
from tests.audio.test_channels import wav
from tests.conftest import SONG, Extrap, chord

RATE = 48000

pytestmark = pytest.mark.slow


def layout_of(path: Path) -> str:
    with av.open(str(path)) as container:
        return next(container.decode(audio=0)).layout.name


def test_a_normal_song_prints_nothing(extrap: Extrap, tmp_path: Path) -> None:
    assert extrap("continue", SONG, "--minutes", "0:40", "-o", tmp_path / "x.mp3").stderr == ""


def test_four_speakers_keep_their_names(extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "quad.wav").write_bytes(wav(chord(6, RATE, 4), 0x33))
    for name in ("track.wav", "track.m4a"):
        assert extrap("continue", "quad.wav", "--add", "0:05", "-o", name).stderr == ""
        assert layout_of(tmp_path / name) == "quad"
    song, track = (soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("quad.wav", "track.wav"))
    np.testing.assert_array_equal(track[: 5 * RATE], song[: 5 * RATE])


def test_speakers_that_a_format_does_not_know_are_named(extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "sides.wav").write_bytes(wav(chord(6, RATE, 6), 0x60F))
    assert extrap("continue", "sides.wav", "--add", "0:05", "-o", "track.opus").stderr == (
        "extrap: sides.wav: opus can't hold the speakers FL FR FC LFE SL SR; "
        "players take them for FL FR FC LFE BL BR\n"
    )


@pytest.mark.parametrize(
    ("clip", "says"),
    [
        ("clamp", "up to 4.0 dB above full scale were cut off ("),
        ("limit", "turned down by up to 4.0 dB to stay within full scale, for "),
        ("rescale", "all of it was turned down by 4.0 dB to stay within full scale"),
    ],
)
def test_sound_beyond_full_scale(clip: str, says: str, extrap: Extrap, tmp_path: Path) -> None:
    sound = chord(6, RATE, 2)
    loud = sound / np.abs(sound).max() * 10 ** (4 / 20)
    soundfile.write(tmp_path / "hot.wav", loud, RATE, subtype="FLOAT")
    ran = extrap("continue", "hot.wav", "--add", "0:05", "-o", "track.flac", "--clip", clip, "--json")
    said = [line for line in ran.stderr.splitlines() if "full scale" in line]
    assert len(said) == 1
    assert said[0].startswith(f"extrap: hot.wav: {says}")
    assert json.loads(ran.stdout)["notes"][0].startswith(says)
    track = soundfile.read(tmp_path / "track.flac")[0]
    assert 0.99 < np.abs(track).max() <= 1
    if clip == "rescale":
        np.testing.assert_allclose(track[: 5 * RATE], loud[: 5 * RATE] / 10 ** (4 / 20), rtol=0, atol=1e-6)


def test_32_bits_stay_32_bits_in_flac(extrap: Extrap, tmp_path: Path) -> None:
    values = np.round(chord(6, RATE, 2) * 2**31).astype(np.int32)
    encode(str(tmp_path / "deep.flac"), values, RATE, "flac", "flac", encoder={"strict": "experimental"})
    assert extrap("continue", "deep.flac", "--add", "0:05", "-o", "track.flac").stderr == ""
    with av.open(str(tmp_path / "track.flac")) as container:
        track = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in container.decode(audio=0)])
    np.testing.assert_array_equal(track[: 5 * RATE], values[: 5 * RATE])
    assert len(track) == 11 * RATE


def test_a_lossy_format_takes_any_rate_and_says_so(extrap: Extrap, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "cd.wav", chord(6, 44100, 2), 44100)
    ran = extrap("continue", "cd.wav", "--add", "0:05", "--format", "opus", "--json")
    assert ran.stderr == "extrap: cd.wav: resampled to 48000 Hz, as opus can't hold 44100 Hz\n"
    facts = json.loads(ran.stdout)
    assert (facts["samples"], facts["sample_rate"], facts["song_samples"]) == (11 * 48000, 48000, 6 * 48000)
    track, rate = soundfile.read(tmp_path / facts["track"])
    assert (len(track), rate) == (11 * 48000, 48000)


def test_a_format_for_fewer_channels_is_refused(extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "six.wav").write_bytes(wav(chord(6, RATE, 6), None))
    assert "mp3 holds at most 2 channels, not 6" in extrap("continue", "six.wav", "--format", "mp3", status=2).stderr
