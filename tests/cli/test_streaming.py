"""`extrap continue` into pipes, which get the track as it is made."""

import io
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import mutagen
import mutagen.id3
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from tests.conftest import EXTRAP, Extrap, chord

FORMATS = ["wav", "flac", "ogg", "opus", "mp3"]
CUT = ("--minutes", "0:40", "--device", "cpu")


def decoded(sound: bytes) -> NDArray[np.float32]:
    """Decode a file with FFmpeg: `(channels, n)`."""
    frames = []
    with av.open(io.BytesIO(sound), "r") as container:
        for frame in container.decode(audio=0):
            array = frame.to_ndarray()
            frames.append(array if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels).T)
    found: NDArray[np.float32] = np.concatenate(frames, axis=1)
    return found


def tags_of(sound: bytes) -> dict[str, str]:
    read = mutagen.File(io.BytesIO(sound))
    return {key: str(value) for key, value in (read.tags or {}).items()}


@contextmanager
def streaming(*args: str | Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [EXTRAP, "continue", *map(str, args)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def leave(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Close the pipe; return the exit status, and what was said."""
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    return process.wait(100), process.stderr.read()


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """Twelve seconds that are cut off, with tags."""
    soundfile.write(tmp_path / "song.flac", chord(12, 22050, 2), 22050, subtype="PCM_16")
    tagged = mutagen.File(tmp_path / "song.flac")
    tagged["title"], tagged["artist"] = "Ein Lied", ["One", "Two"]
    tagged.save()
    return tmp_path / "song.flac"


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_pipe_gets_the_sound_and_the_tags_of_the_file(
    format: str, extrap: Extrap, short: Path, tmp_path: Path
) -> None:
    extrap("continue", short, *CUT, "-o", f"track.{format}")
    ran = extrap("continue", short, *CUT, "-o", "-", "--format", format)
    file = (tmp_path / f"track.{format}").read_bytes()
    np.testing.assert_array_equal(decoded(ran.stdout), decoded(file))
    ours, theirs = decode(io.BytesIO(ran.stdout)), decode(io.BytesIO(file))
    np.testing.assert_array_equal(ours.samples, theirs.samples)
    assert len(ours.samples) == 40 * ours.sample_rate
    assert tags_of(ran.stdout) == tags_of(file)
    assert tags_of(file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "length"),
    [("mp3", ("--minutes", "600")), ("wav", ("--minutes", "600")), ("ogg", ("--endless",)), ("opus", ("--endless",))],
)
def test_sound_comes_before_the_track_is_complete(format: str, length: tuple[str, ...], short: Path) -> None:
    command: tuple[str | Path, ...] = (short, *length, "-o", "-", "--format", format, "--device", "cpu", "-q")
    with streaming(*command, cwd=short.parent) as process:
        assert process.stdout
        begin = process.stdout.read(300_000)
        assert len(begin) == 300_000
        assert process.poll() is None
        assert leave(process) == (141, b"")
    if "--endless" not in command or format in ("flac", "ogg"):  # others have no lengths, or another rate
        heard = decoded_beginning(begin)
        song = soundfile.read(short, dtype="float32")[0].T
        heard, song = heard[:, :44100], song[:, :44100] if format != "opus" else heard[:, :44100]
        assert np.abs(heard - song).mean() < 0.02


def decoded_beginning(begin: bytes) -> NDArray[np.floating]:
    frames = []
    with av.open(io.BytesIO(begin), "r") as container:
        resampler = av.AudioResampler("fltp")
        try:
            for frame in container.decode(audio=0):
                frames += [made.to_ndarray() for made in resampler.resample(frame)]
        except av.FFmpegError:
            assert frames
    return np.concatenate(frames, axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["wav", "flac"])
def test_an_endless_stream_begins_as_a_track_that_is_cut(format: str, extrap: Extrap, short: Path) -> None:
    extrap("continue", short, "--minutes", "3", "--ending", "cut", "-o", "track.wav")
    wanted = soundfile.read(short.with_name("track.wav"), dtype="float32")[0]
    with streaming(short, "--endless", "-o", "-", "--format", format, "-q", cwd=short.parent) as process:
        assert process.stdout
        begin = process.stdout.read(4 * 22050 * 40)
        assert leave(process) == (141, b"")
    with soundfile.SoundFile(io.BytesIO(begin)) as file:
        read = file.read(30 * 22050, dtype="float32")
    np.testing.assert_array_equal(read, wanted[: 30 * 22050])


@pytest.mark.slow
def test_a_song_from_standard_input_streams_without_end(short: Path) -> None:
    with short.open("rb") as song:
        process = subprocess.Popen(
            [EXTRAP, "continue", "-", "--endless", "-o", "-", "--format", "mp3"],
            stdin=song,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout
        assert len(process.stdout.read(400_000)) == 400_000
        assert leave(process) == (141, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_signal_ends_an_endless_stream_without_a_message(number: signal.Signals, short: Path) -> None:
    with streaming(short, "--endless", "-o", "-", "--format", "mp3", cwd=short.parent) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(100_000)
        process.send_signal(number)
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        assert process.wait(100) in (128 + number, -number)
        drain.join()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    "options",
    [
        ("--minutes", "3"),
        ("--takes", "2"),
        ("--json",),
        ("--report",),
        ("--loopable",),
        ("--ending", "fade"),
        ("--arc", "calm:lively"),
        ("--format", "m4a"),
        ("song.flac",),
        ("-o", "track.mp3"),
    ],
)
def test_endless_excludes_what_needs_an_end_or_a_file(options: tuple[str, ...], extrap: Extrap, short: Path) -> None:
    out = () if "-o" in options else ("-o", "-")
    ran = extrap("continue", short, "--endless", *out, *options, status=2)
    assert ran.stdout == b""
    told = [line for line in ran.stderr.splitlines() if line.startswith(("extrap:", "Error:"))]
    assert len(told) == 1, ran.stderr
    assert sorted(path.name for path in short.parent.iterdir()) == ["song.flac"]


def test_endless_needs_a_place(extrap: Extrap, short: Path) -> None:
    assert "-o -" in extrap("continue", short, "--endless", status=2).stderr


@pytest.mark.slow
def test_m4a_is_finished_before_it_goes_into_a_pipe(extrap: Extrap, tmp_path: Path, short: Path) -> None:
    extrap("continue", short, *CUT, "-o", "track.m4a")
    ran = extrap("continue", short, *CUT, "-o", "-", "--format", "m4a")
    assert ran.stdout == (tmp_path / "track.m4a").read_bytes()
    assert ran.stdout.index(b"moov") < ran.stdout.index(b"mdat")  # or no program could read it from a pipe


@pytest.mark.slow
@pytest.mark.parametrize("format", ["mp3"])
def test_a_named_pipe_gets_the_track(format: str, extrap: Extrap, tmp_path: Path, short: Path) -> None:
    pipe = tmp_path / f"pipe.{format}"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    ran = extrap("continue", short, *CUT, "-o", pipe)
    reader.join()
    streamed = extrap("continue", short, *CUT, "-o", "-", "--format", format).stdout
    assert got == [streamed]
    assert ran.lines == [str(pipe)]
    assert pipe.is_fifo()


@pytest.mark.slow
@pytest.mark.parametrize("format", ["flac", "mp3"])
def test_redirected_to_a_file_standard_output_gets_the_finished_file(
    format: str, extrap: Extrap, tmp_path: Path, short: Path
) -> None:
    extrap("continue", short, *CUT, "-o", f"track.{format}")
    with (tmp_path / "redirected").open("wb") as file:
        subprocess.run([EXTRAP, "continue", short, *CUT, "-o", "-", "--format", format], stdout=file, check=True)
    assert (tmp_path / "redirected").read_bytes() == (tmp_path / f"track.{format}").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--preview", "--format", "flac"),
        ("--loopable", "--format", "ogg"),
        ("--clip", "rescale", "--format", "ogg"),
    ],
    ids=lambda options: options[0],
)
def test_options_that_need_the_whole_track_work_in_a_pipe(
    options: tuple[str, ...], extrap: Extrap, tmp_path: Path, short: Path
) -> None:
    format = options[-1]
    ran = extrap("continue", short, *CUT, *options, "-o", "-")
    extrap("continue", short, *CUT, *options, "-o", f"track.{format}")
    file = min(tmp_path.glob("track*"), key=lambda path: path.name)
    np.testing.assert_array_equal(decoded(ran.stdout), decoded(file.read_bytes()))
    assert tags_of(ran.stdout) == tags_of(file.read_bytes())
    if "--loopable" in options:
        assert "loopstart" in {key.lower() for key in tags_of(ran.stdout)}


@pytest.mark.parametrize(
    ("name", "more"),
    [("tiny.wav", ()), ("silent.wav", ()), ("tiny.wav", ("--endless",)), ("bad.mp3", ("--endless",))],
)
def test_a_song_that_can_t_be_continued_is_an_error(
    name: str, more: tuple[str, ...], extrap: Extrap, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "tiny.wav", chord(0.3, 22050, 1), 22050)
    soundfile.write(tmp_path / "silent.wav", np.zeros(22050 * 9), 22050)
    (tmp_path / "bad.mp3").write_text("no music")
    ran = extrap("continue", name, "-o", "-", "--format", "mp3", *more, status=3)
    assert len(ran.stderr.splitlines()) == 1
    assert name in ran.stderr
    assert ran.stdout == b"" or name == "tiny.wav"
