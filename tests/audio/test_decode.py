"""Decoding files written by FFmpeg, and refusing files that are cut off, damaged or no audio at all."""

import io
import struct
from pathlib import Path

import mutagen.mp4
import numpy as np
import pytest
import soundfile

from extrapcli.audio import ogg
from extrapcli.audio.decode import decode
from extrapcli.errors import UnreadableAudio
from tests.audio.by_ffmpeg import encode
from tests.audio.test_round_trip import bursts, lag, write
from tests.conftest import SONG, chord


def with_ffmpeg(path: Path, container: str, codec: str, rate: int = 44100, channels: int = 2) -> None:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    bit_rate = {} if codec.startswith("pcm") else {"b": "128000"}
    encode(str(path), bursts(3 * rate, channels, rate), rate, container, codec, layout=layout, encoder=bit_rate)


@pytest.mark.parametrize(
    ("container", "codec", "depth"),
    [
        ("ipod", "aac", "f32"),
        ("adts", "aac", "f32"),
        ("asf", "wmav2", "f32"),
        ("matroska", "aac", "f32"),
        ("matroska", "pcm_s24le", "s24"),
        ("mp4", "aac", "f32"),
        ("mov", "pcm_s16le", "s16"),
        ("ipod", "alac", "s24"),
        ("webm", "libopus", "f32"),
        ("ac3", "ac3", "f32"),
        ("mp2", "mp2", "f32"),
        ("aiff", "pcm_s16be", "s16"),
        ("au", "pcm_s16be", "s16"),
    ],
)
def test_files_written_by_ffmpeg_are_read(container: str, codec: str, depth: str, tmp_path: Path) -> None:
    rate = 48000 if codec == "libopus" else 44100
    with_ffmpeg(tmp_path / "song.bin", container, codec, rate)
    song = decode(tmp_path / "song.bin")
    sound = bursts(3 * rate, 2, rate)
    assert (song.sample_rate, song.channels, song.depth) == (rate, 2, depth)
    assert abs(len(song.samples) - len(sound)) <= 4096
    n = min(len(song.samples), len(sound))
    assert abs(lag(sound[:n, 0], song.samples[:n, 0])) <= (0 if container in ("ipod", "mp4", "mov") else 2048)


def test_a_stream_is_read_like_the_file_it_comes_from(tmp_path: Path) -> None:
    song = decode(SONG)
    streamed = decode(io.BytesIO(SONG.read_bytes()), name="pipe")
    np.testing.assert_array_equal(song.samples, streamed.samples)
    assert streamed.name == "pipe"
    assert streamed.tags == song.tags


def test_the_content_counts_not_the_suffix(tmp_path: Path) -> None:
    disguised = tmp_path / "song.wav"
    disguised.write_bytes(SONG.read_bytes())
    assert decode(disguised).format == "mp3"


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_with_a_placeholder_length_is_read_whole(size: int, tmp_path: Path) -> None:
    sound = bursts(8000, 1, 8000)
    path = write(tmp_path / "x.wav", sound, "wav", 8000, "s16")
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    raw[at : at + 4] = struct.pack("<I", size)
    raw[4:8] = struct.pack("<I", size)
    path.write_bytes(raw)
    assert len(decode(path).samples) == 8000


@pytest.mark.slow
@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_song_that_is_cut_off_is_refused(format: str, share: float, tmp_path: Path) -> None:
    path = write(tmp_path / f"song.{format}", bursts(5 * 48000, 2, 48000), format, 48000, "s16")
    whole = path.read_bytes()
    assert len(decode(path).samples) == 5 * 48000
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableAudio, match=f"song.{format}"):
        decode(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 10_000, b"text " * 5000, b"ID3\x04" + b"\0" * 5000, b"RIFF"])
def test_files_that_are_not_audio_are_refused_in_one_sentence(
    content: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(UnreadableAudio, match=r"song\.mp3"):
        decode(path)
    assert capfd.readouterr() == ("", "")


def test_random_bytes_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    for start in (b"", b"RIFF\x00\x10\x00\x00WAVEfmt ", b"fLaC", b"OggS", b"\xff\xfb\x90\x64", b"ID3"):
        (tmp_path / "x").write_bytes(start + rng.bytes(20_000))
        with pytest.raises(UnreadableAudio):
            decode(tmp_path / "x")


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite"), (None, "silent")]
)
def test_values_that_cannot_be_continued(value: float | None, message: str, tmp_path: Path) -> None:
    sound = chord(1, 8000, 2) if value is not None else np.full((8000, 2), 1e-6)
    if value is not None:
        sound[500, 1] = value
    soundfile.write(tmp_path / "x.wav", sound, 8000, subtype="FLOAT")
    with pytest.raises(UnreadableAudio, match=message):
        decode(tmp_path / "x.wav")


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="folder"):
        decode(tmp_path)
    with pytest.raises(UnreadableAudio, match="no such file"):
        decode(tmp_path / "gone.wav")


@pytest.mark.parametrize("tail", [b"TAG" + b"x" * 125, bytes(3000), b"\x5a\xa5" * 1500])
def test_an_mp3_may_have_junk_after_its_last_frame(
    tail: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "x.mp3", bursts(3 * 44100, 2, 44100), "mp3", 44100)
    before = decode(path).samples
    path.write_bytes(path.read_bytes() + tail)
    np.testing.assert_array_equal(decode(path).samples, before)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("rate", [22050, 44100])
@pytest.mark.parametrize("priming", [1024, 2112])
def test_an_m4a_with_its_priming_in_an_itunes_tag_is_whole(rate: int, priming: int, tmp_path: Path) -> None:
    path = write(tmp_path / "x.m4a", bursts(3 * rate, 2, rate), "m4a", rate)
    path.write_bytes(path.read_bytes().replace(b"edts", b"free"))
    file = mutagen.mp4.MP4(path)
    file["----:com.apple.iTunes:iTunSMPB"] = [f" 00000000 {priming:08X} 00000269 {3 * rate:016X}".encode()]
    file.save()
    assert len(decode(path).samples) >= 3 * rate - priming


def test_ogg_checksums_tell_intact_files_from_damaged_ones(tmp_path: Path) -> None:
    raw = write(tmp_path / "x", bursts(48000, 2, 48000), "opus", 48000).read_bytes()
    for intact in (raw, raw + b"junk"):
        assert [link.is_intact for link in ogg.links(intact)] == [True]
    for damaged in (raw[:-1], raw[:3000] + bytes([raw[3000] ^ 1]) + raw[3001:]):
        assert [link.is_intact for link in ogg.links(damaged)] == [False]


@pytest.mark.parametrize("format", ["ogg", "opus", "flac"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_damage_inside_a_song_is_refused(format: str, share: float, rng: np.random.Generator, tmp_path: Path) -> None:
    sound = (0.1 * rng.normal(size=(10 * 48000, 1))).astype(np.float32)
    path = write(tmp_path / "x", sound, format, 48000, "s16")
    raw = path.read_bytes()
    at = int(share * len(raw))
    path.write_bytes(raw[:at] + rng.bytes(12_000) + raw[at + 12_000 :])
    with pytest.raises(UnreadableAudio, match="cut off or damaged"):
        decode(path)
