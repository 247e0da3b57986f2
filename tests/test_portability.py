"""extrap needs nothing that Windows lacks: its code runs without it (see tests/like_windows)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

import extrapcli
from tests.conftest import EXTRAP, chord

PACKAGE = Path(extrapcli.__file__).parent
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(Path(__file__).parent / "like_windows"),
    "PYTHONWARNDEFAULTENCODING": "1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
IMPORT_ALL = """
import importlib, importlib.util, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = error.name.split(".")[0]
        if package in sys.stdlib_module_names or importlib.util.find_spec(package):
            raise
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="here it is the real thing")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], env=ENVIRONMENT, capture_output=True, text=True)


def extrap(folder: Path, *arguments: str) -> str:
    done = subprocess.run([EXTRAP, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_module_can_be_imported() -> None:
    files = sorted(file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.py"))
    names = [".".join(("extrapcli", *file.parts)).removesuffix(".__init__") for file in files]
    assert python("-c", IMPORT_ALL, *names).stderr == ""


@pytest.mark.slow
def test_a_song_is_continued(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", chord(6, 22050, 2), 22050)
    for overwrite in ((), ("--overwrite",)):
        extrap(tmp_path, "continue", "song.wav", "-o", "track.flac", "--minutes", "0:09", *overwrite)
    assert soundfile.info(tmp_path / "track.flac").duration == 9


@pytest.mark.slow
def test_a_long_song_is_continued(tmp_path: Path) -> None:
    """One whose samples are spooled to a file."""
    soundfile.write(tmp_path / "song.wav", chord(120, 44100, 2), 44100)
    extrap(tmp_path, "continue", "song.wav", "-o", "track.wav", "--add", "0:05")
    assert soundfile.info(tmp_path / "track.wav").duration == 125


@pytest.mark.slow
def test_a_batch_is_made_and_kept(tmp_path: Path) -> None:
    (tmp_path / "songs").mkdir()
    for name in ("a", "b"):
        soundfile.write(tmp_path / "songs" / f"{name}.wav", chord(6, 22050, 1), 22050)
    for _ in range(2):
        extrap(tmp_path, "batch", "songs", "tracks", "--minutes", "0:09", "--jobs", "2")
    lines = (tmp_path / "tracks" / "manifest.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["state"] for line in lines) == ["done", "done", "started", "started"]


@pytest.mark.slow
def test_models_and_doctor_run(tmp_path: Path) -> None:
    assert "recall" in extrap(tmp_path, "models")
    assert "format flac: reads and writes" in extrap(tmp_path, "doctor")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import fcntl", "ModuleNotFoundError"),
        ("import os; os.pread", "AttributeError"),
        ("from signal import SIGKILL", "ImportError"),
        ("import mmap; mmap.mmap(-1, 1).madvise", "AttributeError"),
        ("from pathlib import Path; Path('x').write_text('é')", "EncodingWarning"),
        ("from pathlib import Path; file = Path('x').open('wb'); Path('x').replace('y')", "PermissionError"),
    ],
)
def test_what_windows_lacks_is_noticed(code: str, error: str, tmp_path: Path) -> None:
    script = f"exec(compile({code!r}, 'x', 'exec'), {{'__name__': 'extrapcli.x'}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert f"\n{error}: " in done.stderr
