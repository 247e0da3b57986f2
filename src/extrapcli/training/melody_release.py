"""What is released of a run on tunes, and how well that foretells tunes, beside n-gram models."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.melody.encoding import BAR_POSITIONS
from extrapcli.melody.ngram import NGram, PredictionMetrics
from extrapcli.networks.melody import melody, to_step
from extrapcli.spec import TuneSpec, expect
from extrapcli.training.corpus import Corpus
from extrapcli.training.progress import Progress
from extrapcli.training.recipe import Recipe
from extrapcli.training.tunes import Piece, read_collection

Figures = dict[str, float | int | str]
ORDERS = {"unigram": 1, "bigram": 2, "five_gram": 5}
AT_ONCE = 256  # tunes
AGREEMENT_TUNES = 16


class MelodyRelease:
    """A network that foretells the next symbol of a tune, in the form that takes one step at a time."""

    summary: ClassVar[str] = (
        "Writes tunes of one voice, a sixteenth at a time, from the first notes on (extrap melody)."
    )

    def __init__(self, recipe: Recipe, name: str) -> None:
        net = recipe.melody
        self.recipe = recipe
        self.part = f"tunes, all but a share of {recipe.tunes.validation:g}, by title,"
        self.spec = TuneSpec(name, net.symbols, net.state)

    def model(self, weights: Path) -> keras.Model:
        trained = melody(self.recipe.melody, BAR_POSITIONS)
        trained.load_weights(weights)
        return to_step(trained, self.recipe.melody, BAR_POSITIONS)

    def measure(
        self, trained: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Figures for the card, and the largest relative difference between the backends.

        Each symbol of a validation tune is foretold from all before it in that tune, its end included.
        """
        vocabulary = self.spec.symbols
        collection = read_collection(corpus.root, vocabulary, self.recipe.tunes, progress)
        figures: Figures = {}
        told, right = foretell(onnx, collection.validation)
        scores = {"validation": PredictionMetrics.of(told, right)}
        for name, order in ORDERS.items():
            model = NGram([p.symbols.tolist() for p in collection.training], order=order, symbols=len(vocabulary))
            scores[name] = model.evaluate([piece.symbols.tolist() for piece in collection.validation])
        for name, score in scores.items():
            figures[f"{name}_perplexity"] = round(score.perplexity, 4)
            figures[f"{name}_accuracy"] = round(score.accuracy, 4)
        few = collection.validation[:AGREEMENT_TUNES]
        one, other = foretell(onnx, few)[0], foretell(tensorflow, few)[0]
        return figures, float(np.abs(one - other).max() / other.max())


def foretell(backend: Backend, pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The chance that a model gave each symbol of tunes but the first, and whether it was the highest."""
    chances, right = [], []
    longest_first = sorted(pieces, key=lambda piece: -len(piece.beats))
    for begin in range(0, len(longest_first), AT_ONCE):
        going = longest_first[begin : begin + AT_ONCE]
        state = np.zeros((len(going), expect(backend.spec, TuneSpec).state), np.float32)
        for step in range(len(going[0].beats)):
            going = [piece for piece in going if len(piece.beats) > step]
            now = np.array([(piece.symbols[step], piece.beats[step]) for piece in going], np.float32)
            given = backend.run({"context": np.concatenate([now, state[: len(going)]], axis=1)[:, None]})
            state = given["state"]
            following = [piece.symbols[step + 1] for piece in going]
            chances.append(given["next"][np.arange(len(going)), following])
            right.append(given["next"].argmax(axis=1) == following)
    return np.concatenate(chances).astype(np.float64), np.concatenate(right)
