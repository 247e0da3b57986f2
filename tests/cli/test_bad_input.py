"""Bad input: one sentence that names it, the right exit status, nothing written and nothing lost."""

import contextlib
import os
import re
import resource
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import EXTRAP, SONG, Extrap, chord


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("This is not music.\n" * 100)


def cut(path: Path) -> None:
    """Half of a song in the format that the name says."""
    if path.suffix == ".mp3":
        whole = SONG.read_bytes()
    else:
        soundfile.write(path, chord(10, 44100, 2), 44100)
        whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def holding(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        sound = chord(5, 8000, 1)
        sound[1000] = value
        soundfile.write(path, sound, 8000, subtype="FLOAT")

    return write


def silence(path: Path) -> None:
    soundfile.write(path, np.zeros((80000, 2)), 8000)


def moment(path: Path) -> None:
    soundfile.write(path, chord(0.2, 44100, 2), 44100)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("nothing to play")


def missing(path: Path) -> None:
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "name", "says"),
    [
        (empty, "empty.wav", "empty"),
        (empty, "empty.mp3", "empty"),
        (text, "text.mp3", "not audio"),
        (text, "text.wav", "not audio"),
        (cut, "cut.mp3", "cut off"),
        (cut, "cut.flac", "cut off"),
        (cut, "cut.wav", "cut off"),
        (holding(np.nan), "nan.wav", "NaN"),
        (holding(np.inf), "infinite.wav", "infinit"),
        (holding(-np.inf), "minus.wav", "infinit"),
        (silence, "silence.wav", "silen"),
        (moment, "moment.wav", "0.20 s"),
        (folder, "folder", "no songs"),
        (missing, "missing.mp3", "no such file"),
    ],
)
def test_an_unreadable_song_exits_3(
    make: Callable[[Path], None], name: str, says: str, extrap: Extrap, tiny_model: Path, tmp_path: Path
) -> None:
    make(tmp_path / name)
    before = snapshot(tmp_path)
    ran = extrap("continue", name, "--model", tiny_model, "--device", "cpu", status=3)
    assert name in ran.stderr
    assert says.lower() in ran.stderr.lower()
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == b""
    assert snapshot(tmp_path) == before


