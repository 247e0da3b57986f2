"""A limit on the time that Python code may take, as a small file can ask for endless work."""

import ctypes
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread, get_ident
from typing import TypeVar

Result = TypeVar("Result")


class TimeLimitExceeded(BaseException):
    """Raised in the thread that works, wherever it is; no `except Exception` on the way stops it."""


def run_with_time_limit(seconds: float, work: Callable[[], Result]) -> Result:
    """Return what `work` returns; raise TimeLimitExceeded once this process has used `seconds` of processor time.

    Python code can be stopped anywhere, but not within a call of a C library.
    """
    thread, ended, deciding = ctypes.c_ulong(get_ident()), Event(), Lock()

    def watch() -> None:
        began = time.process_time()
        while not ended.wait(0.1):
            with deciding:
                if time.process_time() - began > seconds and not ended.is_set():
                    # Raised again and again, as a bare `except` may swallow it.
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TimeLimitExceeded))

    Thread(target=watch, daemon=True).start()
    try:
        return work()
    finally:
        while not ended.is_set():
            with suppress(TimeLimitExceeded), deciding:
                ended.set()
