"""`beats`: the probability that a beat, or the first beat of a bar, falls on each fiftieth of a second.

The networks of BeatNet (Heydari, Cwitkowitz and Duan 2021), three that were trained alike on different music, and the
mean of what they say. Each looks at a frame and remembers those before it:

    bands          136 bands, 24 to an octave, of a window of 64 ms, and by how much each has risen in a frame
    convolution    two filters along the bands, and the maximum of every two neighbours
    dense          to 150 numbers
    LSTM           two layers (Hochreiter and Schmidhuber 1997) over the frames so far
    softmax        beat, downbeat or neither

The bands are computed inside the graph, so a model file is all that is needed. The model consists of Keras's own
layers and `keras.ops`, so a saved one loads without this package.
"""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from extrapcli.networks.fourier import Tensor, power_spectrum

SAMPLE_RATE = 22050  # Hz
LEVEL = 0.12  # root mean square of the sound
HOP_SAMPLES = 441  # 50 frames a second
WINDOW_SAMPLES = 1411  # 64 ms
ROWS, COLUMNS = 17, 83  # whose product is the window: the two steps of its Fourier transform
KEPT_ROWS = ROWS // 2 + 1  # the other rows of the spectrum of a real signal are conjugates of these
BINS = 705
BANDS = 136
BANDS_PER_OCTAVE = 24
LOWEST, HIGHEST, TUNING = 30.0, 17000.0, 440.0  # Hz
UNITS = 150
KERNEL = 10  # bands
NETWORKS = 3
FILTERS, LAYERS = 2, 2  # of each network
STATE = 2 * UNITS * LAYERS  # of each network: h and c of each layer
MARGINS = 3, 1  # hops: how much of the context lies before the first and after the last frame that is judged

Weights = Mapping[str, NDArray[np.float32]]


def beats() -> keras.Model:
    """Build the network.

    `context` is float32 `(batch, n + 4, 441)` for any n, mono sound at 22,050 Hz whose root mean square is about
    0.12. `beat` and `downbeat` are float32 `(batch, n)`, from 0 to 1: the probabilities of a beat that is no
    downbeat, and of a downbeat, at the beginning of each hop but the first three and the last. `state`, `(batch,
    1800)`, is what the LSTMs remember: zeros before the beginning of a song, then the `next_state` that came with
    the hops before.
    """
    context = keras.Input((None, HOP_SAMPLES), name="context")
    state = keras.Input((NETWORKS * STATE,), name="state")
    filters = layers.Conv2D(NETWORKS * FILTERS, (1, KERNEL), activation="relu", name="convolution")
    pooled = layers.MaxPooling2D((1, 2), name="pooling")(filters(features(context)[..., None]))
    by_filter = layers.Permute((1, 3, 2), name="by_filter")(pooled)
    activations, states = zip(*(_network(by_filter, state, number) for number in range(NETWORKS)), strict=True)
    mean = layers.Average(name="mean")(activations)
    outputs = {"beat": mean[..., 0], "downbeat": mean[..., 1], "next_state": ops.concatenate(states, axis=-1)}
    return keras.Model({"context": context, "state": state}, outputs, name="beats")


def features(context: Tensor) -> Tensor:
    """Compute log10(1 + x) of the bands and its rise since the frame before, `(batch, n, 272)`."""
    side = WINDOW_SAMPLES // 2 - HOP_SAMPLES
    parts = [context[:, :-3, -side:], context[:, 1:-2], context[:, 2:-1], context[:, 3:, : side + 1]]
    windows = ops.concatenate(parts, axis=-1) * np.hanning(WINDOW_SAMPLES).astype(np.float32)
    power = power_spectrum(layers.Reshape((-1, ROWS, COLUMNS), name="square")(windows), KEPT_ROWS, COLUMNS)
    magnitudes = layers.Reshape((-1, KEPT_ROWS * COLUMNS), name="bins")(ops.sqrt(power))
    bands = layers.Dense(BANDS, use_bias=False, trainable=False, name="bands")
    level = ops.log(1 + bands(magnitudes)) * float(1 / np.log(10))
    bands.set_weights([band_filters()])
    return ops.concatenate([level[:, 1:], ops.relu(level[:, 1:] - level[:, :-1])], axis=-1)


