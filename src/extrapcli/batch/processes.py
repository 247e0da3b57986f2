"""Processes that work on one task after another, and take nothing else with them when they crash."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any

from extrapcli.atomic import remove_unfinished
from extrapcli.errors import ExtrapError
from extrapcli.signals import INTERRUPTIONS, starting_a_process

_SECONDS_TO_LEAVE = 5.0
_SPAWN = get_context("spawn")


class WorkerDied(ExtrapError):
    """A worker that ended while it had a task, because a library crashed or somebody stopped it."""


class WorkerProcess:
    """A worker process, and the pipe to it, which is its own: a shared one could be left locked by one that dies.

    `make` is called in the process, and returns what works on tasks. Raises WorkerDied where no process can start.
    """

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, make), daemon=True)
        try:
            with starting_a_process():
                self._process.start()
        except OSError as error:
            raise WorkerDied(f"no process can be started ({error.strerror})", hint="workers") from None
        theirs.close()

    def is_alive(self) -> bool:
        """Tell whether the process waits for work, by its pipe, which ends with it."""
        try:
            return not self.pipe.poll()
        except OSError:  # on Windows
            return False

    def answer(self) -> Any:
        """Wait for the answer to the task that was sent. Raises WorkerDied where the process dies."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            raise WorkerDied(f"the process working on it died ({self.end()})") from None

    def ask_to_end(self) -> None:
        self._process.terminate()

    def end(self) -> str:
        """Make sure that the process has ended, and say how."""
        self.pipe.close()
        self._process.join(_SECONDS_TO_LEAVE)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        code = self._process.exitcode or 0
        names = {-number: number.name for number in signal.Signals}
        return names.get(code, f"signal {-code}" if code < 0 else f"exit status {code}")


def _serve(pipe: Connection, make: Callable[[], Callable[[Any], Any]]) -> None:
    """Work in a process of its own until the pipe is closed or the parent is gone."""
    for number in INTERRUPTIONS:  # a terminal sends these to workers too; their parent ends them
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTIONS)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    work = make()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(work(pipe.recv()))


def _leave_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    _leave()


def _leave(*_: object) -> None:
    """Leave at once: an exception raised while a decoder calls back would be lost there."""
    try:
        remove_unfinished()
    finally:
        os._exit(128 + signal.SIGTERM)
