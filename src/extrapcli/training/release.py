"""What is released of a run, and what it is measured by, for each kind of network."""

from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.evaluation.prediction import distance, mean
from extrapcli.evaluation.retrieval import PLAIN, retrieval
from extrapcli.networks.recall import FRAME_SAMPLES, recall
from extrapcli.spec import EncoderSpec, Shape, WaveformSpec
from extrapcli.training.corpus import Corpus
from extrapcli.training.progress import Progress
from extrapcli.training.ranking import ranker
from extrapcli.training.recipe import Recipe
from extrapcli.training.task import frame_network, samples, validation_clips

Figures = dict[str, float | int | str]

MAX_LOSS_INCREASE = 0.01  # share of the validation error that a smaller type of weights may cost
CUTS = 8  # of each song
AGREEMENT_FRAMES = 30
SUMMARIES = {
    "study": "The study's encoder-decoder without LSTMs: {given} s of samples in, the next {answered} s out. "
    "Quiet noise rather than music, as sample regression gives; a baseline for research.",
    "lstm": "An encoder-decoder of LSTMs: {given} s of samples in, the next {answered} s out. "
    "Quiet noise, as sample regression gives; a baseline for research.",
    "echo": "Answers {given} s of samples with the next {answered} s, made of them: it plays on from the places that "
    "the music could go on from, each second as loud as it is sure.",
}


class SampleRelease:
    """A network that predicts samples: its distances to the truth on validation clips, beside those of silence."""

    def __init__(self, recipe: Recipe, name: str) -> None:
        net = recipe.frames
        self.recipe = recipe
        self.part = f"songs of the splits {', '.join(recipe.data.train)}"
        self.summary = SUMMARIES[recipe.network].format(given=net.context_frames, answered=net.horizon_frames)
        self.spec = WaveformSpec(name, "waveform", net.frame_samples, net.context_frames, net.horizon_frames)

    def model(self, weights: Path) -> keras.Model:
        model = frame_network(self.recipe)
        model.load_weights(weights)
        return model

    def measure(
        self, trained: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Figures for the card, and the largest relative difference between the backends.

        Raises UnusableModel where smaller weights cost more than 1 % of the mean squared error.
        """
        validation = validation_clips(self.recipe, corpus, progress)
        before, after, silent, differences = [], [], [], []
        for step in range(validation.steps):
            batch = validation.batch(0, step)
            answers = onnx.run({"context": batch.inputs})["frames"]
            stored = tensorflow.run({"context": batch.inputs})["frames"]
            whole = trained.predict_on_batch(batch.inputs)
            rows = zip(batch.weights, batch.answers, answers, stored, whole, strict=True)
            for truth, answer, other, exact in (row[1:] for row in rows if row[0]):
                differences.append(_relative_difference(answer, other))
                before.append(float(np.square(exact - truth).mean()))
                after.append(distance(answer.ravel(), truth.ravel(), self.spec.sample_rate))
                silent.append(distance(np.zeros_like(truth).ravel(), truth.ravel(), self.spec.sample_rate))
        measured, silence = mean(after), mean(silent)
        cost = measured.mse / float(np.mean(before)) - 1
        if not cost <= MAX_LOSS_INCREASE:
            raise UnusableModel(f"{self.spec.name}: its weights cost {cost:.1%} of the error; use --weights float32")
        figures: Figures = {
            "validation_mse": round(measured.mse, 5),
            "silence_mse": round(silence.mse, 5),
            "validation_mse_as_trained": round(float(np.mean(before)), 5),
            "validation_log_mel_decibels": round(measured.log_mel, 2),
            "silence_log_mel_decibels": round(silence.log_mel, 2),
            "validation_level_decibels": round(measured.level, 1),
        }
        return figures, float(np.max(differences))


class PointerRelease:
    """A network that points at places: how near what follows its choices is to what really followed."""

    summary: ClassVar[str] = (
        "Points at the place of the song that best follows what was just played; extrap plays the song's own "
        "sound from there. Trained to rank places by how alike their futures are."
    )

    def __init__(self, recipe: Recipe, name: str) -> None:
        net = recipe.recall
        vector: Shape = (None, 2 * net.vector + 2)
        outputs: dict[str, Shape] = {"heard": vector, "places": vector, "spectra": (None, net.bands)}
        self.recipe = recipe
        self.part = f"songs of the splits {', '.join(recipe.data.train)}"
        self.spec = EncoderSpec(name, "recall", FRAME_SAMPLES, outputs)

    def model(self, weights: Path) -> keras.Model:
        """The network that takes sound, with the scorer that was trained on spectra."""
        trained, scorer = ranker(self.recipe.recall, self.recipe.ranking.dropout)
        trained.load_weights(weights)
        model = recall(self.recipe.recall)
        for layer in model.get_layer("scorer").layers:
            layer.set_weights(scorer.get_layer(layer.name).get_weights())
        return model

    def measure(
        self, trained: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Figures for the card, and the largest relative difference between the backends."""
        (shards,) = samples(self.recipe, corpus, (self.recipe.data.validation,), progress)
        songs = [shard.read() for shard in shards]
        differences = []
        for song in songs:
            sound = song[: AGREEMENT_FRAMES * FRAME_SAMPLES].astype(np.float32)
            frames = (sound / (sound.std() or 1.0)).reshape(1, -1, FRAME_SAMPLES)
            one, other = onnx.run({"context": frames}), tensorflow.run({"context": frames})
            differences.append(max(_relative_difference(one[name], other[name]) for name in one))
        anywhere, earlier = retrieval(onnx, songs, cuts=CUTS)
        figures: Figures = {}
        for kind, table in (("anywhere", anywhere), ("earlier", earlier)):
            means = table.means()
            for name, way in (("recall", "network"), ("plain_match", PLAIN), ("oracle", "oracle")):
                figures[f"{name}_next_10_s_{kind}"] = means[way][1]
            figures[f"way_to_oracle_{kind}"] = round(table.share_of_oracle("network"), 3)
        return figures, float(np.max(differences))


def _relative_difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).max() / max(np.abs(other).max(), np.finfo(np.float32).tiny))
