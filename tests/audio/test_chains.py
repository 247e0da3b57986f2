"""Files of several streams or links: chained Ogg, joined FLAC, second streams, tags in front; and salvage."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.audio import ogg
from extrapcli.audio.decode import decode
from extrapcli.errors import UnreadableAudio
from tests.audio.by_ffmpeg import encode
from tests.audio.test_mpeg_files import BACK, LIKE_FRAMES, id3
from tests.audio.test_round_trip import bursts, write

RATE = 48000
STEREO, SLOW, MONO, OPUS = ("ogg", 2, RATE), ("ogg", 2, 22050), ("ogg", 1, RATE), ("opus", 2, RATE)


def made(folder: Path, format: str, channels: int = 2, rate: int = RATE, seconds: float = 2) -> bytes:
    path = folder / f"{channels}-{rate}.{format}"
    return write(path, bursts(round(seconds * rate), channels, rate), format, rate, "s16").read_bytes()


@pytest.mark.parametrize(
    ("one", "other"),
    [(STEREO, STEREO), (STEREO, SLOW), (SLOW, STEREO), (MONO, STEREO), (STEREO, MONO), (STEREO, OPUS)],
)
def test_chained_ogg_files_are_read_to_the_end(
    one: tuple[str, int, int], other: tuple[str, int, int], tmp_path: Path
) -> None:
    first, second = made(tmp_path, *one), made(tmp_path, *other)
    alone, song = decode(io.BytesIO(first)), decode(io.BytesIO(first + second))
    assert len(song.samples) == 4 * one[2]
    assert (song.sample_rate, song.channels) == (one[2], max(one[1], other[1]))
    n = len(alone.samples)
    np.testing.assert_array_equal(song.samples[:n], np.broadcast_to(alone.samples, (n, song.channels)))
    assert bool(song.notes) == (one[1:] != other[1:])


@pytest.mark.parametrize("format", ["flac", "ogg", "opus"])
def test_joined_files_are_the_sum_of_their_parts(format: str, tmp_path: Path) -> None:
    data = made(tmp_path, format)
    alone, song = decode(io.BytesIO(data)), decode(io.BytesIO(data + data + data))
    np.testing.assert_array_equal(song.samples, np.tile(alone.samples, (3, 1)))
    assert song.notes == []


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "m4a"])
@pytest.mark.parametrize("tag", [id3(LIKE_FRAMES, 3), id3(LIKE_FRAMES, 4) + bytes(3000)], ids=["tag", "padding"])
def test_an_id3_tag_may_stand_before_any_format(format: str, tag: bytes, tmp_path: Path) -> None:
    if format == "m4a" and tag.endswith(bytes(3000)):
        pytest.skip("an MP4 file begins with zeros itself")
    data = made(tmp_path, format)
    alone, song = decode(io.BytesIO(data)), decode(io.BytesIO(tag + data))
    np.testing.assert_array_equal(song.samples, alone.samples)
    assert (song.format, song.notes) == (format, [])


@pytest.mark.parametrize("tag", [name for name in BACK if name != "a tag that is cut off"])
@pytest.mark.parametrize("format", ["wav", "flac", "ogg"])
def test_anything_may_follow_a_file_that_says_where_it_ends(format: str, tag: str, tmp_path: Path) -> None:
    data = made(tmp_path, format)
    np.testing.assert_array_equal(decode(io.BytesIO(data + BACK[tag])).samples, decode(io.BytesIO(data)).samples)


def with_streams(default: int | None) -> bytes:
    """Two streams of sound, the second twice as high; `default` is the number of the one marked so."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams = [output.add_stream("pcm_s16le", rate=RATE) for _ in range(2)]
        for number, stream in enumerate(streams):
            assert isinstance(stream, av.AudioStream)
            stream.layout = "mono"
            stream.disposition = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
        for number, stream in enumerate(streams):
            assert isinstance(stream, av.AudioStream)
            frame = av.AudioFrame.from_ndarray(tone(number).reshape(1, -1), format="flt", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    return file.getvalue()


def tone(number: int) -> NDArray[np.float32]:
    return (0.3 * np.sin(2 * np.pi * 440 * (1 + number) * np.arange(2 * RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("default", [0, 1, None])
def test_the_default_stream_is_decoded_and_named(default: int | None) -> None:
    song = decode(io.BytesIO(with_streams(default)))
    number = default or 0
    np.testing.assert_allclose(song.samples[:, 0], tone(number), atol=2**-15)
    assert song.notes == [f"it has 2 streams of sound; number {number + 1} is used"]


@pytest.mark.parametrize("format", ["flac", "ogg", "opus", "m4a"])
def test_silence_stands_where_damage_was_and_the_rest_keeps_its_time(
    format: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    sound = (0.1 * rng.normal(size=(10 * RATE, 1))).astype(np.float32)
    raw = write(tmp_path / "x", sound, format, RATE, "s16").read_bytes()
    whole = decode(io.BytesIO(raw))
    damaged = raw[: len(raw) // 2] + rng.bytes(12_000) + raw[len(raw) // 2 + 12_000 :]
    with pytest.raises(
        UnreadableAudio, match=r"the sound between \d\.\d\d s and \d\.\d\d s, .* of 10\.00 s"
    ) as error:
        decode(io.BytesIO(damaged))
    assert error.value.hint == "salvage"
    song = decode(io.BytesIO(damaged), salvage=True)
    assert len(song.samples) == len(whole.samples)
    for part in (slice(0, 3 * RATE), slice(8 * RATE, None)):
        np.testing.assert_allclose(song.samples[part], whole.samples[part], atol=1e-5)
    assert "silence stands in its place" in song.notes[-1]


@pytest.mark.parametrize("format", ["ogg", "opus"])
def test_a_missing_page_is_known_by_its_number(format: str, tmp_path: Path) -> None:
    data = made(tmp_path, format, seconds=8)
    pages = [data[page.start : page.end] for page in ogg.pages(data)]
    gap = b"".join(pages[:5] + pages[6:])
    with pytest.raises(UnreadableAudio, match=r"the sound between .* is missing"):
        decode(io.BytesIO(gap))
    song = decode(io.BytesIO(gap), salvage=True)
    assert (song.seconds, len(song.notes)) == (8, 1)
    recorded = b"".join(pages[:2] + pages[4:])  # which begins somewhere in a stream, but with its head
    assert decode(io.BytesIO(recorded)).notes == []


def test_opus_of_long_packets_is_whole() -> None:
    sound = np.random.default_rng(0).standard_normal((2 * RATE, 6)).astype(np.float32) / 20
    file = io.BytesIO()
    encode(file, sound, RATE, "ogg", "libopus", layout="5.1", encoder={"b": "720000"})
    song = decode(file)
    assert (len(song.samples), song.notes) == (len(sound), [])


def test_an_intact_song_is_salvaged_without_a_word(tmp_path: Path) -> None:
    data = made(tmp_path, "ogg")
    song = decode(io.BytesIO(data), salvage=True)
    np.testing.assert_array_equal(song.samples, decode(io.BytesIO(data)).samples)
    assert song.notes == []
