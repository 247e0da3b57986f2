"""A corpus: files in splits, each decoded once into an array on disk from which training reads what it needs."""

import csv
import errno
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

from extrapcli.atomic import atomic_file
from extrapcli.errors import CannotWrite, UnreadableAudio, UsageError
from extrapcli.finding import find_songs
from extrapcli.models import sha256
from extrapcli.training.progress import Progress

MAX_BROKEN = 0.05  # share of a corpus's files that may be unreadable
STALE_SECONDS = 3600

Make = Callable[[Path], NDArray[Any]]
"""Makes the array of a shard from a file."""


@dataclass(frozen=True)
class Corpus:
    """Songs in splits: those in the folder with a split's name, or those that a manifest lists for it."""

    root: Path
    manifest: tuple[tuple[str, Path], ...] | None = None

    @classmethod
    def open(cls, path: Path) -> "Corpus":
        """Open a folder with a subfolder for each split, or a tab-separated manifest with columns `split` and `file`.

        Files in a manifest are relative to it. Raises UsageError where `path` is neither, or lists a file twice.
        """
        if path.is_dir():
            return cls(path)
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                rows = [(row["split"], path.parent / row["file"]) for row in lines]
        except OSError as error:
            raise UsageError(f"{path}: not a folder or manifest of songs: {error.strerror}") from None
        except (KeyError, TypeError, UnicodeDecodeError, csv.Error):
            raise UsageError(f"{path}: not a manifest; it needs the tab-separated columns split and file") from None
        for file_path, times in Counter(file_path for _, file_path in rows).most_common(1):
            if times > 1:
                raise UsageError(f"{path}: lists {file_path} more than once")
        return cls(path.parent, tuple(rows))

    def songs(self, split: str) -> list[Path]:
        """Return the files of a split, sorted; in a folder, those that `find_songs` finds.

        Raises UsageError where there are none.
        """
        if self.manifest is not None:
            songs = sorted(path for of, path in self.manifest if of == split)
            where = "the manifest lists none"
        else:
            folder = self.root / split
            if ".." in folder.parts[len(self.root.parts) :] or Path(split).is_absolute():
                raise UsageError(f"{self.root}: {split} is no folder of songs inside")
            songs = [path for song in find_songs(folder).songs if (path := folder / song).is_file()]
            where = f"put them into {self.root / split}"
        if not songs:
            raise UsageError(f"{self.root}: no songs for {split}; {where}")
        return songs


@dataclass(frozen=True)
class Stamp:
    """The state of a file when it was read: size in bytes, time of the last change in nanoseconds, SHA-256."""

    size: int
    changed: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """An array on disk that was made from one file, and the stamp of that file."""

    path: Path
    source: Path
    stamp: Stamp
    length: int

    def read(self, begin: int = 0, end: int | None = None) -> NDArray[Any]:
        """Read the rows from `begin` to `end`; nothing is kept in memory."""
        return np.array(np.load(self.path, mmap_mode="r")[begin:end])


