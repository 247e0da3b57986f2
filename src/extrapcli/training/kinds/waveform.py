"""Networks that predict the next seconds of a waveform: `study`, `lstm` and `seq2seq`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.networks.settings import FRAME_SAMPLES, LstmSettings, Seq2seqSettings, StudySettings
from extrapcli.spec import WaveformSpec
from extrapcli.training.corpus import Corpus, Shard, content_hash, prepare_songs
from extrapcli.training.kinds.base import Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import ClipSettings, DataSettings

if TYPE_CHECKING:
    import keras

    from extrapcli.training.batches import Batches
    from extrapcli.training.kinds.clips import Clips, FrameSettings

MAX_COST = 0.01  # how much of the validation error a smaller type of weights may add
QUIET_NOISE = (
    "{context_frames} s of samples in, the next {horizon_frames} s out. As regression on samples does, it gives "
    "quiet noise rather than music; a baseline for research."
)
BYTES_PER_PARAMETER = 16  # float32 weight, gradient and Adam's two moments
BYTES_PER_SAMPLE = 8  # float32, in the batch in use and in the next


class WaveformRecipe(Recipe, frozen=True):
    """A recipe for a network from frames to frames."""

    research: ClassVar[bool] = True

    clips: ClipSettings = ClipSettings()
    data: DataSettings = DataSettings()

    @property
    def sizes(self) -> FrameSettings:
        """The network's own table."""
        table: FrameSettings = getattr(self, self.network)
        return table

    @abstractmethod
    def untrained(self) -> keras.Model:
        """Build the network with new weights."""

    @model_validator(mode="after")
    def _check_frame_samples(self) -> WaveformRecipe:
        if self.clips.mel_weight and self.sizes.frame_samples != FRAME_SAMPLES:
            raise ValueError(f"mel_weight needs frames of {FRAME_SAMPLES} samples")
        return self

    def validation_clips(self, corpus: Corpus, progress: Progress, splits: Sequence[str] = ()) -> Clips:
        """Prepare the clips that the recipe validates with, or as many from other splits."""
        (songs,) = self._songs(corpus, (splits or self.data.validation,), progress)
        return self.data_set(songs, batch_size=self.fit.batch_sizes[1], random=False)

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        training, validation = self._songs(corpus, (self.data.train, self.data.validation), progress)
        return training, validation, content_hash(training, validation)

    def data_set(self, source: tuple[Shard, ...], **options: Any) -> Clips:
        from extrapcli.training.kinds.clips import Clips

        return Clips(shards=source, settings=self.clips, sizes=self.sizes, **options)

    def loss(self) -> keras.losses.Loss:
        from extrapcli.training.kinds.clips import WaveformLoss

        return WaveformLoss(self.clips.mel_weight)

    def build(self, training: Batches) -> keras.Model:
        return self.untrained()

    def memory_bytes(self, processes: int) -> int:
        clip_samples = (self.sizes.context_frames + self.sizes.horizon_frames) * self.sizes.frame_samples
        batch = max(self.fit.batch_sizes) * clip_samples
        parameters: int = getattr(self.sizes, "parameters", 0)  # seq2seq has too few to matter
        return BYTES_PER_PARAMETER * parameters + BYTES_PER_SAMPLE * batch // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        return f"{songs} songs of {corpus} (splits {', '.join(self.data.train)})"

    def spec(self, name: str) -> WaveformSpec:
        sizes = self.sizes
        return WaveformSpec(name, "waveform", sizes.frame_samples, sizes.context_frames, sizes.horizon_frames)

    def released(self, weights: Path) -> keras.Model:
        model = self.untrained()
        model.load_weights(weights)
        return model

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        from extrapcli.evaluation.prediction import distance, mean

        validation, rate = self.validation_clips(corpus, progress), self.sizes.frame_samples
        before, after, silent, differences = [], [], [], []
        for step in range(validation.steps):
            progress.prepared(step, validation.steps)
            batch = validation.batch(0, step)
            small = onnx.run({"context": batch.inputs})["frames"]
            stored = tensorflow.run({"context": batch.inputs})["frames"]
            full = released.predict_on_batch(batch.inputs)
            rows = zip(batch.weights, batch.targets, small, stored, full, strict=True)
            for target, prediction, other, exact in (row[1:] for row in rows if row[0]):
                differences.append(relative_difference(prediction, other))
                before.append(float(np.square(exact - target).mean()))
                after.append(distance(prediction.ravel(), target.ravel(), rate))
                silent.append(distance(np.zeros_like(target).ravel(), target.ravel(), rate))
        measured, silence, mse_as_trained = mean(after), mean(silent), float(np.mean(before))
        cost = measured.mse / mse_as_trained - 1
        if not cost <= MAX_COST:
            raise UnusableModel(
                f"{onnx.spec.name}: stored in a smaller type, its weights add {cost:.1%} to the error, more than the "
                f"{MAX_COST:.0%} allowed; not exported",
                hint="weights",
            )
        figures: Figures = {
            "validation_mse": round(measured.mse, 5),
            "silence_mse": round(silence.mse, 5),
            "validation_mse_as_trained": round(mse_as_trained, 5),
            "validation_log_mel_decibels": round(measured.log_mel, 2),
            "silence_log_mel_decibels": round(silence.log_mel, 2),
            "validation_level_decibels": round(measured.level, 1),
        }
        return figures, max(differences)

    def _songs(self, corpus: Corpus, sets: Sequence[Sequence[str]], progress: Progress) -> list[tuple[Shard, ...]]:
        seconds = self.sizes.context_frames + self.sizes.horizon_frames
        rate = self.sizes.frame_samples
        return prepare_songs(corpus, sets, sample_rate=rate, seconds=seconds, progress=progress)


class StudyRecipe(WaveformRecipe, frozen=True):
    title: ClassVar[str] = "the study: predicts {horizon_frames} s from {context_frames} s"
    summary: ClassVar[str] = f"The study's encoder-decoder without LSTMs: {QUIET_NOISE}"

    network: Literal["study"] = "study"
    study: StudySettings = StudySettings()

    def untrained(self) -> keras.Model:
        from extrapcli.networks.study import study

        return study(self.study)


class LstmRecipe(WaveformRecipe, frozen=True):
    title: ClassVar[str] = "LSTMs: predicts {horizon_frames} s from {context_frames} s"
    summary: ClassVar[str] = f"An encoder-decoder of LSTMs: {QUIET_NOISE}"

    network: Literal["lstm"] = "lstm"
    lstm: LstmSettings = LstmSettings()

    def untrained(self) -> keras.Model:
        from extrapcli.networks.lstm import lstm

        return lstm(self.lstm)


class Seq2seqRecipe(WaveformRecipe, frozen=True):
    title: ClassVar[str] = "predicts {horizon_frames} s of samples from {context_frames} s"
    summary: ClassVar[str] = (
        "Takes {context_frames} s of samples and predicts the next {horizon_frames} s by blending the positions "
        "where the music could resume, each second as loud as the network is confident."
    )

    network: Literal["seq2seq"] = "seq2seq"
    seq2seq: Seq2seqSettings = Seq2seqSettings()

    @model_validator(mode="after")
    def _check_precision(self) -> Seq2seqRecipe:
        if self.fit.precision == "bfloat16":
            raise ValueError("seq2seq compares samples, which bfloat16 is too coarse for")
        return self

    def untrained(self) -> keras.Model:
        from extrapcli.networks.seq2seq import seq2seq

        return seq2seq(self.seq2seq)
