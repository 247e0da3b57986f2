"""Processes of the command and its workers, started, found and waited for. Much of it needs Linux."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

EXTRAP = str(Path(sys.executable).with_name("extrap"))


def start(command: Sequence[str], **settings: Any) -> subprocess.Popen[str]:
    """Start a command whose output `communicate` reads, and that Ctrl-C can stop, which a shell may prevent."""
    prepare = settings.pop("preexec_fn", lambda: None)

    def prepare_all() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        prepare()

    settings = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "preexec_fn": prepare_all,
        **settings,
    }
    return subprocess.Popen(command, **settings)


def start_with_narrow_pipe(command: Sequence[str], room: int, **settings: Any) -> subprocess.Popen[str]:
    """Start a command that can print so many bytes and then waits until they are read, so that it can't be done."""
    ours, theirs = os.pipe()
    size = fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    os.write(theirs, b"\n" * (size - room))
    running = start(command, stdout=theirs, **settings)
    os.close(theirs)
    running.stdout = os.fdopen(ours)
    return running


def wait_until(met: Callable[[], object], running: subprocess.Popen[str] | None = None) -> None:
    """Wait until something is so, or a process has ended."""
    deadline = time.monotonic() + 200
    while not met() and (running is None or running.poll() is None):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def workers(process: int) -> list[int]:
    """The worker processes of a process."""
    found = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        found += [int(child) for child in thread.read_text().split()]
    return [child for child in found if b"spawn_main" in file_of(child, "cmdline")]


def alive(process: int) -> bool:
    """Whether a process is there, and hasn't only its exit status left."""
    return b"VmRSS:" in file_of(process, "status")


def resident(process: int) -> float:
    """The memory of a process in MB, 0 where it has ended."""
    lines = file_of(process, "status").decode().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def file_of(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""
