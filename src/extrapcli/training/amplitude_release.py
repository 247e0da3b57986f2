"""What is released of a run on samples, and how well it predicts them, beside linear prediction."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from extrapcli.amplitude import linear, network
from extrapcli.amplitude.stability import Stability, stability
from extrapcli.backends.base import Backend
from extrapcli.networks.amplitude import amplitude, amplitude_rolled
from extrapcli.spec import SampleSpec
from extrapcli.training.amplitude_onnx import amplitude_graph
from extrapcli.training.corpus import Corpus
from extrapcli.training.progress import Progress
from extrapcli.training.recipe import Recipe
from extrapcli.training.windows import SAMPLE_RATE, Sounds, training_sounds, validation_sounds

Figures = dict[str, float | int | str]
Sequence = NDArray[np.float32]
Predict = Callable[[Sequence], NDArray[np.floating]]

FOLLOWED = 8  # songs of which the closed loop is measured, one channel of each
FOLLOWED_SECONDS = 3
AGREEMENT_STEPS = 3  # further on, a loop may part from itself by what was rounded


class AmplitudeRelease:
    """A network that predicts samples, in the form that can go on from its own answers."""

    def __init__(self, recipe: Recipe, name: str) -> None:
        self.recipe = recipe
        songs = recipe.samples.songs
        self.part = f"songs ({recipe.samples.per_song} samples of each: {'; '.join(songs) if songs else 'all'})"
        self.look_back = recipe.amplitude.look_back
        self.summary = (
            f"Predicts each sample from the {self.look_back} before it (extrap predict). Going on from its own "
            "answers (extrap continue) it makes no music; closed_loop says what becomes of it."
        )
        self.spec = SampleSpec(name, "amplitude", SAMPLE_RATE, self.look_back)

    def model(self, weights: Path) -> keras.Model:
        settings = self.recipe.amplitude
        trained = amplitude(settings, every_step=self.recipe.samples.every_step)
        trained.load_weights(weights)
        predictor = amplitude(settings)
        predictor.set_weights(trained.get_weights())
        return amplitude_rolled(predictor)

    def graph(self, model: keras.Model, opset: int) -> onnx.ModelProto:
        """The ONNX form of the model."""
        return amplitude_graph(model.get_layer("roll").predictor, self.recipe.amplitude, opset=opset)

    def measure(
        self, trained: keras.Model, backend: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Figures for the card, and the largest relative difference between the backends."""
        training = training_sounds(self.recipe, corpus, progress)
        validation = validation_sounds(self.recipe, corpus, progress)
        weights = linear.fit(training.sequences, self.look_back)
        ways: dict[str, Predict] = {
            "network": lambda sequence: np.concatenate(list(network.predict(backend, sequence, self.look_back))),
            "linear_prediction": lambda sequence: linear.predict(weights, sequence),
            "linear_prediction_of_each_song": lambda s: linear.predict(linear.fit([s], self.look_back), s),
            "last_sample": lambda sequence: np.concatenate([[0], sequence[:-1]]),
        }
        figures: Figures = {}
        for name, predict in ways.items():
            pooled, median = _decibels(validation, predict)
            figures |= {f"{name}_validation_decibels": pooled, f"{name}_validation_median_decibels": median}
        for name, predict in ways.items():
            figures[f"{name}_training_squared_16_bit"] = round(_squared_16_bit(training, predict))
        figures |= {"look_back": self.look_back, "silence_training_squared_16_bit": round(_power(training))}
        figures |= self._lives(backend, validation, weights)
        known = validation.sequences[:, -self.look_back :]
        one, other = (network.extrapolate(of, known, AGREEMENT_STEPS) for of in (backend, tensorflow))
        return figures, float(np.abs(one - other).max() / max(np.abs(other).max(), np.finfo(np.float32).tiny))

    def _lives(self, backend: Backend, sounds: Sounds, weights: NDArray[np.float64]) -> Figures:
        """How long the closed loop lives after some songs, and that of linear prediction."""
        sequences = sounds.sequences[:: max(1, len(sounds.sequences) // FOLLOWED)][:FOLLOWED]
        count = FOLLOWED_SECONDS * SAMPLE_RATE
        known = sequences[:, -self.look_back :]
        lives = {
            "closed_loop": list(network.extrapolate(backend, known, count)),
            "linear_prediction_closed_loop": [linear.extrapolate(weights, of, count) for of in known],
            "linear_prediction_of_each_song_closed_loop": [
                linear.extrapolate(linear.fit([sequence], self.look_back), of, count)
                for sequence, of in zip(sequences, known, strict=True)
            ],
        }
        figures: Figures = {"closed_loop_songs": len(known), "closed_loop_followed_seconds": FOLLOWED_SECONDS}
        for name, sound in lives.items():
            figures |= _told(name, [stability(of, SAMPLE_RATE) for of in sound])
        return figures


def _told(name: str, lives: list[Stability]) -> Figures:
    """How many end in which way, and the middle one of the seconds it takes."""
    ends: dict[str, list[float]] = {}
    for one in lives:
        ends.setdefault(one.outcome, []).append(one.seconds)
    told = (f"{end}: {len(seconds)}, after {np.median(seconds):.2f} s" for end, seconds in sorted(ends.items()))
    return {name: "; ".join(told)}


def _decibels(sounds: Sounds, predict: Predict) -> tuple[float, float]:
    """The error of all channels together, and that of the middle one, in dB of what they are."""
    of = sounds.sequences[sounds.sequences.any(axis=1)]
    errors = np.array([np.square(predict(s) - s, dtype=np.float64).mean() for s in of])
    powers = np.square(of, dtype=np.float64).mean(axis=1)
    pooled, median = 10 * np.log10([errors.sum() / powers.sum(), np.median(errors / powers)])
    return round(float(pooled), 2), round(float(median), 2)


def _squared_16_bit(sounds: Sounds, predict: Predict) -> float:
    pairs = zip(sounds.sequences, sounds.levels, strict=True)
    return float(np.mean([np.square(predict(s) - s, dtype=np.float64).mean() * level**2 for s, level in pairs]))


def _power(sounds: Sounds) -> float:
    return _squared_16_bit(sounds, np.zeros_like)
