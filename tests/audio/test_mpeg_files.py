"""MP3s as people have them: tags of every kind that hold what looks like frames, joined files, cut ones.

FFmpeg's own decoder, on the bare file without tags, is the witness for every sample.
"""

import io
import struct
from contextlib import suppress
from pathlib import Path

import av
import mutagen.id3
import numpy as np
import pytest
from mutagen.id3 import BitPaddedInt
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.mpeg import parse_header
from extrapcli.audio.mpeg_file import spans
from extrapcli.errors import UnreadableAudio
from tests.audio.test_round_trip import bursts, write

RATE, SECONDS = 44100, 3
LIKE_FRAMES = (bytes.fromhex("fffb9064") + bytes(413)) * 4
"""What a tag may hold: four whole frames of 128 kbit/s."""


def id3(content: bytes, version: int, *, footer: bool = False, flags: int = 0) -> bytes:
    head = bytes([version, 0, flags | (0x10 if footer else 0)]) + BitPaddedInt.to_str(len(content), width=4)
    return b"ID3" + head + content + (b"3DI" + head if footer else b"")


def ape(*, header: bool = True) -> bytes:
    item = struct.pack("<II", len(LIKE_FRAMES), 2) + b"Cover Art\0" + LIKE_FRAMES
    numbers = struct.pack("<III", 2000 if header else 1000, len(item) + 32, 1)
    flag = 1 << 31 if header else 0
    begin = b"APETAGEX" + numbers + struct.pack("<I", flag | 1 << 29) + bytes(8) if header else b""
    return begin + item + b"APETAGEX" + numbers + struct.pack("<I", flag) + bytes(8)


ID3V1 = b"TAG" + b"Tune".ljust(125, b"\0")
LYRICS = b"LYRICSBEGININD0000210LYR01668" + LIKE_FRAMES
LYRICS_1, LYRICS_2 = b"LYRICSBEGIN" + LIKE_FRAMES + b"LYRICSEND", LYRICS + b"%06dLYRICS200" % len(LYRICS)
FRONT = {
    "ID3v2.2": id3(LIKE_FRAMES, 2),
    "ID3v2.3": id3(LIKE_FRAMES, 3),
    "ID3v2.4": id3(LIKE_FRAMES, 4),
    "ID3v2.3 with an extended header": id3(b"\0\0\0\x06\0\0\0\0\0\0" + LIKE_FRAMES, 3, flags=0x40),
    "ID3v2.4 with a footer": id3(LIKE_FRAMES, 4, footer=True),
    "two ID3v2": id3(LIKE_FRAMES, 4) + id3(LIKE_FRAMES, 3),
    "ID3v2 and more padding than it declares": id3(LIKE_FRAMES, 3) + bytes(70_000),
    "APEv2": ape(),
    "ID3v2 and APEv2": id3(LIKE_FRAMES, 3) + ape(),
}
BACK = {
    "ID3v1": ID3V1,
    "enhanced ID3v1": b"TAG+" + LIKE_FRAMES[:223] + ID3V1,
    "APEv1": ape(header=False),
    "APEv2": ape(),
    "APEv2 and ID3v1": ape() + ID3V1,
    "APEv1 and ID3v1": ape(header=False) + ID3V1,
    "Lyrics3 v1": LYRICS_1 + ID3V1,
    "Lyrics3 v2": LYRICS_2 + ID3V1,
    "an appended ID3v2.4": id3(LIKE_FRAMES, 4, footer=True),
    "an appended ID3v2.3": id3(LIKE_FRAMES, 3),
    "a tag that is cut off": id3(LIKE_FRAMES, 3)[:600],
    "zeros": bytes(50_000),
    "junk": b"\x5a\xa5" * 1000,
}


def mp3(folder: Path, seconds: float = SECONDS, channels: int = 2, rate: int = RATE) -> bytes:
    return write(folder / "x", bursts(round(seconds * rate), channels, rate), "mp3", rate).read_bytes()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MP3 without tags, whose first frame has LAME's index."""
    return mp3(tmp_path_factory.mktemp("mp3"))


def without_index(data: bytes) -> bytes:
    first = parse_header(data)
    assert first
    return data[first.length :]


def by_ffmpeg(data: bytes) -> NDArray[np.float32]:
    frames = []
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux(audio=0):
            with suppress(av.InvalidDataError):  # a tag
                frames += [frame.to_ndarray() for frame in packet.decode()]
    return np.concatenate(frames, axis=1).T.astype(np.float32)


