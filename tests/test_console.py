"""What is seen on a terminal while training, and what is not seen elsewhere."""

import os
import pty
import subprocess
import sys

import pytest

from extrapcli import console

SCRIPT = """
from extrapcli import console
from extrapcli.training.progress import Step
with console.training(quiet={quiet}) as progress:
    progress.prepared(3, 9)
    progress.say("skipped [one].mp3")
    progress.stepped(Step(2, 5, 1, 4, 0.51234, 0.6, 12.34, 3725.0))
"""


def on_a_terminal(quiet: bool) -> str:
    terminal, end = pty.openpty()
    env = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    script = SCRIPT.format(quiet=quiet)
    subprocess.run([sys.executable, "-c", script], stderr=end, env=env, check=True, timeout=60)
    os.close(end)
    seen = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not read:
            break
        seen += read
    os.close(terminal)
    return seen.decode()


def test_a_terminal_shows_how_training_goes() -> None:
    seen = on_a_terminal(quiet=False)
    for part in (
        "skipped [one].mp3",
        "epoch 2/5",
        "loss 0.5123",
        "validation 0.6000",
        "12.3 items/s",
        "1:02:05 left",
    ):
        assert part in seen


def test_quiet_is_quiet_on_a_terminal_too() -> None:
    assert on_a_terminal(quiet=True) == ""


def test_elsewhere_only_lines_are_written() -> None:
    script = SCRIPT.format(quiet=False)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "extrap: skipped [one].mp3\n")


def test_elsewhere_long_work_says_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 20))  # seconds between what is told
    monkeypatch.setattr(console, "monotonic", lambda: next(clock))
    with console.progress(quiet=False) as progress:
        progress.decoded("song.mp3", 30)
        for percent in range(10):
            progress.written(percent / 10, 1)
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("extrap: song.mp3: ")
    assert 2 <= len(told) <= 5
    with console.progress(quiet=True) as progress:
        progress.written(0.5, 1)
    assert capsys.readouterr().err == ""
