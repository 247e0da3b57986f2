"""The one error boundary: whatever ends the command, there is an exit status, and one sentence on stderr at most."""

import codecs
import errno
import os
import sys
import threading
import warnings
from io import TextIOWrapper
from typing import NoReturn

from extrapcli import console
from extrapcli.cli.hints import with_hint
from extrapcli.errors import CannotWrite, ExtrapError, UsageError

READER_LEFT = 141  # as a shell has it for a program that SIGPIPE has ended
_NO_WAY = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}  # to a file that was named
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def run() -> NoReturn:
    """Run the command that the arguments name, and exit."""
    try:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small here: threads would wait, not work
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # for a batch's workers: each takes 64 MB of address space
        if "--traceback" not in sys.argv:
            warnings.simplefilter("ignore")  # those of libraries, in words for programmers
        _prepare_streams()
        from extrapcli.cli.commands import app

        app()
        status = 0
    except BaseException as error:
        if "--traceback" in sys.argv and isinstance(error, Exception):
            raise
        status = _exit_status(error)
    status = _flush(status)
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(status)  # a song may still be decoded that nobody listens to any more
    sys.exit(status)


def _exit_status(error: BaseException) -> int:
    """Say in a sentence why the command ends, unless the user knows, and return the exit status."""
    match error:
        case BrokenPipeError() | SystemExit(__context__=BrokenPipeError()):  # typer makes it a SystemExit
            return READER_LEFT
        case SystemExit(code=code):
            return code if isinstance(code, int) else int(code is not None)
        case KeyboardInterrupt():  # raised by a library; signals are handled where the command starts
            return 130
        case ExtrapError(exit_code=status):
            console.say(with_hint(error))
            return status
        case FileNotFoundError() if not _is_here():
            console.say("the current folder was removed; change to another one")
            return UsageError.exit_code
        case MemoryError():
            console.say("there is not enough memory for this")
        case OSError(errno=number) if number in _NO_ROOM:
            where = error.filename or "standard output or a temporary file"
            console.say(f"{where}: {error.strerror}; make room, or set TMPDIR to a folder with more")
            return CannotWrite.exit_code
        case OSError(errno=number, filename=name) if name and number in _NO_WAY:
            console.say(f"{name}: {error.strerror}; name another file, or change its permissions")
            return UsageError.exit_code
        case OSError(filename=name, strerror=reason) if name and reason:
            console.say(f"{name}: {reason}; run again as extrap --traceback ... to see what it was for")
        case _:
            text = f"{type(error).__name__}: {error}"
            console.say(f"a bug in extrap ({text}); run again as extrap --traceback ...")
    return 1


def _is_here() -> bool:
    """Return whether there still is a current folder."""
    try:
        os.getcwd()  # noqa: PTH109  # Path.cwd does the same
    except FileNotFoundError:
        return False
    return True


def _prepare_streams() -> None:
    """Fill the place of closed standard streams, and let the others take any character.

    A closed stream leaves its descriptor to the next file that is opened, into which libraries would then print.
    """
    codecs.register_error("extrap", _as_bytes)
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if name != "stdin":
                setattr(sys, name, os.fdopen(nowhere, "w", encoding="utf-8", errors="replace"))
        elif name == "stdout" and isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="extrap")


def _as_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode the bytes in names of files that are no text as they are, and escape what the encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    return character.encode("ascii", "backslashreplace"), error.start + 1


def _flush(status: int) -> int:
    """Write out what is left in the streams; return the exit status, another one where that can't be done."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            if stream is sys.stdout and not status:
                status = READER_LEFT if isinstance(error, BrokenPipeError) else CannotWrite.exit_code
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status
