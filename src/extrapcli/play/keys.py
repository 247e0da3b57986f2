"""The keys that are pressed in a terminal, one by one and without Enter."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import sleep

Pressed = Callable[[float], str]
"""Waits so many seconds for keys, and returns their characters."""


@contextmanager
def keys() -> Iterator[Pressed]:
    """Give what reads keys for as long as the block lasts; without a terminal of its own, no key is ever pressed."""
    if sys.stdin is None or not sys.stdin.isatty():
        yield no_key
    elif sys.platform == "win32":
        yield _on_windows
    elif _in_background():
        yield no_key
    else:
        with _single_keys() as pressed:
            yield pressed


def no_key(seconds: float) -> str:
    """Wait for some seconds."""
    sleep(seconds)
    return ""


if sys.platform == "win32":
    import msvcrt

    _NAMED = "\x00\xe0"  # before the number of a key that has a name only

    def _on_windows(seconds: float) -> str:
        sleep(seconds)
        pressed = ""
        while msvcrt.kbhit():
            key = msvcrt.getwch()
            if key in _NAMED:
                msvcrt.getwch()
            else:
                pressed += key
        return pressed

else:
    import os
    import select
    import signal

    _NAMED = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.|.)?")  # what arrows and function keys send (ECMA-48, 5.4)

    def _in_background() -> bool:
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp()
        except OSError:  # a terminal that controls nothing
            return False

    @contextmanager
    def _single_keys() -> Iterator[Pressed]:
        """Let the terminal hand over each key at once, and not show it; in between, leave it as it was to Ctrl-Z."""
        import termios
        import tty

        terminal = sys.stdin.fileno()
        usual = termios.tcgetattr(terminal)

        def pause(number: int, frame: object) -> None:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, usual)
            os.kill(os.getpid(), signal.SIGSTOP)

        handlers = {
            signal.SIGTSTP: pause,
            signal.SIGCONT: lambda number, frame: tty.setcbreak(terminal),
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        tty.setcbreak(terminal)
        try:
            yield lambda seconds: _keys(terminal, seconds)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            with suppress(termios.error):  # of a terminal that was closed
                termios.tcsetattr(terminal, termios.TCSAFLUSH, usual)

    def _keys(terminal: int, seconds: float) -> str:
        try:
            ready, _, _ = select.select([terminal], [], [], seconds)
            pressed = os.read(terminal, 1024) if ready else b""
        except OSError:
            ready, pressed = [terminal], b""
        if ready and not pressed:  # the terminal was closed
            sleep(seconds)
        return _NAMED.sub("", pressed.decode(errors="ignore"))
