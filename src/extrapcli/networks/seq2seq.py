"""`seq2seq`: predicts the next frames by copying from the frames it is given.

The network looks for positions in the context from which the music could resume, mixes what follows the best few of
them, and sets the level of each second by how confident it is.

    similarity  normalised correlation of the second before each position with the last second of the context, and of
                the four seconds before it with the last four, at a ninth of the sample rate
    match       how well the music at each position would follow, by a small `recall` scorer: it compares spectra
    logit       from similarity and match, one for each hop of 40 ms
    positions   the hops with the largest logits, each at the sample with the largest similarity, then moved by up to
                nine samples so that the waveforms line up
    mixture     the context from each position to its end, looped, weighted by a softmax of the logits
    gain        a level at the start of the horizon and at the end of each of its seconds, interpolated linearly

The prediction is made of recorded sound, so it is not noise. Where to copy from and how loud is learned, by the mean
squared error and the distance of log-mel spectra.
"""

import keras
import numpy as np
from keras import layers, ops

from extrapcli.networks.fourier import LENGTH, Tensor, correlation, transform
from extrapcli.networks.recall import log_mel, scorer
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS, Seq2seqSettings

STRIDE = 9
"""Similarity is computed on every ninth sample."""
HOP = FRAME_SAMPLES // HOPS // STRIDE
SIMILARITY_SECONDS = (1, 4)
LEAST_PAST, LEAST_FUTURE = 2 * HOPS, HOPS
"""Hops of context that a position needs before and after it."""
ALIGNED_SAMPLES = 4096
TAPS = 8 * STRIDE + 1


def seq2seq(settings: Seq2seqSettings) -> keras.Model:
    """Build the network: float32 `(batch, context_frames, 22050)` to `(batch, horizon_frames, 22050)`."""
    context = keras.Input((settings.context_frames, FRAME_SAMPLES), name="context")
    samples = layers.Reshape((-1,), name="samples")(context)
    hops = settings.context_frames * HOPS
    similarity = ops.reshape(_similarity(_decimated(samples)), (-1, hops, HOP, len(SIMILARITY_SECONDS)))
    highest = ops.max(similarity, axis=2)
    evidence = ops.concatenate([highest, _match(context, settings)], axis=-1)
    hidden = layers.Dense(32, activation="silu", name="logit_hidden")(evidence)
    zeros = keras.initializers.Zeros()
    learned = layers.Dense(1, kernel_initializer=zeros, name="logit")(hidden)
    logits = learned[..., 0] + 10 * ops.mean(highest, axis=-1)
    allowed = (np.arange(hops) >= LEAST_PAST) & (np.arange(hops) < hops - LEAST_FUTURE)
    values, chosen = ops.top_k(ops.where(allowed, logits, -1e4), settings.places)

    offsets = ops.take_along_axis(_argmax(ops.mean(similarity, axis=-1)), chosen, axis=1)
    positions = _aligned(samples, (ops.cast(chosen, "int32") * HOP + offsets) * STRIDE)
    copies = _looped(samples, positions, settings.horizon_frames * FRAME_SAMPLES)
    mixture = ops.sum(copies * ops.expand_dims(ops.softmax(values), -1), axis=1)

    best = ops.take_along_axis(evidence, chosen[:, :1, None], axis=1)[:, 0]
    confidence = ops.concatenate([values - values[:, :1], best], axis=-1)
    hidden = layers.Dense(32, activation="silu", name="gain_hidden")(confidence)
    gains = layers.Dense(settings.horizon_frames + 1, activation="sigmoid", name="gain")(hidden)
    ramp = (np.arange(FRAME_SAMPLES, dtype=np.float32) / FRAME_SAMPLES)[None, None]
    levels = ops.expand_dims(gains[:, :-1], -1) * (1 - ramp) + ops.expand_dims(gains[:, 1:], -1) * ramp
    prediction = ops.reshape(mixture, (-1, settings.horizon_frames, FRAME_SAMPLES)) * levels
    return keras.Model(context, prediction, name="seq2seq")


