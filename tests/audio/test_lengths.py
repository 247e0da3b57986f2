"""Lengths that files leave open are no damage; lengths that they declare and don't hold are."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.probe import declared_seconds
from extrapcli.errors import UnreadableAudio
from tests.audio.by_ffmpeg import encode
from tests.audio.test_mpeg_files import LIKE_FRAMES, id3, mp3, without_index
from tests.audio.test_round_trip import bursts, write

W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
RATE = 44100
SOUND = bursts(2 * RATE, 2, RATE)
PCM = np.rint(SOUND * 32767).astype(np.int16)
EXACT = PCM / np.float32(32768)


class Pipe(io.RawIOBase):
    """A stream that can't go back, as programs write to that are piped into others."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def piped(container: str, codec: str, options: dict[str, str] | None = None, rate: int = RATE) -> bytes:
    pipe = Pipe()
    writer = type("Writer", (), {"write": pipe.write})()
    encode(writer, SOUND, rate, container, codec, muxer=options)
    return pipe.data


def encoded(container: str, codec: str) -> bytes:
    file = io.BytesIO()
    encode(file, SOUND, RATE, container, codec)
    return file.getvalue()


def made(format: str) -> bytearray:
    file = io.BytesIO()
    soundfile.write(file, PCM, RATE, format=format)
    return bytearray(file.getvalue())


def with_size(data: bytearray, name: bytes, value: bytes) -> bytes:
    at = data.index(name) + len(name)
    data[at : at + len(value)] = value
    return bytes(data)


def flac(total: int) -> bytes:
    """A FLAC file that declares a total of samples in the lower 36 bits of its bytes 18 to 25; 0 is unknown."""
    data = made("FLAC")
    numbers = int.from_bytes(data[18:26], "big") >> 36 << 36 | total
    data[18:26] = numbers.to_bytes(8, "big")
    return bytes(data)


def rf64(magic: bytes, data_bytes: int) -> bytes:
    wav = made("WAV")
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, data_bytes, 0, 0)
    wav = bytearray(magic + b"\xff" * 4 + b"WAVE" + ds64 + wav[12:])
    return with_size(wav, b"data", b"\xff" * 4)


OPEN: dict[str, Callable[[], bytes]] = {
    "FLAC": lambda: flac(0),
    "AU 0": lambda: with_size(made("AU"), struct.pack(">4sI", b".snd", 24), bytes(4)),
    "AU -1": lambda: with_size(made("AU"), struct.pack(">4sI", b".snd", 24), b"\xff" * 4),
    "CAF -1": lambda: with_size(made("CAF"), b"data", b"\xff" * 8),
    "AIFF 0": lambda: with_size(made("AIFF"), b"SSND", bytes(4)),
    "AIFF of 2 GB": lambda: with_size(
        bytearray(with_size(made("AIFF"), b"SSND", b"\x7f\0\0\x08")), b"COMM\0\0\0\x12\0\x02", b"\x1f\xc0\0\0"
    ),
    "WAV 0": lambda: with_size(made("WAV"), b"data", bytes(4)),
    "WAV -1": lambda: with_size(made("WAV"), b"data", b"\xff" * 4),
    "WAV of 2 GB less its head": lambda: with_size(made("WAV"), b"data", b"\xdb\xff\xff\x7f"),
    "RF64 0": lambda: rf64(b"RF64", 0),
    "RF64 -1": lambda: rf64(b"RF64", 2**64 - 1),
    "RF64 of the largest number": lambda: rf64(b"RF64", 2**63 - 1),
    "BW64 0": lambda: rf64(b"BW64", 0),
    "W64 -1": lambda: with_size(
        bytearray(with_size(made("W64"), W64_RIFF, b"\xff" * 8)), W64_DATA, b"\xff" * 7 + b"\x7f"
    ),
}