def borders(data: bytes) -> list[int]:
    return [span.end for span in spans(data, len(data)) if span.header]


@pytest.mark.parametrize("tag", FRONT)
def test_tags_before_the_frames_shift_nothing(tag: str, bare: bytes) -> None:
    song = decode(io.BytesIO(FRONT[tag] + bare))
    np.testing.assert_array_equal(song.samples, by_ffmpeg(bare))
    assert (len(song.samples), song.notes) == (SECONDS * RATE, [])


@pytest.mark.parametrize("tag", BACK)
def test_tags_and_junk_after_the_frames_change_nothing(tag: str, bare: bytes) -> None:
    song = decode(io.BytesIO(bare + BACK[tag]))
    np.testing.assert_array_equal(song.samples, by_ffmpeg(bare))
    assert song.notes == []


@pytest.mark.parametrize(("version", "encoding"), [(3, 1), (4, 1), (4, 3)])
def test_an_id3_tag_written_by_mutagen_shifts_nothing(
    version: int, encoding: int, bare: bytes, tmp_path: Path
) -> None:
    path, tags = tmp_path / "x.mp3", mutagen.id3.ID3()
    path.write_bytes(bare)
    for frame in (mutagen.id3.TIT2, mutagen.id3.TPE1, mutagen.id3.TALB):
        tags.add(frame(encoding=encoding, text="Tune"))
    tags.save(path, v2_version=version)
    song = decode(path)
    np.testing.assert_array_equal(song.samples, by_ffmpeg(bare))
    assert song.tags.text["title"] == ["Tune"]


@pytest.mark.parametrize(
    "tags", [b"", id3(LIKE_FRAMES, 3), ape(header=False) + ID3V1, LYRICS_2 + ID3V1 + FRONT["APEv2"]]
)
@pytest.mark.parametrize("has_index", [True, False])
def test_joined_files_are_decoded_to_the_end(tags: bytes, has_index: bool, bare: bytes, tmp_path: Path) -> None:
    other = mp3(tmp_path, 2)
    one, other = (bare, other) if has_index else (without_index(bare), without_index(other))
    song = decode(io.BytesIO(one + tags + other))
    between = id3(bytes(40), 3) if tags and has_index else b""  # without frames in it, which would mislead FFmpeg
    np.testing.assert_array_equal(song.samples, by_ffmpeg(one + between + other))
    assert song.notes == []


def test_a_joined_file_of_another_rate_is_resampled_to_the_first(bare: bytes, tmp_path: Path) -> None:
    song = decode(io.BytesIO(bare + id3(LIKE_FRAMES, 3) + mp3(tmp_path, 2, rate=22050)))
    assert song.sample_rate == RATE
    assert song.seconds == pytest.approx(SECONDS + 2, abs=0.1)
    n = (SECONDS - 1) * RATE
    np.testing.assert_array_equal(song.samples[:n], by_ffmpeg(bare)[:n])
    assert [note for note in song.notes if "22050 Hz, and was resampled to 44100 Hz" in note] == song.notes != []


def test_a_mono_beginning_is_heard_on_both_sides(bare: bytes, tmp_path: Path) -> None:
    mono = mp3(tmp_path, 2, channels=1)
    song = decode(io.BytesIO(mono + bare))
    expected = by_ffmpeg(mono)[:RATE]
    np.testing.assert_array_equal(song.samples[:RATE], np.repeat(expected, 2, axis=1))
    assert song.channels == 2
    assert "1 of 2 channels" in song.notes[0]


@pytest.mark.parametrize("junk", [b"\x5a\xa5" * 300, bytes(5000), b"\xff" * 3000, b"<html>not found</html>"])
def test_junk_between_frames_is_left_out_and_mentioned(junk: bytes, bare: bytes) -> None:
    data = without_index(bare)
    at = borders(data)[50]
    song = decode(io.BytesIO(data[:at] + junk + data[at:]))
    np.testing.assert_array_equal(song.samples, by_ffmpeg(data))
    assert [f"{len(junk)} bytes at" in note for note in song.notes] == [True]


