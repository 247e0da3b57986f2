"""The `extrap` command: each command parses, calls one function, prints."""

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path

from extrapcli import console
from extrapcli.cli import batch, continue_, evaluate, melody, models, predict, training
from extrapcli.cli.app import app
from extrapcli.cli.hints import with_hint
from extrapcli.errors import ExtrapError

__all__ = ["app", "batch", "continue_", "evaluate", "main", "melody", "models", "predict", "training"]

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small here: threads would wait, not work


def main() -> None:
    """Run the command with the one error boundary: an exit status, and one sentence on stderr."""
    if sys.stdout is None:  # the shell has closed it
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files need not be text
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "--traceback" in sys.argv:
            raise
        if isinstance(error, ExtrapError):
            console.say(with_hint(error))
            sys.exit(error.exit_code)
        if isinstance(error, MemoryError):
            console.say("there is not enough memory for this")
            sys.exit(1)
        console.say(f"a bug in extrap ({type(error).__name__}: {error}); run again as extrap --traceback ...")
        sys.exit(1)
