"""Sample arrays that may be too large for memory: ten minutes of stereo take 200 MB.

A large array is spooled to an anonymous temporary file and memory-mapped. It is used like any other array but is
read-only, and what was read of it stays in memory until it is released.
"""

import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import CannotWrite, UnreadableAudio

MAX_BYTES_IN_MEMORY = 32 * 2**20  # a minute and a half of 44.1 kHz stereo in float32
CHUNK_BYTES = 4 * 2**20


_bytes_left: ContextVar[list[float]] = ContextVar("how many bytes may still be spooled", default=[inf])  # noqa: B039


@contextmanager
def limited(most_bytes: int) -> Iterator[None]:
    """Let all that is spooled while the block runs have so many bytes at most: adding more raises UnreadableAudio."""
    token = _bytes_left.set([most_bytes])
    try:
        yield
    finally:
        _bytes_left.reset(token)


class Spool:
    """Collects blocks of one dtype, `(n, channels)` or `(n,)`, into one array. Add at least one block."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[Any]] = []
        self._bytes = 0  # of the blocks
        self._file: IO[bytes] | None = None

    def add(self, block: NDArray[Any]) -> None:
        """Append a block. Raises CannotWrite where there is no room for the temporary file."""
        left = _bytes_left.get()
        left[0] -= block.nbytes
        if left[0] < 0:
            raise UnreadableAudio("it holds more sound than may be decoded here; give it a shorter song")
        self._blocks.append(block)
        self._bytes += block.nbytes
        if self._bytes > (CHUNK_BYTES if self._file else MAX_BYTES_IN_MEMORY):
            self._store()

    def array(self) -> NDArray[Any]:
        """Return all blocks joined along the first axis. Nothing can be added afterwards."""
        if self._file is None:
            return _joined(self._blocks)
        last = self._blocks[-1]
        self._store()
        with _room_for_file():
            self._file.flush()
        with self._file as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, last.dtype).reshape(-1, *last.shape[1:])

    def _store(self) -> None:
        with _room_for_file():
            self._file = self._file or tempfile.TemporaryFile(buffering=CHUNK_BYTES)  # noqa: SIM115
            self._file.write(_joined(self._blocks).data)
        self._blocks, self._bytes = [self._blocks[-1][:0]], 0


def _joined(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    """Join blocks whose samples may lie in any order in memory to an array where they lie row by row."""
    joined = np.empty((sum(map(len, blocks)), *blocks[0].shape[1:]), blocks[0].dtype)
    return np.concatenate(blocks, out=joined)


@contextmanager
def _room_for_file() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(
            f"{tempfile.gettempdir()}: no room for the samples of a long song ({error.strerror}); "
            "set TMPDIR to a folder with more room"
        ) from None


def spooled(blocks: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Join one or more blocks into one array, spooled if it is large. Raises CannotWrite as `Spool.add` does."""
    spool = Spool()
    for block in blocks:
        spool.add(block)
    return spool.array()


def chunks(samples: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield one or more consecutive chunks of about 4 MiB. Each is released when the next is asked for."""
    rows = max(1, CHUNK_BYTES // max(1, samples[:1].nbytes))
    for start in range(0, max(1, len(samples)), rows):
        yield samples[start : start + rows]
        release(samples)


def release(samples: NDArray[Any]) -> None:
    """Free the memory taken by what was read of a spooled array. It can be read again."""
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise") and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        base.madvise(mmap.MADV_DONTNEED)