def _network(by_filter: Tensor, state: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Build one of the networks, from `(batch, n, 6, 131)` to `(batch, n, 3)` and its own part of the state."""
    own = by_filter[:, :, FILTERS * number : FILTERS * (number + 1)]
    x = layers.Reshape((-1, FILTERS * own.shape[-1]), name=f"flat_{number}")(own)
    x = layers.Dense(UNITS, name=f"dense_{number}")(x)
    remembered = ops.split(state[:, STATE * number : STATE * (number + 1)], 2 * LAYERS, axis=-1)
    after = []
    for layer in range(LAYERS):
        lstm = layers.LSTM(UNITS, return_sequences=True, return_state=True, name=f"lstm_{number}_{layer}")
        x, *new = lstm(x, initial_state=remembered[2 * layer : 2 * layer + 2])
        after += new
    activations = layers.Dense(3, activation="softmax", name=f"output_{number}")(x)
    return activations, ops.concatenate(after, axis=-1)


def load_beatnet(model: keras.Model, states: Sequence[Weights]) -> None:
    """Set the weights to those of BeatNet's three files, each a PyTorch state by name."""
    kernels = [state["conv1.weight"].transpose(2, 1, 0)[None] for state in states]  # to (1, bands, 1, filters)
    biases = [state["conv1.bias"] for state in states]
    model.get_layer("convolution").set_weights([np.concatenate(kernels, axis=-1), np.concatenate(biases)])
    for number, state in enumerate(states):
        model.get_layer(f"dense_{number}").set_weights([state["linear0.weight"].T, state["linear0.bias"]])
        for layer in range(LAYERS):
            kernel, recurrent = (state[f"lstm.weight_{part}_l{layer}"].T for part in ("ih", "hh"))
            bias = state[f"lstm.bias_ih_l{layer}"] + state[f"lstm.bias_hh_l{layer}"]
            model.get_layer(f"lstm_{number}_{layer}").set_weights([kernel, recurrent, bias])
        model.get_layer(f"output_{number}").set_weights([state["linear.weight"].T, state["linear.bias"]])


def band_filters() -> NDArray[np.float32]:
    """Return the filters `(747, 136)` in the order of `power_spectrum`, each scaled to sum to 1.

    A bin of the spectrum stands for its conjugate too, and only one of both is counted. The filters are triangles
    between bins that lie nearest to notes of a scale. As in madmom (Böck et al. 2016), with which the networks were
    trained, the frequencies of the bins are those of a window that is one sample shorter.
    """
    frequencies = np.arange(BINS) * SAMPLE_RATE / (2 * BINS)
    first, last = np.log2(np.array([LOWEST, HIGHEST]) / TUNING) * BANDS_PER_OCTAVE
    notes = TUNING * 2 ** (np.arange(np.ceil(first), np.floor(last) + 1) / BANDS_PER_OCTAVE)
    above = np.clip(np.searchsorted(frequencies, notes), 1, BINS - 1)
    bins = np.unique(above - (notes - frequencies[above - 1] < frequencies[above] - notes))
    filters = np.zeros((BINS, len(bins) - 2))
    for band, (low, middle, high) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        if high - low < 2:
            filters[low, band] = 1
        else:
            rise, fall = np.arange(low, middle), np.arange(middle, high)
            filters[rise, band] = (rise - low) / (middle - low)
            filters[fall, band] = (high - fall) / (high - middle)
    filters /= filters.sum(axis=0)
    k = np.arange(KEPT_ROWS)[:, None] + ROWS * np.arange(COLUMNS)
    known = np.unique(np.minimum(k, WINDOW_SAMPLES - k), return_index=True)[1][:BINS]
    placed = np.zeros((k.size, filters.shape[1]), np.float32)
    placed[known] = filters
    return placed