def test_a_song_that_may_not_be_read_exits_3(extrap: Extrap, song_wav: Path, tiny_model: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    song_wav.chmod(0)
    assert "song.wav" in extrap("continue", song_wav, "--model", tiny_model, status=3).stderr


@pytest.mark.slow
def test_what_is_left_of_a_song_that_is_cut_off_is_continued(
    extrap: Extrap, song_wav: Path, tiny_model: Path, tmp_path: Path
) -> None:
    whole = song_wav.read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    command = ("continue", "cut.wav", "--add", "0:05", "--model", tiny_model)
    refused = extrap(*command, status=3)
    assert re.search(r"cut\.wav: cut off .* s and the end, .* is missing; .* or add --salvage ", refused.stderr)
    salvaged = extrap(*command, "--salvage")
    assert "cut.wav: the sound between" in salvaged.stderr
    assert len(salvaged.lines) == 1


@pytest.mark.parametrize("out", ["no/such/folder/track.wav", "folder.wav", "song.wav/track.wav"])
def test_a_path_that_cannot_be_written_exits_6(
    out: str, extrap: Extrap, song_wav: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder.wav" / "song-0m09s.wav").mkdir(parents=True)
    before = snapshot(tmp_path)
    ran = extrap("continue", song_wav, "--minutes", "0:09", "-o", out, "--model", tiny_model, "-q", status=6)
    assert out in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert snapshot(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3", "m4a"])
def test_a_full_disk_exits_6_and_leaves_nothing(format: str, tiny_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", np.random.default_rng(1).uniform(-0.5, 0.5, (48000 * 4, 2)), 48000)
    before = snapshot(tmp_path)
    done = subprocess.run(
        [EXTRAP, "continue", "song.wav", "--minutes", "1", "--format", format, "--model", tiny_model, "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert done.returncode == 6, done.stderr
    assert f"song-1m00s.{format}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert snapshot(tmp_path) == before


@pytest.mark.slow
def test_a_song_larger_than_memory(tmp_path: Path) -> None:
    """The song itself lies in a file, but `study` looks at all of it at once."""
    n, allowed = 150_000_000, 5 * 10**8
    with (tmp_path / "song.wav").open("wb") as file:
        file.write(
            struct.pack(
                "<4sI8sIHHIIHH4sI", b"RIFF", 36 + 2 * n, b"WAVEfmt ", 16, 1, 1, 48000, 96000, 2, 16, b"data", 2 * n
            )
        )
        file.write(np.random.default_rng(0).bytes(48000))
        file.truncate(44 + 2 * n)
    done = subprocess.run(
        [EXTRAP, "continue", "song.wav", "--minutes", "60", "--model", "study", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed)),
    )
    assert (done.returncode, done.stderr) == (1, "extrap: there is not enough memory for this\n")
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


@pytest.mark.slow
def test_an_output_that_exists_is_kept(extrap: Extrap, song_wav: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "song-0m09s.wav").write_text("precious")
    command = ("continue", "song.wav", "--minutes", "0:09", "--model", tiny_model, "-q")
    ran = extrap(*command, status=6)
    assert "song-0m09s.wav: exists already" in ran.stderr
    assert "--overwrite" in ran.stderr
    assert (tmp_path / "song-0m09s.wav").read_text() == "precious"
    extrap(*command, "--overwrite")
    assert soundfile.info(tmp_path / "song-0m09s.wav").frames == 9 * 22050


@pytest.mark.parametrize("out", ["song.wav", "./song.wav", "link.wav", "hard.wav"])
def test_the_song_is_never_the_track(
    out: str, extrap: Extrap, song_wav: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "link.wav").symlink_to("song.wav")
    (tmp_path / "hard.wav").hardlink_to(song_wav)
    before = snapshot(tmp_path)
    ran = extrap("continue", "song.wav", "-o", out, "--overwrite", "--model", tiny_model, "-q", status=2)
    assert "is the song itself" in ran.stderr
    assert snapshot(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("-o", "track.xyz"), ".xyz"),
        (("-o", "track.flac", "--format", "wav"), "make them agree"),
        (("--backend", "torch"), "torch"),
        (("--crossfade", "20"), "crossfade"),
        (("--crossfade", "-1"), "crossfade"),
        (("--threads", "0"), "threads"),
        (("--nonsense",), "nonsense"),
    ],
)
def test_wrong_usage_exits_2(
    args: tuple[str, ...], says: str, extrap: Extrap, song_wav: Path, tiny_model: Path, tmp_path: Path
) -> None:
    before = snapshot(tmp_path)
    assert says in extrap("continue", song_wav, "--model", tiny_model, *args, status=2).stderr
    assert snapshot(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.onnx", "model.keras", "model.txt"])
def test_a_model_that_is_none_exits_4(name: str, extrap: Extrap, song_wav: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no model at all" * 1000)
    ran = extrap("continue", song_wav, "--model", name, status=4)
    assert name in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_an_unknown_model_exits_4_and_names_those_there_are(extrap: Extrap, song_wav: Path) -> None:
    assert "seq2seq" in extrap("continue", song_wav, "--model", "wavenet", status=4).stderr


def test_cuda_that_is_missing_exits_5_with_the_pip_command(extrap: Extrap, song_wav: Path, tiny_model: Path) -> None:
    ran = extrap("continue", song_wav, "--model", tiny_model, "--device", "cuda", status=5)
    assert "pip install onnxruntime-gpu" in ran.stderr


def being_written(process: int, folder: Path) -> list[int]:
    """The sizes of the files without a name that a process has open in a folder."""
    sizes = []
    for link in Path(f"/proc/{process}/fd").glob("*"):
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith(f"{folder}/#"):
                sizes.append(link.stat().st_size)
    return sizes


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_an_interrupted_run_leaves_no_track(
    number: signal.Signals, status: int, song_wav: Path, tiny_model: Path, tmp_path: Path
) -> None:
    song = song_wav.read_bytes()
    running = subprocess.Popen(
        [EXTRAP, "continue", "song.wav", "--minutes", "600", "--model", tiny_model, "-q"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell in the background ignores it
    )
    deadline = time.monotonic() + 60
    while not any(size > 500_000 for size in being_written(running.pid, tmp_path)):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(number)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == status
    assert "Traceback" not in stderr
    assert song_wav.read_bytes() == song
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]
