"""Arrays of samples that may be too large for memory: ten minutes of stereo take 200 MB.

A large one lies in a temporary file that has no name, and is mapped: an array like any other, but for reading only.
What was read of it stays in memory until it is let go.
"""

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import CannotWrite

LARGE_BYTES = 32 * 2**20  # a minute and a half of 44.1 kHz stereo
PIECE_BYTES = 4 * 2**20

Array = NDArray[Any]


class Spool:
    """Blocks `(n, channels)` of one kind, on their way into one array."""

    def __init__(self) -> None:
        self._blocks: list[Array] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None

    def add(self, block: Array) -> None:
        """Raises CannotWrite where there is no room for the temporary file."""
        self._blocks.append(block)
        self._bytes += block.nbytes
        if self._bytes > LARGE_BYTES:
            self._store()

    def whole(self) -> Array:
        """All blocks, of which there must be one."""
        if self._file is None:
            return np.concatenate(self._blocks)
        last = self._blocks[-1]
        with self._file as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, last.dtype).reshape(-1, *last.shape[1:])

    def _store(self) -> None:
        try:
            self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            for block in self._blocks:
                left = memoryview(block.tobytes())
                while left:
                    left = left[self._file.write(left) :]
        except OSError as error:
            raise CannotWrite(
                f"{tempfile.gettempdir()}: no room for the samples of a long song ({error.strerror}); "
                "name a folder with room in TMPDIR"
            ) from None
        self._blocks = [block[:0]]


def spooled(blocks: Iterable[Array]) -> Array:
    """One array of at least one block. Raises CannotWrite as `Spool.add` does."""
    spool = Spool()
    for block in blocks:
        spool.add(block)
    return spool.whole()


def pieces(samples: Array) -> Iterator[Array]:
    """An array from its beginning to its end: a piece or more, each let go when the next one is asked for."""
    rows = max(1, PIECE_BYTES // max(1, samples[:1].nbytes))
    for start in range(0, max(1, len(samples)), rows):
        yield samples[start : start + rows]
        release(samples)


def release(samples: Array) -> None:
    """Give back the memory with what was read of a large array. It can be read again."""
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
