"""A collection of tunes, and the stretches of it that a network learns from."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast
from zlib import crc32

import keras
import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import UsageError
from extrapcli.melody.encoding import DELIMITER, HOLD, REST, RejectReason, bar_position, encode
from extrapcli.melody.keys import find_key, semitones_to_c
from extrapcli.melody.tune_files import SUFFIXES, copy_essen, read_tunes
from extrapcli.training.batches import Batches, Tensors
from extrapcli.training.corpus import Shard, content_hash, prepare
from extrapcli.training.progress import Progress
from extrapcli.training.recipe import Tunes

Rows = NDArray[np.int32]
ESSEN = Path("essen")
UNFIT = 128 + 3  # above all symbols: the row of a piece that was left out, with the number of its reason
_NUMBERS = {str(pitch): pitch for pitch in range(128)} | {DELIMITER: 128, HOLD: 129, REST: 130}
_REASONS = list(RejectReason)


def essen_at(place: Path, progress: Progress) -> None:
    """Where `essen` is asked for and not there, put the Essen folk song collection there."""
    if place == ESSEN and not place.exists():
        progress.say(f"{place}: {copy_essen(place)} files of the Essen folk song collection, from music21")


@dataclass(frozen=True)
class Piece:
    """A tune in the numbers of a vocabulary, with a delimiter at both ends.

    `beats[i]` is the place in its bar of symbol `i + 1`.
    """

    symbols: Rows
    beats: Rows


@dataclass(frozen=True)
class Collection:
    training: tuple[Piece, ...]
    validation: tuple[Piece, ...]
    sha256: str
    left_out: dict[str, int] = field(default_factory=dict)


def read_collection(root: Path, vocabulary: tuple[str, ...], settings: Tunes, progress: Progress) -> Collection:
    """Read every file of tunes below a folder, and split them by title: variants of a tune are on one side.

    A tune that comes twice counts once. Says how many were left out, and why. Raises UsageError where no tune is left
    on one of the sides.
    """
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise UsageError(f"{root}: no tunes; put files of {', '.join(sorted(SUFFIXES))} there")
    shards = prepare(files, root / ".shards" / "tunes", _rows, progress)
    known = np.full(UNFIT, -1, np.int32)
    for number, symbol in enumerate(vocabulary):
        known[_NUMBERS[symbol]] = number
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    seen, left_out = set(), Counter[str]()
    for rows in (rows for shard in shards for rows in _pieces(shard)):
        if rows[0, 0] == UNFIT:
            left_out[_REASONS[rows[0, 1]]] += 1
            continue
        symbols = known[rows[:, 0]]
        if (symbols < 0).any():
            left_out["has pitches outside the vocabulary"] += 1
        elif (tune := symbols.tobytes()) in seen:
            left_out["comes twice"] += 1
        else:
            seen.add(tune)
            validates = crc32(rows[0, 2].tobytes()) / 2**32 < settings.validation
            sides[validates].append(Piece(symbols, rows[:-1, 1]))
    kept = len(sides[0]) + len(sides[1])
    told = "; ".join(f"{count} left out: {reason}" for reason, count in left_out.most_common())
    progress.say(f"{kept} tunes kept of {kept + left_out.total()}{'; ' if told else ''}{told}")
    if not all(sides):
        raise UsageError(f"{root}: {kept} tunes are too few to train on some and validate on others")
    return Collection(tuple(sides[0]), tuple(sides[1]), content_hash(shards), dict(left_out))


def _rows(file: Path) -> Rows:
    """Every piece of a file, int32 `(n, 3)`: number of the symbol, place of the next one, hash of the title.

    A tune begins and ends with a delimiter; a piece that is none is one row.
    """
    parts = []
    for tune in read_tunes(file):
        if isinstance(tune, RejectReason):
            parts.append([(UNFIT, _REASONS.index(tune), 0)])
        else:
            home = tune.transposed(semitones_to_c(tune, find_key(tune)))
            if not all(0 <= pitch < 128 for pitch in home.pitches):
                continue
            group = crc32(tune.title.strip().lower().encode()) & 0x7FFFFFFF
            symbols = [DELIMITER, *encode(home.notes), DELIMITER]
            parts.append(
                [(_NUMBERS[s], bar_position(tune.metre, tune.upbeat, i), group) for i, s in enumerate(symbols)]
            )
    return np.array([row for part in parts for row in part], np.int32).reshape(-1, 3)


def _pieces(shard: Shard) -> list[Rows]:
    rows = cast(Rows, shard.read())
    ends = np.flatnonzero(rows[:, 0] == _NUMBERS[DELIMITER])[1::2]
    unfit = np.flatnonzero(rows[:, 0] == UNFIT)
    return [part for part in np.split(rows, np.sort(np.concatenate([ends, unfit])) + 1) if len(part)]


@dataclass(frozen=True, kw_only=True)
class Stretches(Batches):
    """Items are `({symbols, beats}, next symbols)`, int32 `(length,)` each, cut from tunes laid one after another.

    With `random`, each begins somewhere else in every epoch.
    """

    pieces: tuple[Piece, ...]
    length: int
    shards: tuple[Shard, ...] = ()

    @property
    def songs(self) -> int:
        return len(self.pieces)

    @cached_property
    def laid(self) -> Rows:
        """Symbols, beats and next symbols of all tunes, int32 `(3, n)`, no shorter than a stretch."""
        order = np.random.default_rng(self.seed).permutation(len(self.pieces))
        tunes = [np.stack([piece.symbols[:-1], piece.beats, piece.symbols[1:]]) for piece in self.pieces]
        whole = np.concatenate([tunes[place] for place in order], axis=1)
        return np.tile(whole, -(-self.length // whole.shape[1]))

    @property
    def items(self) -> int:
        return int(self.laid.shape[1]) // self.length

    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, Rows]:
        begin = index * self.length + (int(rng.integers(self.length)) if self.random else 0)
        symbols, beats, following = self.laid.take(range(begin, begin + self.length), axis=1, mode="wrap")
        return {"symbols": symbols, "beats": beats}, following


def next_symbol_loss() -> keras.losses.Loss:
    """The cross entropy of the symbols that came next, in nats a step."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
