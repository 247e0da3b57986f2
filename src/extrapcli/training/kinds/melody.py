"""`melody`, the network that writes tunes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import BAR_POSITIONS, DELIMITER, HOLD, REST, RejectReason, bar_position, encode
from extrapcli.melody.keys import find_key, semitones_to_c
from extrapcli.melody.ngram import NGram, PredictionMetrics
from extrapcli.melody.tune_files import SUFFIXES, copy_essen, read_tunes
from extrapcli.networks.settings import MelodySettings
from extrapcli.spec import TuneSpec, expect
from extrapcli.training.batches import Batches, Tensors
from extrapcli.training.corpus import Corpus, Shard, content_hash, prepare
from extrapcli.training.kinds.base import TENSORS, Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import TuneSettings

if TYPE_CHECKING:
    import keras

ESSEN = Path("essen")
ORDERS = {"unigram": 1, "bigram": 2, "five_gram": 5}  # n-gram models that the network is compared with
TUNES_AT_ONCE = 256
COMPARED_TUNES = 16  # validation tunes on which the backends are compared

_NUMBERS = {str(pitch): pitch for pitch in range(128)} | {DELIMITER: 128, HOLD: 129, REST: 130}
_REJECTED = 131  # marks the row of a piece that was left out, beside the number of the reason
_REASONS = list(RejectReason)


@dataclass(frozen=True)
class EncodedTune:
    """A tune as int32 indices into a vocabulary, with a delimiter at both ends.

    `beats[i]` is the position in its bar of symbol `i + 1`.
    """

    symbols: NDArray[np.int32]
    beats: NDArray[np.int32]


@dataclass(frozen=True)
class Collection:
    """The tunes of a folder, split by title."""

    training: tuple[EncodedTune, ...]
    validation: tuple[EncodedTune, ...]
    sha256: str


def read_collection(root: Path, vocabulary: tuple[str, ...], validation: float, progress: Progress) -> Collection:
    """Read all files of tunes below a folder, and split them: a share of about `validation` is to validate with.

    The split is by title, so variants of a tune are on the same side. A tune that comes twice counts once. Progress
    tells how many were left out, and why. Raises UsageError where a side has no tune.
    """
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise UsageError(f"{root}: no tunes; put files of {', '.join(sorted(SUFFIXES))} there")
    shards = prepare(files, root / ".shards" / "tunes", _encode_file, progress)
    indices = np.full(_REJECTED, -1, np.int32)
    for index, symbol in enumerate(vocabulary):
        indices[_NUMBERS[symbol]] = index
    sides: tuple[list[EncodedTune], list[EncodedTune]] = ([], [])
    seen, left_out = set(), Counter[str]()
    for rows in (rows for shard in shards for rows in _pieces(shard)):
        if rows[0, 0] == _REJECTED:
            left_out[_REASONS[rows[0, 1]]] += 1
            continue
        symbols = indices[rows[:, 0]]
        if (symbols < 0).any():
            left_out["has pitches outside the vocabulary"] += 1
        elif (tune := symbols.tobytes()) in seen:
            left_out["comes twice"] += 1
        else:
            seen.add(tune)
            to_validate = crc32(rows[0, 2].tobytes()) / 2**32 < validation
            sides[to_validate].append(EncodedTune(symbols, rows[:-1, 1]))
    kept = len(sides[0]) + len(sides[1])
    reasons = "".join(f"; {count} left out: {reason}" for reason, count in left_out.most_common())
    progress.say(f"{kept} tunes kept of {kept + left_out.total()}{reasons}")
    if not all(sides):
        raise UsageError(f"{root}: {kept} tunes are too few to train on some and validate on others")
    return Collection(tuple(sides[0]), tuple(sides[1]), content_hash(shards))


def _encode_file(file: Path) -> NDArray[np.int32]:
    """Encode all pieces of a file, int32 `(n, 3)`: number of the symbol, beat of the next one, hash of the title.

    A tune begins and ends with a delimiter; a rejected piece is one row.
    """
    parts = []
    for tune in read_tunes(file):
        if isinstance(tune, RejectReason):
            parts.append([(_REJECTED, _REASONS.index(tune), 0)])
        else:
            home = tune.transposed(semitones_to_c(tune, find_key(tune)))
            if not all(0 <= pitch < 128 for pitch in home.pitches):
                continue
            title = crc32(tune.title.strip().lower().encode()) & 0x7FFFFFFF
            symbols = [DELIMITER, *encode(home.notes), DELIMITER]
            parts.append(
                [(_NUMBERS[s], bar_position(tune.metre, tune.upbeat, i), title) for i, s in enumerate(symbols)]
            )
    return np.array([row for part in parts for row in part], np.int32).reshape(-1, 3)


def _pieces(shard: Shard) -> list[NDArray[np.int32]]:
    rows = shard.read()
    ends = np.flatnonzero(rows[:, 0] == _NUMBERS[DELIMITER])[1::2]
    rejected = np.flatnonzero(rows[:, 0] == _REJECTED)
    return [part for part in np.split(rows, np.sort(np.concatenate([ends, rejected])) + 1) if len(part)]


@dataclass(frozen=True, kw_only=True)
class TuneExcerpts(Batches):
    """Items are `({symbols, beats}, next symbols)`, int32 `(length,)` each, cut from all tunes laid end to end.

    With `random`, each excerpt begins at another step in every epoch.
    """

    tunes: tuple[EncodedTune, ...]
    length: int
    shards: tuple[Shard, ...] = ()

    @property
    def songs(self) -> int:
        return len(self.tunes)

    @cached_property
    def _sequence(self) -> NDArray[np.int32]:
        """Symbols, beats and next symbols of all tunes, `(3, n)`, repeated where they are shorter than an excerpt."""
        order = np.random.default_rng(self.seed).permutation(len(self.tunes))
        parts = [np.stack([tune.symbols[:-1], tune.beats, tune.symbols[1:]]) for tune in self.tunes]
        whole = np.concatenate([parts[index] for index in order], axis=1)
        return np.tile(whole, -(-self.length // whole.shape[1]))

    @property
    def items(self) -> int:
        return int(self._sequence.shape[1]) // self.length

    def item(self, index: int, rng: np.random.Generator) -> tuple[Tensors, NDArray[np.int32]]:
        begin = index * self.length + (int(rng.integers(self.length)) if self.random else 0)
        symbols, beats, following = self._sequence.take(range(begin, begin + self.length), axis=1, mode="wrap")
        return {"symbols": symbols, "beats": beats}, following


def predicted(backend: Backend, tunes: Sequence[EncodedTune]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Predict each symbol of some tunes, but the first, from all before it in its tune.

    Returns the probability of each symbol, and whether it was the most probable one.
    """
    probabilities, right = [], []
    longest_first = sorted(tunes, key=lambda tune: -len(tune.beats))
    for begin in range(0, len(longest_first), TUNES_AT_ONCE):
        running = longest_first[begin : begin + TUNES_AT_ONCE]
        state = np.zeros((len(running), expect(backend.spec, TuneSpec).state), np.float32)
        for step in range(len(running[0].beats)):
            running = [tune for tune in running if len(tune.beats) > step]
            now = np.array([(tune.symbols[step], tune.beats[step]) for tune in running], np.float32)
            outputs = backend.run({"context": np.concatenate([now, state[: len(running)]], axis=1)[:, None]})
            state = outputs["state"]
            following = [tune.symbols[step + 1] for tune in running]
            probabilities.append(outputs["next"][np.arange(len(running)), following])
            right.append(outputs["next"].argmax(axis=1) == following)
    return np.concatenate(probabilities).astype(np.float64), np.concatenate(right)


