"""The loss of a network of frames."""

import keras
from keras import ops

from extrapcli.networks.fourier import Tensor
from extrapcli.networks.recall import FRAME_SAMPLES, log_mel


class FrameLoss(keras.losses.Loss):  # type: ignore[misc]
    """Mean squared error of samples and, with `mel_weight`, the mean absolute distance of log-mel spectra times it.

    Spectra are those that `recall` hears: 64 bands, 25 a second, in units of 15 dB, down to 50 dB below the power
    that samples are standardised to. Given `(batch, frames, 22050)`, gives `(batch, frames)`.
    """

    def __init__(self, mel_weight: float) -> None:
        super().__init__(name="frames")
        self.mel_weight = mel_weight
        frames = keras.Input((None, FRAME_SAMPLES))
        self.spectra = keras.Model(frames, log_mel(frames, 64), trainable=False) if mel_weight else None

    def call(self, truth: Tensor, answer: Tensor) -> Tensor:
        loss = ops.mean(ops.square(truth - answer), axis=-1)
        if self.spectra:
            apart = ops.abs(self.spectra(truth) - self.spectra(answer))
            loss = loss + self.mel_weight * ops.mean(apart, axis=(1, 2))[:, None]
        return loss
