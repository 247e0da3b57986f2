"""`echo`: frames in, frames out, made of the frames that came in.

The network looks for places of its context that the music could go on from as it went on then, plays on from the best
few at once, and sets the level of each second by how sure it is.

    likeness   at every place of the context, the normalised correlation of the second before it with the last second,
               and of four seconds with the last four, at a ninth of the rate
    match      the score of the place by a small `recall` scorer: the spectra of the two pasts, and what follows
    logit      of likenesses and match, for each hop of 40 ms
    places     the hops with the largest logits, each where its likeness is largest, then moved by up to nine samples
               to where the last samples fit best
    answer     the context from there on, over and over to its end, weighted by a softmax of the logits
    gain       a level at the beginning of the horizon and at the end of each of its seconds, straight lines between

What is copied is sound, so it is no noise; what is weighed and levelled is learned, by the squared error and by the
distance of log-mel spectra.
"""

from typing import Annotated

import keras
import numpy as np
from keras import layers, ops
from pydantic import Field

from extrapcli.networks.fourier import LENGTH, Tensor, correlation, transform
from extrapcli.networks.recall import FRAME_SAMPLES, HOPS, Dilation, RecallSettings, Width, log_mel, scorer

STRIDE = 9
HOP = FRAME_SAMPLES // HOPS // STRIDE  # places of a hop at a ninth of the rate
LIKENESS_SECONDS = (1, 4)
LEAST_PAST, LEAST_FUTURE = 2 * HOPS, HOPS  # what a place must have on either side, in hops
FIT_SAMPLES = 4096
TAPS = 8 * STRIDE + 1


class EchoSettings(RecallSettings, frozen=True):
    """Sizes: how many places are played at once, and those of `recall`'s scorer. Frames are of 22050 samples."""

    context_frames: Annotated[int, Field(ge=6, le=22)] = 20
    horizon_frames: Annotated[int, Field(ge=1, le=600)] = 10
    places: Annotated[int, Field(ge=1, le=50)] = 4
    width: Width = 48
    vector: Width = 48
    dilations: tuple[Dilation, ...] = (1, 2, 4, 8, 16, 32, 64)

    @property
    def frame_samples(self) -> int:
        return FRAME_SAMPLES


def echo(settings: EchoSettings) -> keras.Model:
    """Build the network: float32 `(batch, context_frames, 22050)` to `(batch, horizon_frames, 22050)`."""
    context = keras.Input((settings.context_frames, FRAME_SAMPLES), name="context")
    samples = layers.Reshape((-1,), name="samples")(context)
    likeness = _likeness(_slow(samples))
    hops = settings.context_frames * HOPS
    likeness = ops.reshape(likeness, (-1, hops, HOP, len(LIKENESS_SECONDS)))
    likest = ops.max(likeness, axis=2)
    evidence = ops.concatenate([likest, _match(context, settings)], axis=-1)
    hidden = layers.Dense(32, activation="silu", name="logit_hidden")(evidence)
    zeros = keras.initializers.Zeros()
    learned = layers.Dense(1, kernel_initializer=zeros, name="logit")(hidden)
    logits = learned[..., 0] + 10 * ops.mean(likest, axis=-1)
    allowed = (np.arange(hops) >= LEAST_PAST) & (np.arange(hops) < hops - LEAST_FUTURE)
    values, chosen = ops.top_k(ops.where(allowed, logits, -1e4), settings.places)

    within = ops.take_along_axis(_largest(ops.mean(likeness, axis=-1)), chosen, axis=1)
    places = _fitted(samples, (ops.cast(chosen, "int32") * HOP + within) * STRIDE)
    copies = _copies(samples, places, settings.horizon_frames * FRAME_SAMPLES)
    mixed = ops.sum(copies * ops.expand_dims(ops.softmax(values), -1), axis=1)

    best = ops.take_along_axis(evidence, chosen[:, :1, None], axis=1)[:, 0]
    known = ops.concatenate([values - values[:, :1], best], axis=-1)
    hidden = layers.Dense(32, activation="silu", name="gain_hidden")(known)
    gains = layers.Dense(settings.horizon_frames + 1, activation="sigmoid", name="gain")(hidden)
    ramp = (np.arange(FRAME_SAMPLES, dtype=np.float32) / FRAME_SAMPLES)[None, None]
    levels = ops.expand_dims(gains[:, :-1], -1) * (1 - ramp) + ops.expand_dims(gains[:, 1:], -1) * ramp
    answer = ops.reshape(mixed, (-1, settings.horizon_frames, FRAME_SAMPLES)) * levels
    return keras.Model(context, answer, name="echo")


