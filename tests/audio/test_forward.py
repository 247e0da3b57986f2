"""Tracks that are encoded into a pipe: they are those of finished files, sound as early, and never look back."""

import errno
import io
import os
import threading
import tracemalloc
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import av
import mutagen.flac
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio import encode
from extrapcli.audio.channels import COMMON
from extrapcli.audio.clipping import Clip
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import CHUNK_SAMPLES, MAX_WAV_BYTES, TrackWriter, open_track
from extrapcli.audio.formats import unsupported
from extrapcli.audio.forward import STREAMED, stream_track
from extrapcli.audio.mpeg import parse_header, read_index
from extrapcli.audio.song import Picture, Samples, Song, Tags
from extrapcli.audio.tags import write_tags
from tests.audio.test_round_trip import noise
from tests.audio.test_tags import TAGS

RATE, N = 48000, 60_001
LAME_DELAY = 576 + 529  # samples before the sound, of the encoder and the decoder, which only a Xing frame tells
SAME_BYTES = ("wav", "ogg", "opus")
FIRST_SOUND_SECONDS = {"wav": 0.01, "flac": 0.1, "mp3": 0.1, "ogg": CHUNK_SAMPLES / RATE, "opus": 1.02}
"""When the sink has sound. Vorbis fills pages of 4 KB, and Opus pages of one second."""


class Pipe(io.RawIOBase):
    """A sink that can't seek. What isn't flushed yet lies in `waiting`. After `limit` bytes it raises the error."""

    def __init__(self, limit: float = float("inf"), error: BaseException | None = None) -> None:
        self.sent, self.waiting, self.limit, self.error, self.refused = b"", b"", limit, error, False

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if len(self.sent) + len(self.waiting) + len(data) > self.limit:
            self.refused = True
            assert self.error
            raise self.error
        self.waiting += data
        return len(data)

    def flush(self) -> None:
        self.sent, self.waiting = self.sent + self.waiting, b""