def _decimated(samples: Tensor) -> Tensor:
    """Low-pass filter samples and keep every ninth: `(batch, n / 9)`."""
    at = (np.arange(TAPS) - TAPS // 2) / STRIDE
    taps = np.sinc(at) * np.hanning(TAPS + 2)[1:-1] / STRIDE
    low_pass = layers.Conv1D(1, TAPS, STRIDE, padding="same", use_bias=False, trainable=False, name="slow")
    decimated = low_pass(ops.expand_dims(samples, -1))[..., 0]
    low_pass.set_weights([taps.astype(np.float32)[:, None, None]])
    return decimated


def _similarity(samples: Tensor) -> Tensor:
    """Correlate what precedes each position with what precedes the end: `(batch, n, lengths)`, -1 to 1."""
    n = samples.shape[1]
    rate = FRAME_SAMPLES // STRIDE
    transformed = transform(samples)
    found = []
    for seconds in SIMILARITY_SECONDS:
        length = seconds * rate
        products = correlation(transformed, samples[:, n - length :])[:, : n - length]
        energy = _window_sums(samples * samples, length)
        scale = ops.sqrt(energy[:, :-1] * energy[:, -1:] + 1e-3)
        found.append(ops.pad(ops.clip(products / scale, -1, 1), ((0, 0), (length, 0))))
    return ops.stack(found, axis=-1)


def _window_sums(values: Tensor, length: int) -> Tensor:
    """Sum every `length` consecutive values: `(batch, n - length + 1)`.

    Each window is the end of one block and the beginning of the next. A difference of running sums over the whole
    signal would lose the digits of a quiet window beside a loud one.
    """
    n = values.shape[1]
    blocks = n // length + 2
    padded = ops.reshape(ops.pad(values, ((0, 0), (0, blocks * length - n))), (-1, blocks, length))
    ends = ops.cumsum(padded[:, :, ::-1], axis=2)[:, :, ::-1]
    beginnings = ops.pad(ops.cumsum(padded, axis=2)[:, :, :-1], ((0, 0), (0, 0), (1, 0)))
    ends, beginnings = (ops.reshape(part, (-1, blocks * length)) for part in (ends, beginnings))
    return ends[:, : n - length + 1] + beginnings[:, length : n + 1]


def _match(context: Tensor, settings: Seq2seqSettings) -> Tensor:
    """Score how well the music at each hop would follow the context: `(batch, hops, 1)`."""
    queries, keys = scorer(settings)(log_mel(context, settings.bands))
    return ops.sum(keys * queries[:, -1:], axis=-1, keepdims=True)


def _aligned(samples: Tensor, positions: Tensor) -> Tensor:
    """Move positions `(batch, k)` by up to 9 samples to where the waveform before them best matches the last one."""
    shifts = np.arange(-STRIDE, STRIDE + 1, dtype=np.int32)
    before = (shifts[:, None] + np.arange(-ALIGNED_SAMPLES, 0, dtype=np.int32)).reshape(1, 1, -1)
    candidates = _gather(samples, ops.expand_dims(positions, -1) + before)
    candidates = ops.reshape(candidates, (-1, positions.shape[1], len(shifts), ALIGNED_SAMPLES))
    last = ops.reshape(samples[:, -ALIGNED_SAMPLES:], (-1, 1, 1, ALIGNED_SAMPLES))
    products, energy = ops.sum(candidates * last, axis=-1), ops.sum(candidates * candidates, axis=-1)
    return positions + _argmax(products / ops.sqrt(energy + 1e-3)) - STRIDE


def _argmax(values: Tensor) -> Tensor:
    """Return the index of the largest value along the last axis; Keras's own argmax has no ONNX export."""
    return ops.cast(ops.top_k(values, 1)[1][..., 0], "int32")


def _looped(samples: Tensor, positions: Tensor, length: int) -> Tensor:
    """Loop the samples from each position to the end: `(batch, k, length)`."""
    start = ops.expand_dims(positions, -1)
    return _gather(samples, start + ops.mod(np.arange(length, dtype=np.int32)[None, None], samples.shape[1] - start))


def _gather(samples: Tensor, index: Tensor) -> Tensor:
    """Take samples `(batch, n)` at indices `(batch, k, m)`."""
    flat = ops.reshape(index, (-1, index.shape[1] * index.shape[2]))
    return ops.reshape(ops.take_along_axis(samples, flat, axis=1), (-1, index.shape[1], index.shape[2]))


# The Fourier transforms must hold the longest context and the longest pattern without wrapping around.
assert 22 * FRAME_SAMPLES // STRIDE + max(SIMILARITY_SECONDS) * FRAME_SAMPLES // STRIDE <= LENGTH
