"""Ctrl-C, SIGTERM and SIGHUP at moments that must not be interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTIONS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


@contextmanager
def signals_postponed() -> Iterator[None]:
    """Hold back Ctrl-C, SIGTERM and SIGHUP until the block ends.

    They are put off in this process, where any thread may get them, and masked for processes that are started
    meanwhile, which inherit the mask. Python lets only the main thread set handlers; elsewhere nothing is held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    postponed: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: postponed.append(number)) for number in INTERRUPTIONS}
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        if masked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in postponed:
            signal.raise_signal(late)


@contextmanager
def starting_a_process() -> Iterator[None]:
    """Hold interruptions back while a process of `multiprocessing` is started, which begins with them masked."""
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # or the first process starts it, and that lifts the mask
    with signals_postponed():
        yield
