"""The `extrap` command: each command parses, calls one function, prints."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extrapcli.cli.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command. Nothing else is loaded before interruptions are taken care of."""
    try:
        import signal

        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number and signal.getsignal(number) != signal.SIG_IGN:  # as nohup leaves it
                signal.signal(number, _leave)
    except (KeyboardInterrupt, RuntimeError):  # what an interruption of an import may become
        os._exit(130)
    from extrapcli.cli.boundary import run

    run()


def _leave(number: int, frame: object) -> None:
    """Leave at once: an exception raised in the middle of a library may be lost there, or become another one."""
    try:
        if atomic := sys.modules.get("extrapcli.atomic"):
            atomic.remove_unfinished()
        if sys.stderr.isatty():
            os.write(2, b"\x1b[?25h")  # shows the cursor, which a progress bar hides
    finally:
        os._exit(128 + number)


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from extrapcli.cli.commands import app

    return app
