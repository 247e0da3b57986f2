"""Samples of songs, and the windows over them from which a network learns to predict the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import UsageError
from extrapcli.training.batches import Array, Batches
from extrapcli.training.corpus import Corpus, Shard, decoded, prepare
from extrapcli.training.progress import Progress
from extrapcli.training.recipe import Recipe

SAMPLE_RATE = 22050
SIXTEEN_BIT = 32768.0
QUIETEST = 0.001 * SIXTEEN_BIT  # -60 dB: less is not blown up
Sequences = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Windows(Batches):
    """Items are `(samples, answers)`, float32 `(look_back, 1)` and `(1,)` or, with `every_step`, `(look_back,)`.

    `sequences` are float32 `(channels, n)`. A window begins at every sample of them, with `every_step` at every
    `look_back`-th; with `random`, these begin somewhere else in every epoch.
    """

    sequences: Sequences
    look_back: int
    every_step: bool

    @cached_property
    def _windows(self) -> Sequences:
        return np.lib.stride_tricks.sliding_window_view(self.sequences, self.look_back + 1, axis=1)

    @property
    def _apart(self) -> int:
        return self.look_back if self.every_step else 1

    @property
    def _per_sequence(self) -> int:
        return int(self._windows.shape[1]) // self._apart

    @property
    def items(self) -> int:
        return len(self.sequences) * self._per_sequence

    def item(self, index: int, rng: np.random.Generator) -> tuple[Array, Array]:
        inputs, answers = self.rows(0, np.array([index]))
        return inputs[0], answers[0]

    def rows(self, epoch: int, chosen: NDArray[np.int64]) -> tuple[Array, Array]:
        first = np.random.default_rng((self.seed, epoch)).integers(self._apart) if self.random else 0
        sequence, place = np.divmod(chosen, self._per_sequence)
        found = self._windows[sequence, place * self._apart + first]
        return found[:, :-1, None], found[:, 1:] if self.every_step else found[:, -1:]


@dataclass(frozen=True)
class Sounds:
    """Stretches of songs as sequences `(channels, n)` of unit deviation, and what each was divided by.

    `levels` are the deviations of the whole channels in 16-bit units, `(channels,)`; silence has a level, too.
    """

    shards: tuple[Shard, ...]
    sequences: Sequences
    levels: NDArray[np.float64]


def training_sounds(recipe: Recipe, corpus: Corpus, progress: Progress) -> Sounds:
    """The songs that a recipe names; raises UsageError where one is not there, or too short."""
    wanted = recipe.samples
    songs = [song for split in recipe.data.train for song in corpus.songs(split)]
    if missing := sorted(set(wanted.songs) - {song.stem for song in songs}):
        raise UsageError(
            f"{corpus.root}: no song {missing[0]} in {', '.join(recipe.data.train)}, as this recipe needs"
        )
    chosen = [song for song in songs if song.stem in wanted.songs or not wanted.songs]
    sounds = _sounds(chosen, corpus, wanted.per_song, progress)
    if short := {song for song in chosen if song.stem in wanted.songs} - {shard.source for shard in sounds.shards}:
        raise UsageError(f"{min(short)}: cannot give {wanted.per_song} samples at {SAMPLE_RATE} Hz; lower per_song")
    return sounds


def validation_sounds(recipe: Recipe, corpus: Corpus, progress: Progress) -> Sounds:
    """A stretch of every validation song that is long enough."""
    songs = [song for split in recipe.data.validation for song in corpus.songs(split)]
    return _sounds(songs, corpus, recipe.samples.validation_samples, progress)


def _sounds(songs: Sequence[Path], corpus: Corpus, length: int, progress: Progress) -> Sounds:
    folder = corpus.root / ".shards" / f"{SAMPLE_RATE}-channels"
    shards = prepare(list(songs), folder, decoded(SAMPLE_RATE, mono=False), progress)
    long = tuple(shard for shard in shards if shard.length >= length)
    if not long:
        raise UsageError(f"{corpus.root}: no song has {length} samples at {SAMPLE_RATE} Hz, as this recipe needs")
    stretches, levels = [], []
    for shard in long:
        whole = shard.read()
        begin = (len(whole) - length) // 2
        stretches.append(whole[begin : begin + length].T)
        levels.append(np.maximum(whole.std(axis=0, dtype=np.float64), QUIETEST))
    level = np.concatenate(levels)
    return Sounds(long, (np.concatenate(stretches) / level[:, None]).astype(np.float32), level)