def prepare(sources: list[Path], folder: Path, make: Make, progress: Progress) -> list[Shard]:
    """Make an array from each source, or reuse the one in `folder` where the source has not changed.

    A source that cannot be read is reported and left out. Raises UnreadableAudio where these are more than one in
    twenty, CannotWrite where `folder` cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{folder}: cannot prepare songs there: {error.strerror}") from None
    for unfinished in folder.glob(".extrap-*"):  # left by a process that was killed, unless another is at it now
        if time.time() - unfinished.stat().st_mtime > STALE_SECONDS:
            unfinished.unlink(missing_ok=True)
    shards: list[Shard] = []
    broken: list[Path] = []
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        outcomes = pool.map(lambda source: _attempt(source, folder, make), sources)
        for count, (source, outcome) in enumerate(zip(sources, outcomes, strict=True), 1):
            if isinstance(outcome, UnreadableAudio):
                progress.say(f"skipped {outcome}")
                broken.append(source)
            else:
                shards.append(outcome)
            progress.prepared(count, len(sources))
    finally:
        pool.shutdown(cancel_futures=True)
    if broken:
        skipped = f"{len(broken)} of {len(sources)} songs cannot be read"
        if len(broken) > MAX_BROKEN * len(sources):
            raise UnreadableAudio(
                f"{skipped}, more than {MAX_BROKEN:.0%}, such as {broken[0]}; repair or remove them"
            )
        progress.say(skipped)
    return shards


def prepare_songs(
    corpus: Corpus, sets: Sequence[Sequence[str]], *, sample_rate: int, seconds: int, progress: Progress
) -> list[tuple[Shard, ...]]:
    """Decode the songs of several sets of splits: mono int16 `(n,)` at `sample_rate`, one tuple for each set.

    Songs shorter than `seconds` are reported and left out. Raises UsageError where a set has no song left.
    """
    songs = {split: corpus.songs(split) for splits in sets for split in splits}
    paths = [song for listed in songs.values() for song in listed]
    folder = corpus.root / ".shards" / str(sample_rate)
    shards = {shard.source: shard for shard in prepare(paths, folder, decoded(sample_rate), progress)}
    for shard in shards.values():
        if shard.length < seconds * sample_rate:
            progress.say(f"left out {shard.source}: shorter than {seconds} s")
    found = []
    for splits in sets:
        decodable = [shards[song] for split in splits for song in songs[split] if song in shards]
        long = tuple(shard for shard in decodable if shard.length >= seconds * sample_rate)
        if not long:
            raise UsageError(f"{corpus.root}: no song in {', '.join(splits)} lasts {seconds} s, as this recipe needs")
        found.append(long)
    return found


def content_hash(*splits: Sequence[Shard]) -> str:
    """Hash the contents of the sources, in order: the same for the same songs, wherever they lie."""
    text = "\n\n".join("\n".join(shard.stamp.sha256 for shard in shards) for shards in splits)
    return hashlib.sha256(text.encode()).hexdigest()


def decoded(sample_rate: int, *, mono: bool = True) -> Make:
    """Return a function that decodes a song to int16 at `sample_rate`: `(n,)` in mono, else `(n, channels)`."""

    def make(song: Path) -> NDArray[np.int16]:
        from extrapcli.audio.decode import decode
        from extrapcli.audio.downmix import to_mono
        from extrapcli.audio.resample import resample

        read = decode(song, name=str(song))
        sound = to_mono(read.heard, read.sample_rate)[:, None] if mono else read.heard
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
    known = _read_note(note) if path.exists() else None
    try:
        state = source.stat()
        if known and (known[0].size, known[0].changed) == (state.st_size, state.st_mtime_ns):
            return Shard(path, source, *known)
        stamp = Stamp(state.st_size, state.st_mtime_ns, sha256(source))
    except OSError as error:
        raise UnreadableAudio(f"{source}: {error.strerror}") from None
    if known and known[0].sha256 == stamp.sha256:
        length = known[1]
    else:
        array = make(source)
        length = len(array)
        note.unlink(missing_ok=True)  # so that it never describes another array, even if the next lines don't run
        with atomic_file(path, overwrite=True, durable=True) as unfinished, unfinished.open("wb") as file:
            try:
                np.save(file, array)
            except OSError as error:  # of a full disk NumPy says how many items were written
                raise OSError(error.errno or errno.ENOSPC, os.strerror(error.errno or errno.ENOSPC)) from None
    with atomic_file(note, overwrite=True, durable=True) as unfinished:
        unfinished.write_text(json.dumps({"stamp": asdict(stamp), "length": length}), encoding="utf-8")
    return Shard(path, source, stamp, length)


def _read_note(note: Path) -> tuple[Stamp, int] | None:
    try:
        read = json.loads(note.read_text(encoding="utf-8"))
        return Stamp(**read["stamp"]), read["length"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
