"""A corpus: songs in splits, prepared once into files on disk that training reads a stretch at a time."""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import CannotWrite, ExtrapError, UnreadableAudio, UsageError
from extrapcli.models import sha256
from extrapcli.training.progress import Progress

MAX_BROKEN = 0.05  # share of the songs of a corpus
Array = NDArray[Any]
Make = Callable[[Path], Array]


@dataclass(frozen=True)
class Corpus:
    """Songs of each split: those in the folder of its name, or those that a manifest lists."""

    root: Path
    manifest: tuple[tuple[str, Path], ...] | None = None

    @classmethod
    def open(cls, place: Path) -> "Corpus":
        """A folder with a subfolder for each split, or a tab-separated manifest with columns `split` and `file`.

        Files of a manifest are relative to it. Raises UsageError where `place` is neither.
        """
        if place.is_dir():
            return cls(place)
        try:
            with place.open(newline="") as file:
                rows = [(row["split"], place.parent / row["file"]) for row in csv.DictReader(file, delimiter="\t")]
        except OSError as error:
            raise UsageError(f"{place}: no folder or manifest of songs: {error.strerror}") from None
        except (KeyError, TypeError, UnicodeDecodeError, csv.Error):
            raise UsageError(f"{place}: no manifest; it needs the tab-separated columns split and file") from None
        return cls(place.parent, tuple(rows))

    def songs(self, splits: Iterable[str]) -> list[Path]:
        """The files of the splits, sorted within each; raise UsageError for a split without songs."""
        found: list[Path] = []
        for split in splits:
            if self.manifest is not None:
                songs = sorted(path for of, path in self.manifest if of == split)
            else:
                files = (self.root / split).rglob("*")
                songs = sorted(path for path in files if path.is_file() and not path.name.startswith("."))
            if not songs:
                raise UsageError(f"{self.root / split}: no songs; a corpus is laid out as FOLDER/train, ...")
            found += songs
        return found


@dataclass(frozen=True)
class Stamp:
    """What a file was when it was read: bytes, time of change in nanoseconds, SHA-256."""

    size: int
    changed: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """An array on disk, made of one file, and the stamp of that file."""

    path: Path
    source: Path
    stamp: Stamp
    length: int

    def read(self, begin: int = 0, end: int | None = None) -> Array:
        """Rows from `begin` to `end`, read anew each time: nothing of a shard stays in memory."""
        return np.array(np.load(self.path, mmap_mode="r")[begin:end])


def prepare(sources: list[Path], folder: Path, make: Make, progress: Progress) -> list[Shard]:
    """Make an array of each source, or take the one in `folder` where the source has not changed.

    Shards appear under their names only when they are whole. A source that cannot be read is left out and named;
    raises UnreadableAudio where that is more than one in twenty.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{folder}: cannot prepare songs there: {error.strerror}") from None
    shards: list[Shard] = []
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        outcomes = pool.map(lambda source: _attempt(source, folder, make), sources)
        for count, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, ExtrapError):
                progress.say(f"skipped {outcome}")
            else:
                shards.append(outcome)
            progress.prepared(count, len(sources))
    finally:
        pool.shutdown(cancel_futures=True)
    if broken := len(sources) - len(shards):
        told = f"{broken} of {len(sources)} songs cannot be read"
        if broken > MAX_BROKEN * len(sources):
            raise UnreadableAudio(f"{told}, more than {MAX_BROKEN:.0%}; mend them or take them out of the corpus")
        progress.say(told)
    return shards


def content_hash(shards: list[Shard]) -> str:
    """SHA-256 of the sources' own, in any order: the same for the same songs, wherever they lie."""
    return hashlib.sha256("".join(sorted(shard.stamp.sha256 for shard in shards)).encode()).hexdigest()


def decoded(sample_rate: int) -> Make:
    """Make mono int16 `(n,)` at `sample_rate` of a song."""

    def make(song: Path) -> Array:
        from extrapcli.audio.decode import decode
        from extrapcli.audio.resample import resample

        read = decode(song)
        mono = read.samples.mean(axis=1, keepdims=True, dtype=np.float32)
        mono = resample(mono, from_rate=read.sample_rate, to_rate=sample_rate)[:, 0]
        return np.rint(np.clip(mono, -1, 1) * 32767).astype(np.int16)

    return make


def _attempt(source: Path, folder: Path, make: Make) -> Shard | ExtrapError:
    try:
        return _shard(source, folder, make)
    except ExtrapError as error:
        return error
    except OSError as error:
        return CannotWrite(f"{source}: {error.strerror}")


def _shard(source: Path, folder: Path, make: Make) -> Shard:
    name = f"{source.stem[:80]}-{hashlib.sha256(str(source.absolute()).encode()).hexdigest()[:12]}"
    path, note = folder / f"{name}.npy", folder / f"{name}.json"
    was = _noted(note) if path.exists() else None
    try:
        state = source.stat()
    except OSError:
        raise UnreadableAudio(f"{source}: no such file") from None
    if was and (was[0].size, was[0].changed) == (state.st_size, state.st_mtime_ns):
        return Shard(path, source, *was)
    stamp = Stamp(state.st_size, state.st_mtime_ns, sha256(source))
    if was and was[0].sha256 == stamp.sha256:
        length = was[1]
    else:
        array = make(source)
        length = len(array)
        _write(path, lambda file: np.save(file, array))
    _write(note, lambda file: file.write(json.dumps({"stamp": asdict(stamp), "length": length}).encode()))
    return Shard(path, source, stamp, length)


def _noted(note: Path) -> tuple[Stamp, int] | None:
    try:
        noted = json.loads(note.read_text())
        return Stamp(**noted["stamp"]), noted["length"]
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _write(path: Path, write: Callable[[Any], object]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".partial-", delete=False) as file:
        write(file)
    Path(file.name).replace(path)
