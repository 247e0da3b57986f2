"""What is released of a run, and what it is measured by, for each kind of network."""

from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.evaluation.retrieval import PLAIN, retrieval
from extrapcli.networks.recall import FRAME_SAMPLES, recall
from extrapcli.spec import ModelSpec, Shape
from extrapcli.training.fit import Report, clips, decoded
from extrapcli.training.recipe import Recipe

Figures = dict[str, float | int | str]

MAX_LOSS_INCREASE = 0.01  # share of the validation loss that float16 may cost
CUTS = 8  # of each song
AGREEMENT_FRAMES = 30


class SampleRelease:
    """A network that predicts samples: its mean squared error on validation clips, beside that of silence."""

    summary: ClassVar[str] = (
        "The study's encoder-decoder without LSTMs: 20 s of samples in, the next 10 s out. "
        "Quiet noise rather than music, as sample regression gives; a baseline for research."
    )

    def __init__(self, recipe: Recipe) -> None:
        net = recipe.seq2seq
        self.recipe = recipe
        self.spec = ModelSpec(recipe.network, "waveform", net.frame_samples, net.context_frames, net.horizon_frames)

    def model(self, trained: keras.Model) -> keras.Model:
        return trained

    def measure(
        self, onnx: Backend, tensorflow: Backend, corpus: Path, facts: Figures, report: Report
    ) -> tuple[Figures, float]:
        """Figures for the card, and the largest relative difference between the backends.

        Raises UnusableModel where float16 costs more than 1 % of the validation loss.
        """
        validation = clips(self.recipe, corpus, self.recipe.data.validation, report=report, random=False)
        error, silence, count, difference = 0.0, 0.0, 0, 0.0
        for index in range(len(validation)):
            context, truth = validation[index]
            answer = onnx.run(context)["frames"]
            error += float(np.square(answer - truth, dtype=np.float64).sum())
            silence += float(np.square(truth, dtype=np.float64).sum())
            count += truth.size
            difference = max(difference, _relative_difference(answer, tensorflow.run(context)["frames"]))
        before = float(facts["validation_loss"])
        if error / count / before - 1 > MAX_LOSS_INCREASE:
            raise UnusableModel(f"float16 costs {error / count / before - 1:.1%} of the loss; export with --float32")
        figures: Figures = {
            "validation_mse": round(error / count, 5),
            "silence_mse": round(silence / count, 5),
            "validation_mse_float32_weights": round(before, 5),
        }
        return figures, difference


class PointerRelease:
    """A network that points at places: how near what follows its choices is to what really followed."""

    summary: ClassVar[str] = (
        "Points at the place of the song that best follows what was just played; extrap plays the song's own "
        "sound from there. Trained to rank places by how alike their futures are."
    )

    def __init__(self, recipe: Recipe) -> None:
        net = recipe.recall
        vector: Shape = (None, 2 * net.vector + 2)
        outputs: dict[str, Shape] = {"heard": vector, "places": vector, "spectra": (None, net.bands)}
        self.recipe = recipe
        self.spec = ModelSpec(recipe.network, "recall", FRAME_SAMPLES, None, 10, outputs)

    def model(self, trained: keras.Model) -> keras.Model:
        """The network that takes sound, with the scorer that was trained on spectra."""
        model = recall(self.recipe.recall)
        scorer = trained.get_layer("scorer")
        for layer in model.get_layer("scorer").layers:
            layer.set_weights(scorer.get_layer(layer.name).get_weights())
        return model

    def measure(
        self, onnx: Backend, tensorflow: Backend, corpus: Path, facts: Figures, report: Report
    ) -> tuple[Figures, float]:
        """Figures for the card, and the largest relative difference between the backends."""
        songs = decoded(self.recipe, corpus, self.recipe.data.validation, report=report)
        difference = 0.0
        for song in songs:
            sound = song[: AGREEMENT_FRAMES * FRAME_SAMPLES].astype(np.float32)
            frames = (sound / (sound.std() or 1.0)).reshape(1, -1, FRAME_SAMPLES)
            one, other = onnx.run(frames), tensorflow.run(frames)
            difference = max(difference, *(_relative_difference(one[name], other[name]) for name in one))
        anywhere, earlier = retrieval(onnx, songs, cuts=CUTS)
        figures: Figures = {}
        for kind, table in (("anywhere", anywhere), ("earlier", earlier)):
            means = table.means()
            for name, way in (("recall", "network"), ("plain_match", PLAIN), ("oracle", "oracle")):
                figures[f"{name}_next_10_s_{kind}"] = means[way][1]
            figures[f"way_to_oracle_{kind}"] = round(table.way_to_oracle("network"), 3)
        return figures, difference


def _relative_difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())
