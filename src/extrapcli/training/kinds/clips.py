"""Clips of songs, for networks that predict the next seconds of a waveform, and the loss of such networks."""

from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveInt, model_validator

from extrapcli.networks.fourier import Tensor
from extrapcli.networks.recall import FRAME_SAMPLES, log_mel
from extrapcli.training.batches import Batches
from extrapcli.training.kinds.base import Table

Scaling = Literal["clip", "context", "peak", "none"]

QUIETEST = np.float32(0.001)
"""Clips are not divided by a smaller standard deviation than this, -60 dB: near-silence stays quiet."""


class ClipSettings(Table, frozen=True):
    """Which clips of a song the network learns from, and how their samples are scaled.

    A clip is as long as the network's context and horizon together. With `start = "anywhere"`, a training song gives
    `per_song` clips from random positions in each epoch, and a validation song as many, evenly spaced and always the
    same. `mel_weight` is the weight of the spectral distance in the loss (see `WaveformLoss`).
    """

    per_song: PositiveInt = 1
    start: Literal["anywhere", "beginning"] = "anywhere"
    scaling: Scaling = "clip"
    mel_weight: NonNegativeFloat = 0.0

    @model_validator(mode="after")
    def _check_beginning(self) -> "ClipSettings":
        if self.start == "beginning" and self.per_song > 1:
            raise ValueError("a song has one beginning; per_song must be 1")
        return self

    @model_validator(mode="after")
    def _check_scaling(self) -> "ClipSettings":
        if self.mel_weight and self.scaling not in ("clip", "context"):
            raise ValueError("mel_weight needs standardised samples: scaling clip or context")
        return self


@dataclass(frozen=True, kw_only=True)
class Clips(Batches):
    """Items are context and horizon, consecutive in the song, float32 `(frames, frame_samples)` each."""

    settings: ClipSettings
    context_frames: int
    horizon_frames: int
    frame_samples: int

    @property
    def items(self) -> int:
        return len(self.shards) * self.settings.per_song

    @property
    def clip_samples(self) -> int:
        return (self.context_frames + self.horizon_frames) * self.frame_samples

    def item(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        song, number = divmod(index, self.settings.per_song)
        shard = self.shards[song]
        room = shard.length - self.clip_samples
        if self.settings.start == "beginning":
            start = 0
        elif self.random:
            start = int(rng.integers(room + 1))
        else:
            start = room * (number + 1) // (self.settings.per_song + 1)
        samples = shard.read(start, start + self.clip_samples).astype(np.float32) / np.float32(32768)
        context = self.context_frames * self.frame_samples
        frames = scaled(samples, context, self.settings.scaling).reshape(-1, self.frame_samples)
        return frames[: self.context_frames], frames[self.context_frames :]


def scaled(clip: NDArray[np.float32], context: int, scaling: Scaling) -> NDArray[np.float32]:
    """Scale the samples of a clip, which are in -1..1.

    `clip` and `context` subtract the mean and divide by the standard deviation, of the whole clip or of its first
    `context` samples, but by no less than 0.001. `peak` divides by the largest magnitude. `none` changes nothing.
    Silence stays silence.
    """
    if scaling == "none":
        return clip
    if scaling == "peak":
        return clip / (np.abs(clip).max() or 1)
    measured = clip if scaling == "clip" else clip[:context]
    standardised: NDArray[np.float32] = (clip - measured.mean()) / max(measured.std(), QUIETEST)
    return standardised


class WaveformLoss(keras.losses.Loss):  # type: ignore[misc]
    """Mean squared error of samples plus `mel_weight` times the mean absolute distance of log-mel spectra.

    Spectra are those that `recall` computes: 64 bands, 25 a second, in units of 15 dB, down to 50 dB below the power
    that samples are standardised to. From `(batch, frames, 22050)` to `(batch, frames)`.
    """

    def __init__(self, mel_weight: float) -> None:
        super().__init__(name="frames")
        self.mel_weight = mel_weight
        frames = keras.Input((None, FRAME_SAMPLES))
        self.spectra = keras.Model(frames, log_mel(frames, 64), trainable=False) if mel_weight else None

    def call(self, target: Tensor, prediction: Tensor) -> Tensor:
        loss = ops.mean(ops.square(target - prediction), axis=-1)
        if self.spectra:
            distances = ops.abs(self.spectra(target) - self.spectra(prediction))
            loss = loss + self.mel_weight * ops.mean(distances, axis=(1, 2))[:, None]
        return loss
