"""What happens beyond full scale, and what is said of it."""

import math
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.clipping import AHEAD_SECONDS, RELEASE_SECONDS, Clip, Limit
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track
from extrapcli.audio.song import Samples, Song

RATE = 8000


def song(samples: Samples, depth: str = "f32", lossy: bool = False) -> Song:
    return Song("loud", samples, RATE, depth, None, lossy=lossy)


def hot() -> NDArray[np.float32]:
    """Four seconds of soft sound, on the grid of 16 bits, with 0.05 s of 1.6 times full scale after the first."""
    noise = np.random.default_rng(1).integers(-9000, 9000, (4 * RATE, 2))
    sound = (noise / 32768).astype(np.float32)
    sound[RATE : RATE + 400, 1] = np.where(noise[RATE : RATE + 400, 1] < 0, -1.6, 1.6)
    return sound


def written(sound: Song, format: str, path: Path, clip: Clip = "clamp", block: int = 1001) -> list[str]:
    with open_track(path, sound, format=format, expected_samples=len(sound.samples), clip=clip) as track:
        for start in range(0, len(sound.samples), block):
            track.write(sound.samples[start : start + block])
    return track.notes


def limited(sound: Samples, block: int = 1001) -> NDArray[np.floating]:
    limit = Limit(song(sound))
    parts = [limit.feed(sound[start : start + block]) for start in range(0, len(sound), block)]
    return np.concatenate([*parts, limit.rest()])


def slowly_limited(sound: Samples) -> NDArray[np.float64]:
    """The limiter sample by sample, as its docstring tells it."""
    ahead = round(AHEAD_SECONDS * RATE)
    needed = [0.0] * ahead + [max(0.0, 1 - 1 / max(abs(float(x)) for x in row)) for row in sound]
    held, last = [], 0.0
    for n in range(len(needed)):
        last = max(max(needed[n : n + ahead]), last * math.exp(-1 / (RELEASE_SECONDS * RATE)))
        held.append(last)
    means = [sum(held[n + 1 : n + 1 + ahead]) / ahead for n in range(len(sound))]
    return np.array([sound[n] * (1 - mean) for n, mean in enumerate(means)], np.float64)


@pytest.mark.parametrize("format", ["flac", "mp3"])
def test_a_note_says_how_far_where_and_how_often(format: str, tmp_path: Path) -> None:
    assert written(song(hot()), format, tmp_path / "x") == [
        "up to 4.1 dB above full scale were cut off (400 samples of the track, between 1.0 s and 1.0 s)"
    ]


@pytest.mark.parametrize("format", ["ogg", "m4a"])
def test_encoders_that_take_floats_leave_it_to_players(format: str, tmp_path: Path) -> None:
    loud = (1.6 * np.sin(np.arange(2 * RATE) * 0.3)[:, None]).astype(np.float32)
    (note,) = written(song(loud), format, tmp_path / "x")
    assert note.startswith("up to 4.1 dB above full scale are cut off by players (")
    assert np.abs(decode(tmp_path / "x").samples).max() > 1.3


@pytest.mark.parametrize("clip", ["clamp", "limit", "rescale"])
@pytest.mark.parametrize("depth", ["f32", "f64"])
def test_floats_are_kept_where_the_format_has_them(clip: Clip, depth: str, tmp_path: Path) -> None:
    sound: Samples = hot() if depth == "f32" else hot().astype(np.float64)
    assert written(song(sound, depth), "wav", tmp_path / "x", clip) == []
    np.testing.assert_array_equal(soundfile.read(tmp_path / "x", dtype="float64")[0], sound)


@pytest.mark.parametrize(("format", "said"), [("mp3", False), ("ogg", False), ("flac", True)])
def test_a_lossy_song_is_clipped_by_players_already(format: str, said: bool, tmp_path: Path) -> None:
    assert bool(written(song(hot(), lossy=True), format, tmp_path / "x")) == said


@pytest.mark.parametrize("format", ["wav", "flac", "mp3"])
@pytest.mark.parametrize("clip", ["clamp", "limit", "rescale"])
def test_a_song_within_full_scale_is_left_alone(format: str, clip: Clip, tmp_path: Path) -> None:
    sound = np.random.default_rng(2).integers(-32768, 32768, (RATE, 2)).astype(np.float32) / 32768
    sound[100], sound[200] = -1, 1  # full scale itself is not beyond it
    assert written(song(sound, "s16"), format, tmp_path / f"{clip}-{format}", clip) == []
    written(song(sound, "s16"), format, tmp_path / f"clamp-{format}")
    assert (tmp_path / f"{clip}-{format}").read_bytes() == (tmp_path / f"clamp-{format}").read_bytes()


def test_rescaling_is_one_gain(tmp_path: Path) -> None:
    (note,) = written(song(hot()), "flac", tmp_path / "x", "rescale")
    assert note == "all of it was turned down by 4.1 dB to stay within full scale"
    read = soundfile.read(tmp_path / "x")[0]
    np.testing.assert_allclose(read, hot() / 1.6, rtol=0, atol=2**-23)


