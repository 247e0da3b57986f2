"""A corpus: folders of songs, decoded once into mono files that training reads at random."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import ExtrapError, UsageError

Shard = NDArray[np.int16]


def songs_in(corpus: Path, split: str) -> list[Path]:
    """List the files of one split, sorted; raise UsageError where there are none."""
    songs = sorted(path for path in (corpus / split).rglob("*") if path.is_file() and path.name[0] != ".")
    if not songs:
        raise UsageError(f"{corpus / split}: no songs; lay a corpus out as FOLDER/train and FOLDER/validation")
    return songs


def shards(
    corpus: Path,
    splits: tuple[str, ...],
    *,
    cache: Path,
    sample_rate: int,
    min_seconds: int,
    skipped: Callable[[str], None],
) -> Iterator[Shard]:
    """Yield each song of the splits as mono int16 `(n,)` at `sample_rate`, mapped from a file in `cache`.

    A song that cannot be decoded or is shorter than `min_seconds` is passed to `skipped` with the reason.
    """
    for split in splits:
        for song in songs_in(corpus, split):
            shard = cache / str(sample_rate) / split / f"{song.name}.npy"
            try:
                if not shard.exists():
                    _decode_into(song, shard, sample_rate)
            except ExtrapError as error:
                skipped(str(error))
                continue
            samples: Shard = np.load(shard, mmap_mode="r")
            if len(samples) < min_seconds * sample_rate:
                skipped(f"{song}: shorter than {min_seconds} s")
                continue
            yield samples


def _decode_into(song: Path, shard: Path, sample_rate: int) -> None:
    from extrapcli.audio.decode import decode
    from extrapcli.audio.resample import resample

    decoded = decode(song)
    mono = decoded.samples.mean(axis=1, keepdims=True, dtype=np.float32)
    mono = resample(mono, from_rate=decoded.sample_rate, to_rate=sample_rate)[:, 0]
    shard.parent.mkdir(parents=True, exist_ok=True)
    partial = shard.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, np.rint(np.clip(mono, -1, 1) * 32767).astype(np.int16))
    partial.replace(shard)
