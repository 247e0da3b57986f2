"""`extrap play` in a terminal, with a device that plays only as far as a test lets it."""

import fcntl
import os
import pty
import signal
import subprocess
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from numpy.typing import NDArray

from tests.conftest import EXTRAP
from tests.play.device import Device, as_samples

PATIENCE = 90.0  # seconds, of a test on a busy machine
ENDLESS = 10**12


class Terminal:
    """A program that plays a 16-bit song, whose keys are pressed by a test.

    The device takes `allowed` samples in all, and what the pipe to it holds. Use it as a context.
    Unless it `controls` the program, the terminal is that of another session.
    """

    def __init__(self, device: Device, channels: int, *args: str | Path, controls: bool = True) -> None:
        self.allowed = 0
        self.shown = self.stdout = b""
        self._frame, self._channels, self._raw, self._ended = 2 * channels, channels, bytearray(), False
        os.mkfifo(device.sound)
        self._pipe = os.open(device.sound, os.O_RDWR | os.O_NONBLOCK)
        self._master, self._slave = pty.openpty()
        self.attributes = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [EXTRAP, "play", *map(str, args)],
            cwd=device.folder,
            env=device.environment | {"TERM": "xterm", "COLUMNS": "120"},
            stdin=self._slave,
            stderr=self._slave,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controls else None,
        )
        self._threads = [threading.Thread(target=work) for work in (self._listen, self._look)]

    def __enter__(self) -> "Terminal":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self._ended = True
        for thread in self._threads:
            thread.join()
        for descriptor in (self._pipe, self._master, self._slave):
            os.close(descriptor)

    def _listen(self) -> None:
        while not self._ended:
            wanted = min(4096, self.allowed * self._frame - len(self._raw))
            try:
                read = os.read(self._pipe, wanted) if wanted > 0 else b""
            except BlockingIOError:
                read = b""
            self._raw += read
            if not read:
                sleep(0.002)

    def _look(self) -> None:
        os.set_blocking(self._master, False)
        while not self._ended:
            try:
                self.shown += os.read(self._master, 4096)
            except BlockingIOError:
                sleep(0.01)
            except OSError:  # nobody has the terminal open
                return

    @property
    def taken(self) -> int:
        """How many samples the device has taken."""
        return len(self._raw) // self._frame

    def heard(self) -> NDArray[Any]:
        return as_samples(bytes(self._raw), "s16", self._channels)

    def until(self, met: Callable[[], bool]) -> None:
        end = monotonic() + PATIENCE
        while not met():
            assert monotonic() < end, self.shown[-1000:].decode()
            sleep(0.01)

    def play_up_to(self, samples: int) -> None:
        self.allowed = samples
        self.until(lambda: self.taken >= samples)

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def interrupt(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        """Let the device play all; return the exit status."""
        self.allowed = ENDLESS
        self.stdout, _ = self.process.communicate(timeout=PATIENCE)
        last = -1
        while last != len(self._raw):
            last = len(self._raw)
            sleep(0.1)
        return self.process.returncode

    @property
    def now(self) -> list[object]:
        """The terminal's attributes."""
        return termios.tcgetattr(self._slave)
