"""Clips of songs, for networks that predict the next seconds of a waveform, and the loss of such networks."""

from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from extrapcli.networks.fourier import Tensor
from extrapcli.networks.recall import log_mel
from extrapcli.networks.settings import FRAME_SAMPLES
from extrapcli.training.batches import Batches
from extrapcli.training.tables import ClipSettings, Scaling

QUIETEST = np.float32(0.001)  # clips are divided by no smaller deviation, -60 dB: near-silence stays quiet


class FrameSettings(Protocol):
    """The sizes that all networks from frames to frames have."""

    @property
    def context_frames(self) -> int: ...

    @property
    def horizon_frames(self) -> int: ...

    @property
    def frame_samples(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Clips(Batches):
    """Items are context and horizon, consecutive in the song, float32 `(frames, frame_samples)` each."""

    settings: ClipSettings
    sizes: FrameSettings

    @property
    def items(self) -> int:
        return len(self.shards) * self.settings.per_song

    def item(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        song, number = divmod(index, self.settings.per_song)
        shard = self.shards[song]
        context_frames, frame_samples = self.sizes.context_frames, self.sizes.frame_samples
        length = (context_frames + self.sizes.horizon_frames) * frame_samples
        room = shard.length - length
        if self.settings.start == "beginning":
            start = 0
        elif self.random:
            start = int(rng.integers(room + 1))
        else:
            start = room * (number + 1) // (self.settings.per_song + 1)
        samples = shard.read(start, start + length).astype(np.float32) / np.float32(32768)
        frames = scaled(samples, context_frames * frame_samples, self.settings.scaling).reshape(-1, frame_samples)
        return frames[:context_frames], frames[context_frames:]


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