class MelodyRecipe(Recipe, frozen=True):
    title: ClassVar[str] = "writes folk tunes, for extrap melody"
    summary: ClassVar[str] = (
        "Writes tunes of one voice from their first notes, a sixteenth at a time (extrap melody)."
    )

    network: Literal["melody"] = "melody"
    melody: MelodySettings = MelodySettings()
    tunes: TuneSettings = TuneSettings()

    def open_corpus(self, path: Path, progress: Progress) -> Corpus:
        """Open a folder of tunes; where `essen` is not there, make it of the Essen folk song collection first."""
        if path == ESSEN and not path.exists():
            progress.say(f"{path}: {copy_essen(path)} files of the Essen folk song collection, from music21")
        return super().open_corpus(path, progress)

    def collection(self, corpus: Corpus, progress: Progress) -> Collection:
        return read_collection(corpus.root, self.melody.symbols, self.tunes.validation, progress)

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        collection = self.collection(corpus, progress)
        return collection.training, collection.validation, collection.sha256

    def data_set(self, source: tuple[EncodedTune, ...], **options: Any) -> TuneExcerpts:
        return TuneExcerpts(tunes=source, length=self.tunes.context_steps, **options)

    def loss(self) -> keras.losses.Loss:
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def build(self, training: Batches) -> keras.Model:
        from extrapcli.networks.melody import melody

        return melody(self.melody, BAR_POSITIONS)

    def memory_bytes(self, processes: int) -> int:
        numbers = TENSORS * (self.melody.units * self.melody.layers + len(self.melody.symbols))  # float32, a step
        return 4 * max(self.fit.batch_sizes) * self.tunes.context_steps * numbers // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        return f"{songs} tunes, all but a share of {self.tunes.validation:g}, by title, of {corpus}"

    def spec(self, name: str) -> TuneSpec:
        return TuneSpec(name, self.melody.symbols, self.melody.state)

    def released(self, weights: Path) -> keras.Model:
        from extrapcli.networks.melody import melody, to_step

        trained = melody(self.melody, BAR_POSITIONS)
        trained.load_weights(weights)
        return to_step(trained, self.melody, BAR_POSITIONS)

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Measure the perplexity and accuracy of the validation tunes, beside those of n-gram models."""
        collection = self.collection(corpus, progress)
        scores = {"validation": PredictionMetrics.of(*predicted(onnx, collection.validation))}
        training, validation = (
            [tune.symbols.tolist() for tune in tunes] for tunes in (collection.training, collection.validation)
        )
        for name, order in ORDERS.items():
            scores[name] = NGram(training, order=order, symbols=len(self.melody.symbols)).evaluate(validation)
        figures: Figures = {}
        for name, score in scores.items():
            figures[f"{name}_perplexity"] = round(score.perplexity, 4)
            figures[f"{name}_accuracy"] = round(score.accuracy, 4)
        few = collection.validation[:COMPARED_TUNES]
        return figures, relative_difference(predicted(onnx, few)[0], predicted(tensorflow, few)[0])