def test_what_exceeds_the_songs_own_peak_is_still_cut_off_and_said(tmp_path: Path) -> None:
    with open_track(tmp_path / "x", song(hot()), format="flac", expected_samples=8 * RATE, clip="rescale") as track:
        track.write(hot())
        track.write(2 * hot())
    assert [note.split(" (")[0] for note in track.notes] == [
        "all of it was turned down by 4.1 dB to stay within full scale",
        "up to 6.0 dB above full scale were cut off",
    ]


def test_limiting_turns_down_moments_and_leaves_the_rest_bit_for_bit(tmp_path: Path) -> None:
    (note,) = written(song(hot()), "flac", tmp_path / "x", "limit")
    assert note.startswith("turned down by up to 4.1 dB to stay within full scale, for ")
    read = soundfile.read(tmp_path / "x")[0]
    assert np.abs(read).max() <= 1
    before, after = RATE - round(AHEAD_SECONDS * RATE), 3 * RATE
    np.testing.assert_array_equal(read[:before], hot()[:before])
    np.testing.assert_array_equal(read[after:], hot()[after:])
    assert np.abs(read[RATE : RATE + 400, 1]).min() > 0.999, "no more than needed"


def test_the_limiter_turns_down_on_a_slope() -> None:
    sound = np.full((4 * RATE, 1), 0.5)
    sound[RATE] = 2
    gain = limited(sound)[:, 0] / sound[:, 0]
    ahead = round(AHEAD_SECONDS * RATE)
    assert -np.diff(gain).min() == pytest.approx(0.5 / ahead)
    assert 0 < np.diff(gain).max() < 0.5 / ahead
    assert gain[RATE] == pytest.approx(0.5)
    assert gain[RATE + round(RELEASE_SECONDS * RATE)] == pytest.approx(1 - 0.5 / math.e, abs=0.02)
    assert (gain[: RATE - ahead] == 1).all()
    assert (gain[3 * RATE :] == 1).all()


@pytest.mark.parametrize("block", [1, 7, 39, 40, 41, 1000, 99999])
def test_the_limiter_agrees_with_a_slow_one_whatever_the_blocks(block: int) -> None:
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 0.5, (1500, 2)) * (1 + np.sin(np.arange(1500) / 100)[:, None])
    assert (np.abs(sound) > 1).any()
    got = limited(sound, block)
    assert got.shape == sound.shape
    assert np.abs(got).max() <= 1
    np.testing.assert_allclose(got, slowly_limited(sound), rtol=0, atol=1e-4)


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3", "m4a"])
def test_every_format_takes_limited_sound_in_small_blocks(format: str, tmp_path: Path) -> None:
    sound = hot()[RATE - 50 : RATE + 1000]
    (note,) = written(song(sound, "s16"), format, tmp_path / "x", "limit", block=10)
    assert note.startswith("turned down by up to 4.1 dB")
    assert decode(tmp_path / "x").samples.shape == sound.shape


@pytest.mark.parametrize("seed", range(5))
def test_nothing_limited_exceeds_full_scale(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = (rng.standard_cauchy((RATE, 1)) * rng.uniform(0.01, 1)).astype(np.float32)
    assert np.abs(limited(sound, int(rng.integers(1, 5000)))).max() <= 1


def test_floats_on_the_grid_of_24_bits_lose_nothing_in_flac(tmp_path: Path) -> None:
    fine = np.random.default_rng(4).integers(-(2**23), 2**23, (RATE, 1)) / 2**23
    for sound in (song(fine.astype(np.float32)), song(fine, "f64")):
        assert written(sound, "flac", tmp_path / "x") == []
        np.testing.assert_array_equal(soundfile.read(tmp_path / "x", always_2d=True)[0], fine)


@pytest.mark.parametrize("depth", ["f32", "f64"])
def test_rounding_floats_for_flac_is_said_but_for_lossy_songs(depth: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(5).normal(0, 0.1, (RATE, 1))
    sound: Samples = noise.astype(np.float32) if depth == "f32" else noise
    assert written(song(sound, depth), "flac", tmp_path / "x") == ["rounded to 24 bits, as flac holds no floats"]
    assert written(song(sound, depth, lossy=True), "flac", tmp_path / "x") == []
    for format in ("wav", "mp3", "ogg"):
        assert written(song(sound, depth), format, tmp_path / "x") == []


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_flac_keeps_32_bits(channels: int, tmp_path: Path) -> None:
    values = np.random.default_rng(6).integers(-(2**31), 2**31, (RATE, channels))
    values[0], values[1] = -(2**31), 2**31 - 1
    deep = Song("deep", values / 2**31, RATE, "s32", "flac", layout=0x3F if channels == 6 else 0)
    assert written(deep, "flac", tmp_path / "x") == []
    with av.open(str(tmp_path / "x")) as container:
        assert container.streams.audio[0].duration == RATE
        blocks = [frame.to_ndarray().reshape(-1, channels) for frame in container.decode(audio=0)]
    np.testing.assert_array_equal(np.concatenate(blocks), values)
    written(deep, "flac", tmp_path / "y")
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_32_bits_that_need_only_24_are_written_so_that_every_player_reads_them(tmp_path: Path) -> None:
    values = np.random.default_rng(7).integers(-(2**23), 2**23, (RATE, 1)) / 2**23
    assert written(song(values, "s32"), "flac", tmp_path / "x") == []
    assert soundfile.info(tmp_path / "x").subtype == "PCM_24"
