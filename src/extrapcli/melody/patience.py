"""A bound on the time that code in Python may take: a small file can ask for endless work."""

import ctypes
import time
from collections.abc import Callable
from threading import Event, Lock, Thread, get_ident
from typing import TypeVar

Result = TypeVar("Result")


class TookTooLong(BaseException):
    """Raised in the thread that works, wherever it is; no `except Exception` on the way holds it."""


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What `work` gives; raises TookTooLong when this process has computed for longer than `seconds` meanwhile.

    `work` can be stopped where it runs Python, and not within a call of a library in C.
    """
    thread, ended, deciding = get_ident(), Event(), Lock()

    def watch() -> None:
        began = time.process_time()
        while not ended.wait(0.1):
            if time.process_time() - began > seconds:
                with deciding:
                    if not ended.is_set():
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(
                            ctypes.c_ulong(thread), ctypes.py_object(TookTooLong)
                        )
                return

    Thread(target=watch, daemon=True).start()
    try:
        return work()
    finally:
        with deciding:
            ended.set()
