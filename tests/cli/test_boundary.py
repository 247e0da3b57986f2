"""Whatever ends the command, there is an exit status, and one sentence at most."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import EXTRAP, Extrap

INTERRUPT = """
import os, signal, sys


class Interrupts:
    \"\"\"Sends a signal to this process when a module is looked for, once or twice.\"\"\"

    def find_spec(self, name, path=None, target=None):
        if name == os.environ["MODULE"]:
            for _ in range(int(os.environ["TIMES"])):
                os.kill(os.getpid(), int(os.environ["SIGNAL"]))


sys.meta_path.insert(0, Interrupts())
"""
"""Python runs this when it starts, from a module called sitecustomize."""


def interrupted(
    module: str, number: signal.Signals, folder: Path, *, times: int = 1, ignored: bool = False
) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(INTERRUPT)
    env = os.environ | {"PYTHONPATH": str(folder), "MODULE": module, "SIGNAL": str(int(number)), "TIMES": str(times)}
    return subprocess.run(
        [EXTRAP, "continue", "song.wav", "--minutes", "0:09", "-q"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a process can't send itself Ctrl-C there")
@pytest.mark.usefixtures("song_wav")
class TestInterruptions:
    @pytest.mark.parametrize(
        "module",
        ["extrapcli.cli.boundary", "typer", "dataclasses", "numpy", "numpy._core.multiarray", "av", "soundfile",
         "onnxruntime", "extrapcli.pipeline", "extrapcli.extrapolators.recall"],
    )  # fmt: skip
    def test_ctrl_c_while_anything_is_loaded_is_130(self, module: str, tmp_path: Path) -> None:
        done = interrupted(module, signal.SIGINT, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["sitecustomize.py", "song.wav"]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
    def test_two_signals_in_a_row_are_one(self, number: signal.Signals, tmp_path: Path) -> None:
        done = interrupted("numpy", number, tmp_path, times=2)
        assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")

    def test_what_nohup_ignores_stays_ignored(self, tmp_path: Path) -> None:
        done = interrupted("numpy", signal.SIGHUP, tmp_path, ignored=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "song-0m09s.wav\n"


def test_it_runs_as_a_module(extrap: Extrap) -> None:
    done = subprocess.run([sys.executable, "-m", "extrapcli", "--version"], capture_output=True, check=True)
    assert done.stdout == extrap("--version").stdout


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        ("OSError(28, 'No space left on device', '/tmp/x')", 6, "/tmp/x: No space left on device; make room"),
        ("PermissionError(13, 'Permission denied', '/priv/x')", 2, "/priv/x: Permission denied; name another file"),
        ("OSError(5, 'Input/output error', '/music/x')", 1, "/music/x: Input/output error; run again as"),
        ("MemoryError()", 1, "there is not enough memory"),
        ("RecursionError('too deep')", 1, "a bug in extrap (RecursionError: too deep); run again as"),
        ("UnicodeError('two\\nlines')", 1, "a bug in extrap (UnicodeError: two\\nlines); run again as"),
        ("KeyboardInterrupt()", 130, ""),
        ("BrokenPipeError(32, 'Broken pipe')", 141, ""),
    ],
)
def test_every_error_is_one_sentence(error: str, status: int, says: str) -> None:
    script = f"""
import extrapcli.describe
from extrapcli.cli import main
def fail(name): raise {error}
extrapcli.describe.describe_card = fail
main()
"""
    done = subprocess.run([sys.executable, "-c", script, "models", "recall"], capture_output=True, text=True)
    assert done.returncode == status
    assert done.stderr.startswith(f"extrap: {says}" if says else "")
    assert done.stderr.count("\n") == bool(says)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_errors_without_a_reader_keep_their_status(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([EXTRAP, "info", "gone.mp3"], cwd=tmp_path, stderr=full, check=False)
    assert done.returncode == 3
