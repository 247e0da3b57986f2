"""Pictures of sound for the page: mel spectrograms and self-similarity as PNG, waveform and loudness as SVG paths.

The PNGs hold one pixel for each value, without axes: the page draws its axes, joins and playhead over them, at any
width and in light and dark. So they are not made with `librosa.display`, whose figures have their axes drawn in.
"""

import base64
import io

import librosa
import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from extrapcli.audio.downmix import to_mono
from extrapcli.audio.song import Samples
from extrapcli.evaluation import spectra
from extrapcli.evaluation.drawing import outline

BANDS, HIGHEST_HERTZ = 160, 16000.0
WINDOW_SECONDS = 0.09
PER_SECOND = 25
RANGE_DECIBELS = 80.0
SPECTROGRAM_COLUMNS, SIMILARITY_SIDE = 1600, 600
PATH_WIDTH, PATH_HEIGHT = 1000, 100
LINE_POINTS = 250
TICKS_HERTZ = (40, 300, 1000, 3000, 10000)


def mel_power(samples: Samples, rate: int, *, per_second: int = PER_SECOND) -> NDArray[np.float32]:
    """Compute the power `(frames, 160)` of `(n, channels)` in mel bands from 40 Hz to 16 kHz, or to half the rate.

    Frame k is centred on second `k / per_second`, in a window of about 90 ms. Each band has the mean power of its
    bins.
    """
    window = 2 ** round(np.log2(rate * WINDOW_SECONDS))
    mono = to_mono(samples, rate)
    mono = np.pad(mono, (0, max(0, rate // per_second - len(mono))))
    return spectra.mel_power(
        mono, rate, per_second=per_second, window=window, bands=BANDS, highest=_highest(rate), norm=1
    )


def spectrogram(power: NDArray[np.float32], peak: float) -> str:
    """Draw power `(frames, bands)`, low bands at the bottom, from 80 dB below `peak` up to it; return a data URI."""
    decibels = librosa.power_to_db(pooled(power, SPECTROGRAM_COLUMNS), ref=max(peak, 1e-10), amin=1e-20, top_db=None)
    return png(1 + decibels.T[::-1] / RANGE_DECIBELS, "magma")


def self_similarity(power: NDArray[np.float32]) -> str:
    """Draw how similar the sound is at any two times: the cosine of log-mel spectra, each band standardised.

    Each point compares three frames in a row. Time runs to the right and upwards. What is no more similar than chance
    is dark.
    """
    level = np.log(power + 1e-4 * power.mean() + 1e-20)
    level = pooled(level, min(SIMILARITY_SIDE, max(1, len(power) * 4 // PER_SECOND)))
    level = (level - level.mean(axis=0)) / (level.std(axis=0) + 1e-3)
    around = np.pad(level, ((1, 1), (0, 0)), "edge")  # librosa.feature.stack_memory would compile for seconds
    level = np.concatenate([around[:-2], level, around[2:]], axis=1)
    level /= np.linalg.norm(level, axis=1, keepdims=True) + 1e-6
    return png((level @ level.T)[::-1], "viridis")


def colours(name: str) -> str:
    """Draw the scale of a colormap, low to high."""
    return png(np.linspace(0, 1, 256)[None], name)


def png(values: NDArray[np.floating], name: str) -> str:
    """Draw values from 0 to 1 in the colours of a matplotlib colormap; return a data URI."""
    image = Image.frombytes("P", values.shape[::-1], np.uint8(np.clip(values, 0, 1) * 255).tobytes())
    image.putpalette(colormaps[name](np.arange(256), bytes=True)[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def pooled(values: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """Average `(n, bands)` over equal stretches, down to `(columns, bands)`; fewer values stay as they are."""
    if len(values) <= columns:
        return values
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    means: NDArray[np.float32] = librosa.util.sync(values, edges.tolist(), axis=0)
    return means


def frequency_ticks(rate: int) -> list[tuple[str, float]]:
    """Return labels in hertz, and how far up each one belongs, from 0 to 1."""
    low, high, *marks = librosa.hz_to_mel([spectra.LOWEST_HERTZ, _highest(rate), *TICKS_HERTZ], htk=True)
    labels = [f"{hertz // 1000}k" if hertz >= 1000 else str(hertz) for hertz in TICKS_HERTZ]
    places = [(mark - low) / (high - low) for mark in marks]
    return [(label, float(place)) for label, place in zip(labels, places, strict=True) if place < 0.98]


def waveform(samples: Samples) -> str:
    """Draw a path around the lowest and highest samples in a thousand columns, scaled so that the loudest fits."""
    low, high = outline(samples, PATH_WIDTH)
    x = np.linspace(0, PATH_WIDTH, len(high))
    up, down = (PATH_HEIGHT / 2 * (1 - side) for side in (high, low))
    return _path(np.append(x, x[::-1]), np.append(up, down[::-1])) + "Z"


def curve(values: list[float | None], *, low: float, high: float, seconds: float) -> str:
    """Draw a path through one value a second, from `low` to `high` and from 0 to `seconds`, with gaps for None."""
    runs: list[list[int]] = [[]]
    for second, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(second)
    level = np.array([low if value is None else value for value in values])
    x = np.arange(len(values)) * PATH_WIDTH / seconds
    y = PATH_HEIGHT * (1 - (np.clip(level, low, high) - low) / (high - low))
    return "".join(_path(x[run], y[run]) for run in runs if run)


def line(values: NDArray[np.floating]) -> str:
    """Draw a path through `(n,)` values from 0 to 1, at equal distances; many are averaged to 250."""
    level = pooled(values[:, None].astype(np.float32), LINE_POINTS)[:, 0]
    return _path(np.linspace(0, PATH_WIDTH, len(level)), PATH_HEIGHT * (1 - level))


def _path(x: NDArray[np.floating], y: NDArray[np.floating]) -> str:
    return "M" + " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _highest(rate: int) -> float:
    return min(HIGHEST_HERTZ, rate / 2)
