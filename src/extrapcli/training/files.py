"""Files that appear under their names only when they are whole."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from extrapcli.errors import CannotWrite


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file, and put it in the place of `path` once it is on disk.

    Raises CannotWrite, with nothing left behind, where that fails.
    """
    partial = path.with_name(f".partial-{secrets.token_hex(8)}-{path.name}")
    try:
        write(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