def _slow(samples: Tensor) -> Tensor:
    """Every ninth sample, `(batch, n / 9)`, of what lies below half that rate."""
    at = (np.arange(TAPS) - TAPS // 2) / STRIDE
    taps = np.sinc(at) * np.hanning(TAPS + 2)[1:-1] / STRIDE
    filtered = layers.Conv1D(1, TAPS, STRIDE, padding="same", use_bias=False, trainable=False, name="slow")
    slow = filtered(ops.expand_dims(samples, -1))[..., 0]
    filtered.set_weights([taps.astype(np.float32)[:, None, None]])
    return slow


def _likeness(slow: Tensor) -> Tensor:
    """How alike what is before each place is to what is before the end, `(batch, n, lengths)`, -1 to 1."""
    n = slow.shape[1]
    rate = FRAME_SAMPLES // STRIDE
    transformed = transform(slow)
    found = []
    for seconds in LIKENESS_SECONDS:
        length = seconds * rate
        alike = correlation(transformed, slow[:, n - length :])[:, : n - length]
        energy = _window_sums(slow * slow, length)
        scale = ops.sqrt(energy[:, :-1] * energy[:, -1:] + 1e-3)
        found.append(ops.pad(ops.clip(alike / scale, -1, 1), ((0, 0), (length, 0))))
    return ops.stack(found, axis=-1)


def _window_sums(values: Tensor, length: int) -> Tensor:
    """The sum of each `length` values in a row, `(batch, n - length + 1)`.

    Each is the end of a block and the beginning of the next, so a quiet window keeps its digits beside a loud one.
    """
    n = values.shape[1]
    blocks = n // length + 2
    padded = ops.reshape(ops.pad(values, ((0, 0), (0, blocks * length - n))), (-1, blocks, length))
    ends = ops.cumsum(padded[:, :, ::-1], axis=2)[:, :, ::-1]
    beginnings = ops.pad(ops.cumsum(padded, axis=2)[:, :, :-1], ((0, 0), (0, 0), (1, 0)))
    ends, beginnings = (ops.reshape(part, (-1, blocks * length)) for part in (ends, beginnings))
    return ends[:, : n - length + 1] + beginnings[:, length : n + 1]


def _match(context: Tensor, settings: EchoSettings) -> Tensor:
    """The score of going on at each hop, `(batch, hops, 1)`."""
    heard, places = scorer(settings)(log_mel(context, settings.bands))
    return ops.sum(places * heard[:, -1:], axis=-1, keepdims=True)


def _fitted(samples: Tensor, places: Tensor) -> Tensor:
    """Places `(batch, k)` moved by up to 9 samples to where what is before them is most like the last samples."""
    shifts = np.arange(-STRIDE, STRIDE + 1, dtype=np.int32)
    before = (shifts[:, None] + np.arange(-FIT_SAMPLES, 0, dtype=np.int32)).reshape(1, 1, -1)
    there = _at(samples, ops.expand_dims(places, -1) + before)
    there = ops.reshape(there, (-1, places.shape[1], len(shifts), FIT_SAMPLES))
    alike = ops.sum(there * ops.reshape(samples[:, -FIT_SAMPLES:], (-1, 1, 1, FIT_SAMPLES)), axis=-1)
    energy = ops.sum(there * there, axis=-1)
    return places + _largest(alike / ops.sqrt(energy + 1e-3)) - STRIDE


def _largest(values: Tensor) -> Tensor:
    """Where values are largest along the last axis; Keras's own argmax has no ONNX export."""
    return ops.cast(ops.top_k(values, 1)[1][..., 0], "int32")


def _copies(samples: Tensor, places: Tensor, length: int) -> Tensor:
    """The samples from each place to the end, over and over: `(batch, k, length)`."""
    start = ops.expand_dims(places, -1)
    return _at(samples, start + ops.mod(np.arange(length, dtype=np.int32)[None, None], samples.shape[1] - start))


def _at(samples: Tensor, index: Tensor) -> Tensor:
    """Samples `(batch, n)` at indices `(batch, k, m)`."""
    flat = ops.reshape(index, (-1, index.shape[1] * index.shape[2]))
    return ops.reshape(ops.take_along_axis(samples, flat, axis=1), (-1, index.shape[1], index.shape[2]))


assert 22 * FRAME_SAMPLES // STRIDE + max(LIKENESS_SECONDS) * FRAME_SAMPLES // STRIDE <= LENGTH