@pytest.mark.parametrize("kind", OPEN)
def test_a_length_left_open_is_no_promise(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(OPEN[kind]())
    song = decode(path)
    np.testing.assert_array_equal(song.samples, EXACT)
    assert song.notes == []
    assert declared_seconds(path) in (0, len(SOUND) / RATE)


@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("matroska", "aac", {}),
        ("webm", "libopus", {}),
        ("mpegts", "mp2", {}),
        ("adts", "aac", {}),
        ("ac3", "ac3", {}),
        ("wv", "wavpack", {}),
        ("avi", "mp2", {}),
        ("flac", "flac", {}),
        ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        ("mp4", "aac", {"movflags": "frag_keyframe+delay_moov"}),
    ],
)
def test_what_is_written_to_a_pipe_is_read_whole(
    container: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    rate = 48000 if codec == "libopus" else RATE
    path = tmp_path / "x"
    path.write_bytes(piped(container, codec, options, rate))
    song = decode(path)
    assert abs(len(song.samples) - len(SOUND)) < 4096
    assert song.notes == []
    assert declared_seconds(path) < 2 * song.seconds


@pytest.mark.parametrize(("codec", "depth"), [("pcm_f32le", "f32"), ("pcm_f64le", "f64"), ("pcm_s24le", "s24")])
def test_a_w64_of_ffmpeg_keeps_its_values(codec: str, depth: str) -> None:
    song = decode(io.BytesIO(piped("w64", codec)))
    assert (song.depth, song.notes) == (depth, [])
    np.testing.assert_allclose(song.samples, SOUND, rtol=0, atol=2**-23)


def test_mpeg_audio_in_a_wav_is_read_whole(tmp_path: Path) -> None:
    bare = without_index(mp3(tmp_path))
    format = struct.pack("<HHIIHHHHIHHH", 0x55, 2, RATE, 16000, 1, 0, 12, 1, 2, 417, 1, 1393)
    fact = b"fact" + struct.pack("<II", 4, 1)  # too few
    body = b"WAVEfmt " + struct.pack("<I", len(format)) + format + fact + b"data" + struct.pack("<I", len(bare))
    wav = b"RIFF" + struct.pack("<I", len(body) + len(bare)) + body + bare
    song = decode(io.BytesIO(wav))
    np.testing.assert_array_equal(song.samples, decode(io.BytesIO(bare)).samples)
    with pytest.raises(UnreadableAudio, match="breaks off at"):
        decode(io.BytesIO(wav[: len(wav) // 2]))
    rmp = b"RIFF" + struct.pack("<I", len(bare) + 12) + b"RMP3data" + struct.pack("<I", len(bare)) + bare
    np.testing.assert_array_equal(decode(io.BytesIO(rmp)).samples, song.samples)


def test_a_wav_of_three_gigabytes_may_be_cut_off_too() -> None:
    cut = with_size(made("WAV"), b"data", struct.pack("<I", 3 * 10**9))
    with pytest.raises(UnreadableAudio, match=r"between 2\.00 s and the end, .* of 17006\.80 s, is missing"):
        decode(io.BytesIO(cut))


TRUNCATED: dict[str, Callable[[], bytes]] = {
    "AU": lambda: bytes(made("AU")),
    "CAF": lambda: bytes(made("CAF")),
    "W64": lambda: bytes(made("W64")),
    "AIFF": lambda: bytes(made("AIFF")),
    "WAV": lambda: bytes(made("WAV")),
    "WAV behind a tag": lambda: id3(LIKE_FRAMES, 3) + bytes(made("WAV")),
    "RF64": lambda: rf64(b"RF64", 4 * len(SOUND)),
    "BW64": lambda: rf64(b"BW64", 4 * len(SOUND)),
    "FLAC": lambda: bytes(made("FLAC")),
}


@pytest.mark.parametrize("kind", TRUNCATED)
def test_a_declared_length_is_a_promise(kind: str) -> None:
    whole = TRUNCATED[kind]()
    np.testing.assert_array_equal(decode(io.BytesIO(whole)).samples, EXACT)
    cut = whole[: len(whole) // 2]
    with pytest.raises(UnreadableAudio, match=r"between \d\.\d\d s and the end, \d\.\d\d s of 2\.00 s, is missing"):
        decode(io.BytesIO(cut))
    song = decode(io.BytesIO(cut), salvage=True)
    np.testing.assert_array_equal(song.samples, EXACT[: len(song.samples)])
    assert 0.8 < song.seconds < 1.2
    assert len(song.notes) == 1


@pytest.mark.parametrize(
    ("container", "codec"), [("matroska", "aac"), ("avi", "mp2"), ("wv", "wavpack"), ("tta", "tta")]
)
def test_containers_that_declare_their_size_are_known_to_be_cut(container: str, codec: str) -> None:
    whole = encoded(container, codec)
    assert decode(io.BytesIO(whole)).notes == []
    with pytest.raises(UnreadableAudio, match=r"(breaks off at|and the end)"):
        decode(io.BytesIO(whole[: 3 * len(whole) // 4]))


def test_a_file_of_which_nothing_is_left_to_decode_is_known_to_be_cut() -> None:
    whole = encoded("caf", "alac")  # whose table of packets is at its end
    assert decode(io.BytesIO(whole)).notes == []
    for salvage in (False, True):
        with pytest.raises(UnreadableAudio, match=r"cut off or damaged: \d+ bytes that it declares are missing"):
            decode(io.BytesIO(whole[: len(whole) // 2]), salvage=salvage)


def test_an_encrypted_song_is_named(rng: np.random.Generator) -> None:
    data = encoded("mp4", "aac").replace(b"mp4a", b"drms")
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    with pytest.raises(UnreadableAudio, match="encrypted by the shop that sold it"):
        decode(io.BytesIO(data[:begin] + rng.bytes(end - begin) + data[end:]))


def test_an_mp4_without_its_index_is_named(tmp_path: Path) -> None:
    whole = write(tmp_path / "x.m4a", SOUND, "m4a", RATE).read_bytes()
    with pytest.raises(UnreadableAudio, match="index that an MP4 needs"):
        decode(io.BytesIO(whole[: whole.index(b"moov") - 4]))
