"""A corpus: songs in splits, prepared once into files on disk that training reads a stretch at a time."""

import csv
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.formats import is_audio_name
from extrapcli.errors import CannotWrite, UnreadableAudio, UsageError
from extrapcli.models import sha256
from extrapcli.training.files import write_whole
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

        Files of a manifest are relative to it. Raises UsageError where `place` is neither, or lists a file twice.
        """
        if place.is_dir():
            return cls(place)
        try:
            with place.open(newline="", encoding="utf-8-sig") as file:
                lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                rows = [(row["split"], place.parent / row["file"]) for row in lines]
        except OSError as error:
            raise UsageError(f"{place}: no folder or manifest of songs: {error.strerror}") from None
        except (KeyError, TypeError, UnicodeDecodeError, csv.Error):
            raise UsageError(f"{place}: no manifest; it needs the tab-separated columns split and file") from None
        for path, times in Counter(path for _, path in rows).most_common(1):
            if times > 1:
                raise UsageError(f"{place}: lists {path} more than once")
        return cls(place.parent, tuple(rows))

    def songs(self, split: str) -> list[Path]:
        """The files of a split, sorted; raises UsageError where there are none.

        In a folder, those count that have the name of an audio file.
        """
        if self.manifest is not None:
            songs = sorted(path for of, path in self.manifest if of == split)
            where = "the manifest lists none"
        else:
            songs = sorted(p for p in (self.root / split).rglob("*") if is_audio_name(p) and p.is_file())
            where = f"put them into {self.root / split}"
        if not songs:
            raise UsageError(f"{self.root}: no songs for {split}; {where}")
        return songs


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
    raises UnreadableAudio where that is more than one in twenty, CannotWrite where `folder` can't take a shard.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{folder}: cannot prepare songs there: {error.strerror}") from None
    for partial in folder.glob(".partial-*"):  # of a process that was killed
        if time.time() - partial.stat().st_mtime > 3600:
            partial.unlink(missing_ok=True)
    shards: list[Shard] = []
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        outcomes = pool.map(lambda source: _attempt(source, folder, make), sources)
        for count, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, UnreadableAudio):
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


def content_hash(*splits: Sequence[Shard]) -> str:
    """SHA-256 of the sources' own, in their order: the same for the same songs, wherever they lie."""
    told = "\n\n".join("\n".join(shard.stamp.sha256 for shard in shards) for shards in splits)
    return hashlib.sha256(told.encode()).hexdigest()


def decoded(sample_rate: int, *, mono: bool = True) -> Make:
    """Make int16 at `sample_rate` of a song: the mean of its channels `(n,)`, or `(n, channels)`."""

    def make(song: Path) -> Array:
        from extrapcli.audio.decode import decode
        from extrapcli.audio.resample import resample

        read = decode(song, name=str(song))
        sound = read.samples.mean(axis=1, keepdims=True, dtype=np.float32) if mono else read.samples
        sound = resample(sound, from_rate=read.sample_rate, to_rate=sample_rate)
        return np.rint(np.clip(sound[:, 0] if mono else sound, -1, 1) * 32767).astype(np.int16)

    return make


def _attempt(source: Path, folder: Path, make: Make) -> Shard | UnreadableAudio:
    try:
        return _shard(source, folder, make)
    except UnreadableAudio as error:
        return error


def _shard(source: Path, folder: Path, make: Make) -> Shard:
    name = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()[:24]
    path, note = folder / f"{name}.npy", folder / f"{name}.json"
    was = _noted(note) if path.exists() else None
    try:
        state = source.stat()
        if was and (was[0].size, was[0].changed) == (state.st_size, state.st_mtime_ns):
            return Shard(path, source, *was)
        stamp = Stamp(state.st_size, state.st_mtime_ns, sha256(source))
    except OSError as error:
        raise UnreadableAudio(f"{source}: {error.strerror}") from None
    if was and was[0].sha256 == stamp.sha256:
        length = was[1]
    else:
        array = make(source)
        length = len(array)
        note.unlink(missing_ok=True)  # or it would speak of another array, were this the last that is done
        write_whole(path, lambda partial: _save(partial, array))
    text = json.dumps({"stamp": asdict(stamp), "length": length})
    write_whole(note, lambda partial: partial.write_text(text, encoding="utf-8"))
    return Shard(path, source, stamp, length)


def _save(path: Path, array: Array) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def _noted(note: Path) -> tuple[Stamp, int] | None:
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
        return Stamp(**noted["stamp"]), noted["length"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