@pytest.mark.parametrize("tag", ["", *FRONT])
@pytest.mark.parametrize("frame", [4, 40, -3, -2])
def test_a_file_cut_at_the_border_of_a_frame_is_refused_and_salvaged(tag: str, frame: int, bare: bytes) -> None:
    cut = bare[: borders(bare)[frame]]
    front = FRONT.get(tag, b"")
    with pytest.raises(
        UnreadableAudio, match=r"the sound between \d.\d\d s and the end, .* is missing; copy"
    ) as error:
        decode(io.BytesIO(front + cut))
    assert error.value.hint == "salvage"
    song = decode(io.BytesIO(front + cut), salvage=True)
    n = len(song.samples)
    np.testing.assert_array_equal(song.samples, by_ffmpeg(bare)[:n])
    assert "and the end" in song.notes[0]


def test_a_recorded_stream_begins_and_ends_within_frames(bare: bytes) -> None:
    data = without_index(bare)
    first, last = borders(data)[2], borders(data)[-2]
    whole_frames = by_ffmpeg(data[first + 40 : last])
    np.testing.assert_array_equal(decode(io.BytesIO(data[first + 40 : last + 40])).samples, whole_frames)
    with pytest.raises(UnreadableAudio, match="breaks off"):
        decode(io.BytesIO(data[: last + 40]))


def test_the_sentence_says_what_of_joined_files_is_missing(bare: bytes) -> None:
    cut = bare[: borders(bare)[57]]  # of 3.03 s, that is, 116 frames and the one with the index
    with pytest.raises(UnreadableAudio, match=r"between 1\.4\d s and 3\.0\d s, 1\.5\d s of 6\.0\d s, is missing"):
        decode(io.BytesIO(cut + id3(LIKE_FRAMES, 3) + bare))


def test_one_index_may_count_the_frames_of_all_joined_files(bare: bytes) -> None:
    joined = bytearray(bare + bare)
    index = joined.index(b"Xing")
    (frames,) = struct.unpack_from(">I", joined, index + 8)
    struct.pack_into(">II", joined, index + 8, 2 * frames + 1, len(joined))
    assert decode(io.BytesIO(joined)).seconds == pytest.approx(2 * SECONDS, abs=0.1)


def test_an_encoder_may_count_the_frame_of_the_index(bare: bytes) -> None:
    data = bytearray(bare)
    index = data.index(b"Xing")
    (frames,) = struct.unpack_from(">I", data, index + 8)
    struct.pack_into(">I", data, index + 8, frames + 1)
    assert decode(io.BytesIO(data)).seconds == pytest.approx(SECONDS, abs=0.1)


def test_an_index_may_declare_nothing_but_bytes(bare: bytes) -> None:
    end = borders(bare)[0]
    data = bare[: bare.index(b"Xing")] + b"Xing" + struct.pack(">II", 2, len(bare))
    data = data.ljust(end, b"\0") + bare[end:]
    np.testing.assert_array_equal(decode(io.BytesIO(data)).samples, by_ffmpeg(data))
    with pytest.raises(UnreadableAudio, match="is missing"):
        decode(io.BytesIO(data[: borders(data)[50]]))


def test_a_vbri_index_declares_its_frames(bare: bytes) -> None:
    end = borders(bare)[0]
    (frames,) = struct.unpack_from(">I", bare, bare.index(b"Xing") + 8)
    vbri = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0x1000, 75, len(bare), frames, 0, 1, 1, 1)
    data = bare[:4] + bytes(32) + vbri.ljust(end - 36, b"\0") + bare[end:]
    np.testing.assert_array_equal(decode(io.BytesIO(data)).samples, by_ffmpeg(data))
    with pytest.raises(UnreadableAudio, match="is missing"):
        decode(io.BytesIO(data[: borders(data)[50]]))


def test_what_follows_damage_is_salvaged(bare: bytes, rng: np.random.Generator) -> None:
    edges = borders(bare)
    data = bare[: edges[50]] + rng.bytes(edges[60] - edges[50]) + bare[edges[60] :]
    with pytest.raises(UnreadableAudio, match=r"between 1\.31 s and 1\.57 s, 0\.26 s of 3\.0\d s, is missing"):
        decode(io.BytesIO(data))
    song = decode(io.BytesIO(data), salvage=True)
    assert song.seconds == pytest.approx(SECONDS - 10 * 1152 / RATE, abs=0.1)


def test_a_free_format_mp3_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="free-format"):
        decode(io.BytesIO(id3(b"", 3) + (bytes.fromhex("fffb0064") + bytes(996)) * 20))