class Drain(Pipe):
    """A sink that keeps nothing."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return len(data)


def made(sound: Samples, depth: str = "s16", layout: int = 0) -> Song:
    return Song("noise", sound, RATE, depth, None, layout=layout)


def opened(
    sink: Pipe | io.BufferedWriter,
    song: Song,
    tags: Tags,
    *,
    format: str,
    expected_samples: int | None,
    clip: Clip = "clamp",
) -> AbstractContextManager[TrackWriter]:
    return stream_track(cast(BinaryIO, sink), song, tags, format=format, expected_samples=expected_samples, clip=clip)


def write_all(track: TrackWriter, sound: Samples, pipe: Pipe | None = None) -> None:
    for block in blocks(sound):
        track.write(block)
        assert not (pipe and pipe.refused)


def blocks(sound: Samples, size: int = 4001) -> Iterable[Samples]:
    return (sound[start : start + size] for start in range(0, len(sound), size))


def streamed(
    song: Song, format: str, tags: Tags = TAGS, *, endless: bool = False, clip: Clip = "clamp"
) -> tuple[bytes, list[str]]:
    pipe, samples = Pipe(), None if endless else len(song.samples)
    with opened(pipe, song, tags, format=format, expected_samples=samples, clip=clip) as track:
        for block in blocks(song.samples):
            track.write(block)
            assert not pipe.waiting
    assert not pipe.waiting
    return pipe.sent, track.notes


def finished(song: Song, format: str, path: Path, tags: Tags = TAGS, clip: Clip = "clamp") -> tuple[bytes, list[str]]:
    with open_track(path, song, format=format, expected_samples=len(song.samples), clip=clip) as track:
        write_all(track, song.samples)
    notes = track.notes + write_tags(path, format, tags)
    return path.read_bytes(), notes


def without_peak(wav: bytes) -> bytes:
    start = wav.find(b"PEAK")
    if start < 0:
        return wav
    end = start + 8 + int.from_bytes(wav[start + 4 : start + 8], "little")
    riff_bytes = int.from_bytes(wav[4:8], "little") - (end - start)
    return wav[:4] + riff_bytes.to_bytes(4, "little") + wav[8:start] + wav[end:]


def by_ffmpeg(data: bytes) -> NDArray[np.generic]:
    """All samples that FFmpeg decodes, as it has them: planes or packed."""
    frames: list[NDArray[np.generic]] = []
    with av.open(io.BytesIO(data), "r") as container, suppress(av.InvalidDataError, av.EOFError):
        for packet in container.demux(audio=0):
            with suppress(av.InvalidDataError):  # where the data is cut off
                frames += [frame.to_ndarray() for frame in packet.decode()]
    return np.concatenate(frames, axis=1)


CASES = [
    (format, depth, channels)
    for format in STREAMED
    for depth in ("u8", "s16", "s24", "s32", "f32", "f64")
    for channels in (1, 2, 6)
    if unsupported(format, RATE, channels) is None
]


@pytest.mark.parametrize(("format", "depth", "channels"), CASES)
def test_a_stream_is_the_finished_file(
    format: str, depth: str, channels: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    sound = noise(rng, N, channels, depth)
    song = made(sound, depth, layout=0x60F if channels == 6 else 0)  # a mask that is not the default
    (stream, notes), (file, file_notes) = streamed(song, format), finished(song, format, tmp_path / "x")
    if format in SAME_BYTES:
        assert stream == without_peak(file)
    else:
        assert len(stream) == len(file)
    np.testing.assert_array_equal(by_ffmpeg(stream), by_ffmpeg(file))
    ours, theirs = decode(io.BytesIO(stream)), decode(tmp_path / "x")
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    assert ours.samples.shape == sound.shape
    assert (ours.tags, ours.layout, ours.depth, ours.notes) == (TAGS, theirs.layout, theirs.depth, [])
    assert sorted(notes) == sorted(file_notes)


@pytest.mark.parametrize("format", STREAMED)
def test_a_stream_without_tags_is_the_finished_file(format: str, rng: np.random.Generator, tmp_path: Path) -> None:
    song = made(noise(rng, N, 1, "u8"), "u8")
    (stream, _), (file, _) = streamed(song, format, Tags()), finished(song, format, tmp_path / "x", Tags())
    assert stream == file if format in SAME_BYTES else len(stream) == len(file)
    np.testing.assert_array_equal(by_ffmpeg(stream), by_ffmpeg(file))


@pytest.mark.parametrize("format", SAME_BYTES)
def test_large_covers_and_text_outside_the_song(format: str, rng: np.random.Generator, tmp_path: Path) -> None:
    cover = b"\x89PNG\r\n\x1a\n" + rng.bytes(300_000)
    tags = Tags({"title": ["x" * 70_000]}, [Picture(cover, "image/png"), Picture(cover[:999], "image/png", 4)])
    song = made(noise(rng, N, 2, "s16"))
    assert streamed(song, format, tags)[0] == finished(song, format, tmp_path / "x", tags)[0]


@pytest.mark.parametrize("format", STREAMED)
@pytest.mark.parametrize("clip", ["limit", "rescale"])
def test_levels_are_those_of_a_file(format: str, clip: Clip, rng: np.random.Generator, tmp_path: Path) -> None:
    song = made(noise(rng, N, 1, "f32"), "f32")
    (stream, notes), (file, file_notes) = (
        streamed(song, format, clip=clip),
        finished(song, format, tmp_path / "x", clip=clip),
    )
    np.testing.assert_array_equal(by_ffmpeg(stream), by_ffmpeg(file))
    assert sorted(notes) == sorted(file_notes)


@pytest.mark.parametrize("samples", [1, 575, 576, 577, 1152, 4096, 44_101])
@pytest.mark.parametrize("format", STREAMED)
def test_decoders_find_the_exact_length(format: str, samples: int, rng: np.random.Generator) -> None:
    stream, _ = streamed(made(noise(rng, N, 1, "s16")[:samples] / 2), format)
    assert len(decode(io.BytesIO(stream)).samples) == samples
    if format != "ogg":  # of which FFmpeg decodes a few samples more
        assert by_ffmpeg(stream).shape[1] == samples


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_of_every_version_has_the_exact_length(
    rate: int, channels: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    song = replace(made(noise(rng, 3 * rate + 17, channels, "s16")), sample_rate=rate)
    (stream, _), (file, _) = streamed(song, "mp3"), finished(song, "mp3", tmp_path / "x")
    np.testing.assert_array_equal(by_ffmpeg(stream), by_ffmpeg(file))
    assert decode(io.BytesIO(stream)).samples.shape == song.samples.shape


def test_flac_says_how_many_samples_will_follow(rng: np.random.Generator) -> None:
    song = made(noise(rng, N, 6, "s24"), "s24", layout=0x60F)
    for endless in (False, True):
        flac = mutagen.flac.FLAC(io.BytesIO(streamed(song, "flac", endless=endless)[0]))
        assert (flac.info.total_samples, flac.info.sample_rate) == (0 if endless else N, RATE)
        assert (flac.info.channels, flac.info.bits_per_sample, flac.info.md5_signature) == (6, 24, 0)
        assert flac["WAVEFORMATEXTENSIBLE_CHANNEL_MASK"] == ["0x060F"]
        assert [picture.data for picture in flac.pictures] == [TAGS.pictures[0].data]


def test_mp3_says_how_many_frames_will_follow(rng: np.random.Generator) -> None:
    stream, _ = streamed(made(noise(rng, N, 2, "s16")), "mp3", Tags())
    header = parse_header(stream)
    assert header
    index = read_index(stream, 0, header)
    frames, position = -1, 0
    while frame := parse_header(stream, position):
        frames, position = frames + 1, position + frame.length
    assert index == (frames, 0)
    assert position == len(stream)


def test_wav_beyond_four_gigabytes_is_rf64(
    rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "MAX_WAV_BYTES", 1000)
    for depth in ("u8", "f32"):
        song = made(noise(rng, N, 1, depth), depth)
        (stream, notes), (file, file_notes) = streamed(song, "wav"), finished(song, "wav", tmp_path / "x")
        assert stream == file
        assert stream.startswith(b"RF64")
        assert notes == file_notes != []


def test_wav_declares_more_than_four_gigabytes() -> None:
    samples, pipe = 2**31 + 1, Pipe()
    with ExitStack() as stack:
        song = made(np.zeros((10, 2), np.float32), "s24")
        stack.enter_context(opened(pipe, song, Tags(), format="wav", expected_samples=samples))
        assert pipe.sent.startswith(b"RF64")
        assert soundfile.info(io.BytesIO(pipe.sent)).frames in (
            samples,
            0,
        )  # for libsndfile clips it to what is there
        assert pipe.sent[20:44] == np.array([len(pipe.sent) - 8 + 6 * samples, 6 * samples, samples], "<u8").tobytes()


def test_a_wav_that_is_almost_too_long_leaves_out_its_large_cover() -> None:
    tags = Tags({"title": ["kept"]}, [Picture(b"\x89PNG\r\n\x1a\n" + bytes(100_000), "image/png")])
    with opened(
        Pipe(),
        made(np.zeros((10, 1), np.float32)),
        tags,
        format="wav",
        expected_samples=MAX_WAV_BYTES // 2,
    ) as track:
        assert ["left out" in note for note in track.notes] == [True]


@pytest.mark.parametrize("format", STREAMED)
def test_the_header_comes_before_any_sound(format: str) -> None:
    pipe = Pipe()
    with opened(
        pipe,
        made(np.zeros((N, 1), np.float32)),
        TAGS,
        format=format,
        expected_samples=N,
    ) as track:
        assert pipe.sent[:4] in (b"RIFF", b"fLaC", b"OggS", b"ID3\4")
        assert ("Größe 愛".encode() in pipe.sent) == (format != "wav")
        track.write(np.zeros((N, 1), np.float32))


@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("depth", ["s16", "s32"])
@pytest.mark.parametrize("format", STREAMED)
def test_the_first_sound_comes_early(format: str, depth: str, endless: bool, rng: np.random.Generator) -> None:
    sound, pipe = noise(rng, round(1.1 * RATE), 2, "f32") * np.float32(0.1), Pipe()
    samples = None if endless else 100 * RATE
    with opened(pipe, made(sound, depth), TAGS, format=format, expected_samples=samples) as track:
        header_bytes = len(pipe.sent)
        track.write(sound[: round(FIRST_SOUND_SECONDS[format] * RATE)])
        assert len(pipe.sent) > header_bytes
        track.write(sound[round(FIRST_SOUND_SECONDS[format] * RATE) :])
        assert by_ffmpeg(pipe.sent).shape[1] > 0


@pytest.mark.parametrize("format", STREAMED)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_stream_without_end_can_be_cut_off_anywhere(
    format: str, channels: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    sound = noise(rng, 3 * N, channels, "s16") * np.float32(0.5)
    song = made(sound)
    whole = by_ffmpeg(finished(song, format, tmp_path / "x")[0])
    stream, _ = streamed(song, format, endless=True)
    begin = LAME_DELAY * (format == "mp3")
    packed = channels if whole.shape[0] == 1 else 1
    for cut in sorted(rng.integers(len(stream) // 2, len(stream), 8)):
        heard = by_ffmpeg(stream[:cut])[:, begin * packed :]
        assert heard.shape[1] > whole.shape[1] * (cut / len(stream) - 0.5)
        settled = min(heard.shape[1], whole.shape[1]) - 4096 * packed  # the last frame may be cut off or concealed
        np.testing.assert_array_equal(heard[:, :settled], whole[:, :settled])
        assert len(decode(io.BytesIO(stream[:cut]), salvage=True).samples) > 0


@pytest.mark.parametrize(("depth", "layout"), [("u8", 0), ("s16", COMMON[6]), ("f32", 0), ("f64", 0x60F)])
def test_a_wav_without_end_declares_no_length(depth: str, layout: int, rng: np.random.Generator) -> None:
    sound = noise(rng, N, 6 if layout else 1, depth)
    stream, notes = streamed(made(sound, depth, layout), "wav", endless=True)
    start = stream.index(b"data")
    assert (stream[:8], stream[start + 4 : start + 8]) == (b"RIFF" + b"\xff" * 4, b"\xff" * 4)
    assert b"PEAK" not in stream[:start]
    assert b"fact" not in stream[:start]
    assert ["tags were left out" in note for note in notes][:1] == [True]
    song = decode(io.BytesIO(stream))
    np.testing.assert_array_equal(song.samples, sound)
    assert (song.depth, song.layout, song.notes) == (depth, layout, [])


def test_a_wav_without_end_or_tags_says_nothing_of_tags(rng: np.random.Generator) -> None:
    assert streamed(made(noise(rng, N, 1, "s16")), "wav", Tags(), endless=True)[1] == []


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "gone"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("more", [0, 1, 60_000])
@pytest.mark.parametrize(("format", "depth"), [*((format, "s16") for format in STREAMED), ("flac", "s32")])
def test_errors_of_the_sink_come_out_at_once_as_themselves(
    format: str,
    depth: str,
    more: int,
    error: BaseException,
    rng: np.random.Generator,
    capfd: pytest.CaptureFixture[str],
) -> None:
    sound = noise(rng, 10 * N, 2, depth)
    pipe = Pipe(3000 + more, error)
    with (
        pytest.raises(type(error)) as raised,
        opened(pipe, made(sound, depth), TAGS, format=format, expected_samples=len(sound)) as track,
    ):
        write_all(track, sound, pipe)
    assert raised.value is error
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("format", STREAMED)
def test_a_reader_that_goes_away_is_a_broken_pipe(
    format: str, rng: np.random.Generator, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = noise(rng, 10 * N, 2, "s16")
    reader, writer = os.pipe()

    def read_some() -> None:
        with open(reader, "rb", buffering=0) as source:  # noqa: PTH123
            source.read(10_000)

    thread = threading.Thread(target=read_some)
    thread.start()
    sink = open(writer, "wb")  # noqa: PTH123, SIM115
    with (
        pytest.raises(BrokenPipeError),
        opened(sink, made(sound), TAGS, format=format, expected_samples=len(sound)) as track,
    ):
        write_all(track, sound)
    thread.join()
    with suppress(BrokenPipeError):
        sink.close()
    assert capfd.readouterr() == ("", "")


def test_errors_of_the_encoder_are_os_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, samples: object) -> None:
        raise soundfile.LibsndfileError(1, "Error : ")

    song = made(np.zeros((9, 1), np.float32))
    monkeypatch.setattr(soundfile.SoundFile, "write", fail)
    with (
        pytest.raises(OSError, match="not recognised"),
        opened(Pipe(), song, Tags(), format="wav", expected_samples=9) as track,
    ):
        write_all(track, np.zeros((9, 1), np.float32))


@pytest.mark.parametrize("format", STREAMED)
def test_what_goes_wrong_while_a_track_is_made_comes_out(format: str, rng: np.random.Generator) -> None:
    sound = noise(rng, N, 1, "s16")
    with (
        pytest.raises(ZeroDivisionError),
        opened(Pipe(), made(sound), TAGS, format=format, expected_samples=2 * N) as track,
    ):
        write_all(track, sound[: N // 0])


@pytest.mark.slow
@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("format", STREAMED)
def test_memory_does_not_grow_with_the_length(format: str, endless: bool, rng: np.random.Generator) -> None:
    minute = noise(rng, 60 * 8000, 1, "f32") * np.float32(0.1)
    song = Song("noise", minute, 8000, "s16", None)

    def peak(minutes: int) -> int:
        tracemalloc.start()
        samples = None if endless else minutes * len(minute)
        with opened(Drain(), song, TAGS, format=format, expected_samples=samples) as track:
            for _ in range(minutes):
                for block in blocks(minute):
                    track.write(block)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(1)
    # once in a while, pytest's own process has something of megabytes to do meanwhile
    assert any(peak(10) < peak(1) + 100_000 for _ in range(3))
