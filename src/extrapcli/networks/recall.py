"""`recall`: scores, for every position in a song, how well the music there would follow what was just played.

A pointer network (Vinyals et al. 2015). It gives three vectors for every hop, 25 hops a second; their names are part
of released files:

    heard[t]    the query: encodes the sound up to the end of hop t, and nothing after it
    places[t]   the key: encodes the sound on both sides of the start of hop t
    spectra[t]  the mel spectrum of hops t and t + 1 together

The score of continuing at position j after having played up to i is their inner product,

    heard[i] . places[j] = query(i) . key(j) + bias(j) - MATCH_WEIGHT * |match(i) - match(j)|^2

The last term compares the recent past of i and j with a learned match. The others say what else makes the future of j
a good future for i. Spectra are computed inside the graph, in decibels relative to the song's own level (frames are
standardised), so a model file is all that is needed. Convolutions over the past are padded on the left, those over
the future on the right.

The model consists of Keras's own layers and `keras.ops`, so a saved one loads without this package.
"""

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from extrapcli.dsp import mel_filters
from extrapcli.networks.fourier import Tensor, power_spectrum
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS, PATCH_HOPS, RecallSettings

HOP_SAMPLES = FRAME_SAMPLES // HOPS
ROOT = 42
WINDOW_SAMPLES = ROOT**2  # two hops; the Fourier transform is split in two steps of 42
BINS = ROOT * 16  # of 12.5 Hz each, up to 8.4 kHz
FLOOR = 1e-5  # added to the power: -50 dB relative to the song's level
DECIBEL_MEAN, DECIBEL_SCALE = -20.0, 15.0
MATCH_WEIGHT, QUERY_WEIGHT = 0.05, 0.5


def recall(settings: RecallSettings) -> keras.Model:
    """Build the network.

    `context` is float32 `(batch, n, 22050)` for any n; `heard` and `places` are float32
    `(batch, 25 * n, 2 * vector + 2)`, `spectra` is `(batch, 25 * n, bands)`, in units of 15 dB.
    """
    context = keras.Input((None, FRAME_SAMPLES), name="context")
    spectra = log_mel(context, settings.bands)
    queries, keys = scorer(settings)(spectra)
    spectra = layers.ZeroPadding1D((0, 1), name="spectra")(spectra)
    return keras.Model(context, {"heard": queries, "places": keys, "spectra": spectra}, name="recall")


def log_mel(context: Tensor, bands: int) -> Tensor:
    """Compute mel spectra of every two neighbouring hops, `(batch, 25 * n - 1, bands)`, as (decibels + 20) / 15."""
    hops = layers.Reshape((-1, HOP_SAMPLES), name="hops")(context)
    windows = ops.concatenate([hops[:, :-1], hops[:, 1:]], axis=-1) * _hann()
    power = power_spectrum(layers.Reshape((-1, ROOT, ROOT), name="square")(windows), ROOT, BINS // ROOT)
    mel = layers.Dense(bands, use_bias=False, trainable=False, name="mel")
    energy = mel(layers.Reshape((-1, BINS), name="bins")(power))
    mel.set_weights([mel_bands(bands)])
    decibels = ops.log(energy / WINDOW_SAMPLES + FLOOR) * float(10 / np.log(10))
    return (decibels - DECIBEL_MEAN) / DECIBEL_SCALE


def scorer(settings: RecallSettings, dropout: float = 0.0) -> keras.Model:
    """Build the part that is trained: from spectra, `(batch, T, bands)`, to queries and keys.

    Both are `(batch, T + 1, 2 * vector + 2)`. Before training, the match is a projection of the last second of
    spectra and the query is near zero, so the network starts as a plain match of the recent past. `dropout` is
    the share of the towers' channels that are dropped in training.
    """
    spectra = keras.Input((None, settings.bands), name="spectra")
    past = _tower(spectra, settings, "past", dropout)
    future = _tower(spectra, settings, "future", dropout)
    patch = layers.Conv1D(settings.vector, PATCH_HOPS, use_bias=False, name="patch")
    match = layers.Dense(settings.vector, kernel_initializer="zeros", name="match")(past)
    match = match + patch(layers.ZeroPadding1D((PATCH_HOPS - 1, 0), name="patch_pad")(spectra))

    before = layers.ZeroPadding1D((2, 0), name="before")
    at = layers.ZeroPadding1D((0, 1), name="at")
    hidden = layers.Dense(2 * settings.width, activation="silu", name="query_hidden")(past)
    small = keras.initializers.RandomNormal(stddev=0.02)
    query = layers.Dense(settings.vector, kernel_initializer=small, name="query")(hidden)
    both = layers.Concatenate(name="both")([before(past)[:, :-1], at(future)])
    hidden = layers.Dense(2 * settings.width, activation="silu", name="key_hidden")(both)
    key = layers.Dense(settings.vector, name="key")(hidden)
    bias = layers.Dense(1, name="bias")(hidden)

    queries = [2 * MATCH_WEIGHT * match, QUERY_WEIGHT * query, ops.ones_like(match[..., :1]), -_square(match)]
    past_match = before(match)[:, :-1]
    keys = [past_match, key, bias - _square(past_match), ops.ones_like(bias)]
    shift = layers.ZeroPadding1D((1, 0), name="shift")
    return keras.Model(
        spectra, [shift(ops.concatenate(queries, axis=-1)), ops.concatenate(keys, axis=-1)], name="scorer"
    )


def _square(match: Tensor) -> Tensor:
    return MATCH_WEIGHT * ops.sum(match * match, axis=-1, keepdims=True)


def _tower(x: Tensor, settings: RecallSettings, name: str, dropout: float) -> Tensor:
    h = layers.Dense(settings.width, name=f"{name}_in")(x)
    for d in settings.dilations:
        r = layers.LayerNormalization(name=f"{name}_{d}_norm")(h)
        r = layers.ZeroPadding1D((2 * d, 0) if name == "past" else (0, 2 * d), name=f"{name}_{d}_pad")(r)
        r = layers.Conv1D(settings.width, 3, dilation_rate=d, activation="silu", name=f"{name}_{d}_conv")(r)
        if dropout:
            r = layers.SpatialDropout1D(dropout, name=f"{name}_{d}_dropout")(r)
        h = h + layers.Dense(settings.width, name=f"{name}_{d}_out")(r)
    return layers.LayerNormalization(name=f"{name}_norm")(h)


def _hann() -> NDArray[np.float32]:
    window: NDArray[np.float32] = np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)
    return window


def mel_bands(bands: int) -> NDArray[np.float32]:
    """Mel filters `(672, bands)`, each scaled to sum to 1, from 30 Hz to 8 kHz, in the order of `power_spectrum`."""
    k = np.arange(ROOT)[:, None] + ROOT * np.arange(BINS // ROOT)
    frequencies = k.reshape(-1) * (FRAME_SAMPLES / WINDOW_SAMPLES)
    weights = mel_filters(frequencies, bands=bands, lowest=30.0, highest=8000.0)
    bank: NDArray[np.float32] = (weights / weights.sum(axis=0)).astype(np.float32)
    return bank
