"""A bound on the time that code in Python may take: a small file can ask for endless work."""

import ctypes
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread, get_ident
from typing import TypeVar

Result = TypeVar("Result")


class TookTooLong(BaseException):
    """Raised in the thread that works, wherever it is; no `except Exception` on the way holds it."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What `work` gives; raises TookTooLong when this process has computed for longer than `seconds` meanwhile.

    `work` can be stopped where it runs Python, and not within a call of a library in C.
    """
    thread, ended, deciding = ctypes.c_ulong(get_ident()), Event(), Lock()

    def watch() -> None:
        began = time.process_time()
        while not ended.wait(0.1):
            with deciding:
                if time.process_time() - began > seconds and not ended.is_set():
                    # Again and again: a bare `except` may hold even this.
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TookTooLong))

    Thread(target=watch, daemon=True).start()
    try:
        return work()
    finally:
        while not ended.is_set():
            with suppress(TookTooLong), deciding:
                ended.set()
