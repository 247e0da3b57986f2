"""The head of `beats`: corrects what BeatNet's networks say, with what lies on both sides of a frame.

BeatNet knows only what has been, and judges each frame by itself. The head looks ten seconds each way, long enough
for bars to repeat. It is a temporal convolutional network (Davies and Böck 2019):

    frames    for each frame: what the three networks say, the last states of their LSTMs, and coarse bands, which
              tell chords and drums
    mixer     brings each of these to a few channels
    stack     dilated convolutions over frames; each adds to what it was given
    softmax   beat, downbeat or neither: the sum of the stack's answer and the logarithm of the networks' mean
    agreed    the probability of a beat is the geometric mean of what head and networks say; which beats are downbeats
              is for the head to say

The head is trained on rendered music, while BeatNet's networks stay as they are.
"""

import keras
from keras import layers, ops

from extrapcli.networks.fourier import Tensor
from extrapcli.networks.settings import BEAT_KERNEL, BeatsSettings

NETWORKS, CLASSES = 3, 3
ACTIVATIONS = NETWORKS * CLASSES
HIDDEN = 450  # of the three networks
BANDS = 136
LEVELS, RISES = BANDS // 2, BANDS // 8  # bands of a semitone and of two thirds of an octave
FRAME = ACTIVATIONS + HIDDEN + LEVELS + RISES
TINY = 1e-9
FLOOR = 1e-3  # added to activations before their logarithm


def beat_head(settings: BeatsSettings) -> keras.Model:
    """Build the head as it is trained.

    From `frames`, float32 `(batch, n, 544)` for any n, made by `head_frames`, to the probabilities of a beat that is
    no downbeat, of a downbeat and of neither, `(batch, n, 3)`. Frames of zeros count as none.
    """
    frames = keras.Input((None, FRAME), name="frames")
    return keras.Model(frames, stack(settings)(mixer(settings)(frames)), name="beat_head")


def head_frames(activations: Tensor, hidden: Tensor, bands: Tensor) -> Tensor:
    """Join what the head is given, `(batch, n, 544)`.

    That is the activations `(batch, n, 9)`, the hidden states `(batch, n, 450)`, and averages of neighbouring bands,
    which are `(batch, n, 272)`: the levels of 136 and how much they have risen.
    """
    levels = layers.Reshape((-1, LEVELS, BANDS // LEVELS), name="levels")(bands[..., :BANDS])
    rises = layers.Reshape((-1, RISES, BANDS // RISES), name="rises")(bands[..., BANDS:])
    return ops.concatenate([activations, hidden, ops.mean(levels, axis=-1), ops.mean(rises, axis=-1)], axis=-1)


def mixer(settings: BeatsSettings) -> keras.Model:
    """Build the part that looks at each frame by itself: to `(batch, n, width + 3)`, zeros where there is no frame.

    The last three numbers are the logarithm of the networks' mean, less that of FLOOR.
    """
    frames = keras.Input((None, FRAME), name="frames")
    activations, hidden, bands = ops.split(frames, [ACTIVATIONS, ACTIVATIONS + HIDDEN], axis=-1)
    is_frame = ops.cast(ops.sum(activations, axis=-1, keepdims=True) > 0, frames.dtype)
    mean = layers.Average(name="mean")(ops.split(activations, NETWORKS, axis=-1))
    mixed = []
    for part, name in ((ops.log(activations / FLOOR + 1), "activations"), (hidden, "hidden"), (bands, "bands")):
        if settings.dropout and name != "activations":
            part = layers.SpatialDropout1D(settings.dropout, name=f"{name}_dropout")(part)
        mixed.append(layers.Dense(settings.width // 2, activation="silu", name=name)(part))
    x = layers.Dense(settings.width, name="mixed")(layers.Concatenate(name="parts")(mixed))
    return keras.Model(frames, ops.concatenate([x, ops.log(mean / FLOOR + 1)], axis=-1) * is_frame, name="mixer")


def stack(settings: BeatsSettings) -> keras.Model:
    """Build the part that looks around, `settings.reach` frames each way: from its input to `(batch, n, 3)`."""
    mixed = keras.Input((None, settings.width + CLASSES), name="mixed")
    x, mean = mixed[..., : settings.width], mixed[..., settings.width :]
    for dilation in settings.dilations:
        x = x + _block(x, settings, dilation)
    answer = layers.Dense(CLASSES, kernel_initializer="zeros", name="answer")(
        layers.LayerNormalization(name="norm")(x)
    )
    return keras.Model(mixed, layers.Softmax(name="softmax")(mean + answer), name="stack")


def agreed(answer: Tensor, mixed: Tensor) -> Tensor:
    """Bring what the stack says nearer to what the networks say, as far as beats of both kinds go.

    `answer` is `(batch, n, 3)`, `mixed` what the stack was given; returns the probabilities of a beat that is no
    downbeat and of a downbeat, `(batch, n, 2)`. On music of a kind that the head has not learned this is better than
    either alone.
    """
    mean = FLOOR * (ops.exp(mixed[..., -CLASSES:]) - 1)
    by_networks, by_head = (ops.sum(of[..., :2], axis=-1, keepdims=True) for of in (mean, answer))
    return answer[..., :2] * ops.sqrt(by_networks / (by_head + TINY))


def _block(x: Tensor, settings: BeatsSettings, dilation: int) -> Tensor:
    y = layers.LayerNormalization(name=f"norm_{dilation}")(x)
    name = f"convolution_{dilation}"
    y = layers.Conv1D(settings.width, BEAT_KERNEL, 1, "same", dilation_rate=dilation, activation="silu", name=name)(y)
    if settings.dropout:
        y = layers.SpatialDropout1D(settings.dropout, name=f"dropout_{dilation}")(y)
    return layers.Dense(settings.width, name=f"out_{dilation}")(y)
