"""Sound to pictures: mel spectrograms and self-similarity as PNG, waveform and loudness as SVG paths."""

import base64
import io
from typing import Any

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from extrapcli.audio.song import Samples
from extrapcli.evaluation.spectra import LOWEST, mel, mel_energies, mel_weights

Array = NDArray[np.float32]

BANDS, HIGHEST = 160, 16000.0
WINDOW_SECONDS = 0.09
PER_SECOND = 25
RANGE_DECIBELS = 80.0
SPECTROGRAM_COLUMNS, SIMILARITY_SIDE = 1600, 600
PATH_WIDTH, PATH_HEIGHT = 1000, 100
TICKS_HERTZ = (40, 300, 1000, 3000, 10000)


def mel_power(samples: Samples, rate: int, *, per_second: int = PER_SECOND) -> Array:
    """Power `(frames, 160)` of `(n, channels)`, mixed, in mel bands from 40 Hz to 16 kHz or half the rate.

    Each frame lies around its own time, `k / per_second`, in a window of about 90 ms; each band holds the mean power
    of what is in it.
    """
    window = 2 ** round(np.log2(rate * WINDOW_SECONDS))
    mono = samples.mean(axis=1, dtype=np.float32)
    mono = np.pad(mono, (0, max(0, rate // per_second - len(mono))))
    sizes = mel_weights(rate, window, BANDS, _highest(rate)).sum(axis=0)
    energies = mel_energies(mono, rate, per_second=per_second, window=window, bands=BANDS, highest=_highest(rate))
    power: Array = energies / np.maximum(sizes, 1e-9)
    return power


def spectrogram(power: Array, peak: float) -> str:
    """Draw power `(frames, bands)`, low bands below, from 80 dB under `peak` up to it."""
    decibels = 10 * np.log10(np.maximum(pooled(power, SPECTROGRAM_COLUMNS), 1e-20) / max(peak, 1e-10))
    return png(1 + decibels.T[::-1] / RANGE_DECIBELS, "magma")


def self_similarity(power: Array) -> str:
    """Draw how alike the sound is at any two times: the cosine between log-mel spectra, each band standardised.

    Time runs to the right and upwards. What is as alike as chance, or less, is dark.
    """
    level = np.log(power + 1e-4 * power.mean() + 1e-20)
    level = pooled(level, min(SIMILARITY_SIDE, max(1, len(power) * 4 // PER_SECOND)))
    level = (level - level.mean(axis=0)) / (level.std(axis=0) + 1e-3)
    around = np.pad(level, ((1, 1), (0, 0)), "edge")
    level = np.concatenate([around[:-2], level, around[2:]], axis=1)
    level /= np.linalg.norm(level, axis=1, keepdims=True) + 1e-6
    return png((level @ level.T)[::-1], "viridis")


def colours(name: str) -> str:
    """Draw the scale itself, low to high."""
    return png(np.linspace(0, 1, 256)[None], name)


def png(values: NDArray[np.floating], name: str) -> str:
    """Draw values from 0 to 1 in the colours of a matplotlib colormap; returns a data URI."""
    image = Image.frombytes("P", values.shape[::-1], np.uint8(np.clip(values, 0, 1) * 255).tobytes())
    image.putpalette(colormaps[name](np.arange(256), bytes=True)[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def pooled(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """The means of `columns` equal stretches of `(n, ...)`; the values themselves where they are fewer."""
    if len(values) <= columns:
        return values
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    sums = np.add.reduceat(values, edges[:-1], axis=0)
    means: NDArray[Any] = sums / np.diff(edges).reshape(-1, *[1] * (values.ndim - 1))
    return means


def frequency_ticks(rate: int) -> list[tuple[str, float]]:
    """Labels in hertz, and how far up each lies, from 0 to 1."""
    low, high = mel(LOWEST), mel(_highest(rate))
    shares = [(hertz, (mel(hertz) - low) / (high - low)) for hertz in TICKS_HERTZ]
    return [(f"{h // 1000}k" if h >= 1000 else str(h), share) for h, share in shares if share < 0.98]


def waveform(samples: Samples) -> str:
    """A path round the lowest and highest sample of all channels in a thousand columns, the loudest at the edge."""
    edges = np.linspace(0, len(samples), min(PATH_WIDTH, len(samples)) + 1).astype(int)
    high = np.maximum.reduceat(samples, edges[:-1]).max(axis=1)
    low = np.minimum.reduceat(samples, edges[:-1]).min(axis=1)
    loudest = max(high.max(), -low.min(), 1e-9)
    x = np.linspace(0, PATH_WIDTH, len(high))
    up, down = (PATH_HEIGHT / 2 * (1 - side / loudest) for side in (high, low))
    return _path(np.append(x, x[::-1]), np.append(up, down[::-1])) + "Z"


def curve(seconds: NDArray[np.floating], values: list[float | None], *, low: float, high: float, width: float) -> str:
    """A path through values over time, from `low` to `high` and from 0 to `width` seconds, with gaps for None."""
    runs: list[list[int]] = [[]]
    for k, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(k)
    level = np.array([low if value is None else value for value in values])
    y = PATH_HEIGHT * (1 - (np.clip(level, low, high) - low) / (high - low))
    return "".join(_path(seconds[run] * PATH_WIDTH / width, y[run]) for run in runs if run)


def _path(x: NDArray[np.floating], y: NDArray[np.floating]) -> str:
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return "M" + points


def _highest(rate: int) -> float:
    return min(HIGHEST, rate / 2)
