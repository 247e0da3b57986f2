"""Sound in numbers: averages over stretches of the network's spectra and of chroma vectors, and distances."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release
from extrapcli.dsp import pitch_classes, standing_out
from extrapcli.extrapolators.recall.material import Material

DECIBEL_MEAN, DECIBEL_SCALE = -20.0, 15.0  # of the network's spectra
FLOOR = 1e-5  # relative to the mean power
CHROMA_PER_SECOND = 5

Array = NDArray[np.float32]
Times = NDArray[np.float64]


def band_power(spectra: Array) -> Array:
    """Return the power of the network's spectra `(hops, bands)`, relative to that of the song."""
    power: Array = (10 ** ((spectra * DECIBEL_SCALE + DECIBEL_MEAN) / 10)).astype(np.float32)
    return power


def decibels(power: Array, reference: float) -> Array:
    """Return power in decibels, with a floor 50 dB below a reference."""
    level: Array = 10 * np.log10(power + FLOOR * reference + 1e-12)
    return level


def tones_of(material: Material) -> Array:
    """Return the chroma vectors of the whole sound, one for each hop, `(hops, 12)`."""
    mono, rate = material.mono, material.mono_rate
    strengths = []
    for part in pitch_classes(mono, sample_rate=rate, hop=rate // CHROMA_PER_SECOND):
        strengths.append(part)
        release(mono)
    chroma = standing_out(np.concatenate(strengths))
    end = material.bounds.end / material.song.sample_rate
    seconds = end - (material.hops - np.arange(material.hops)) / material.hops_per_second
    at = np.arange(len(chroma)) / CHROMA_PER_SECOND
    return np.stack([np.interp(seconds, at, column) for column in chroma.T], axis=1).astype(np.float32)


def grouped(values: Array, groups: int) -> Array:
    """Average neighbouring columns of `(rows, columns)` to so many groups."""
    edges = np.linspace(0, values.shape[1], groups + 1).astype(int)
    sums = np.add.reduceat(values, edges[:-1], axis=1)
    return (sums / np.diff(edges)).astype(np.float32)


def averages(values: Array, edges: NDArray[np.int_]) -> Array:
    """Average the rows of `(rows, width)` between edges `(n, cells + 1)`: `(n, cells, width)`; at least one row."""
    begin = np.minimum(edges[:, :-1], len(values) - 1)
    end = np.minimum(np.maximum(edges[:, 1:], begin + 1), len(values))
    first = int(begin.min())
    around = values[first : int(end.max())]
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(around, axis=0, dtype=np.float64)])
    means: Array = ((sums[end - first] - sums[begin - first]) / (end - begin)[..., None]).astype(np.float32)
    return means


def unit_vectors(values: Array) -> Array:
    """Flatten each item to a vector, take off its mean, and scale it to unit length."""
    rows = values.reshape(len(values), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    units: Array = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)
    return units


def square_distances(a: Array, b: Array) -> Array:
    """Return the squared distance of each row of one matrix from each of another."""
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)
    distances: Array = np.maximum(0, squares - 2 * a @ b.T)
    return distances
