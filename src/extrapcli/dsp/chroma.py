"""The harmony of a sound from moment to moment."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.dsp.stretches import padded, windows

CHUNK_FRAMES = 64  # spectra in memory at a time
TUNING_FRAMES = 200  # so many, spread over a sound, say how it is tuned
LOWEST_PEAK_HERTZ = 150.0
PEAK_THRESHOLD = 0.1  # of the strongest in a frame
LEAST_CONCENTRATION = 0.2  # 1 where all peaks are out of tune alike, 0 where they are so by any amount


def pitch_classes(
    samples: NDArray[np.float32],
    *,
    sample_rate: int,
    hop: int,
    window: int = 8192,
    lowest: float = 80.0,
    highest: float = 3000.0,
    tuning_width: float = 0.35,
    reference: float = 440.0,
    surroundings: float = 0.0,
) -> Iterator[NDArray[np.float32]]:
    """Yield the strengths of the twelve pitch classes in mono sound `(n,)`, float32 `(frames, 12)`, 64 at a time.

    There are `n // hop + 1` frames. Pitch class k lies k semitones above `reference` Hz: class 0 is A unless another
    note is given. With X[t, f] the Fourier transform in a Hann window around sample `t * hop`, and d(f, k) the
    distance of f from the nearest note of class k in semitones,

        c[t, k] = sum_f |X[t, f]| exp(-d(f, k)^2 / (2 tuning_width^2)) / sqrt(f)

    over the frequencies between `lowest` and `highest` Hz (T. Fujishima, Realtime chord recognition of musical sound,
    1999, with a soft assignment to notes). With `surroundings`, |X[t, f]| counts as far as it exceeds the mean of the
    frequencies at most so many octaves away, so that noise and drums, which lie on all of them, count little.
    """
    frequencies = np.fft.rfftfreq(window, 1 / sample_rate)
    bins = np.flatnonzero((frequencies > lowest) & (frequencies < highest))
    semitones = 12 * np.log2(frequencies[bins] / reference)
    distance = (semitones[:, None] - np.arange(12) + 6) % 12 - 6
    weights = np.exp(-0.5 * (distance / tuning_width) ** 2) / np.sqrt(frequencies[bins])[:, None]
    weights = weights.astype(np.float32)
    below = (bins / 2**surroundings).astype(int)
    above = np.minimum(bins * 2**surroundings + 1, len(frequencies)).astype(int)
    for frames in windows(samples, hop=hop, window=window, at_once=CHUNK_FRAMES):
        magnitudes = _magnitudes(frames)
        if surroundings:
            sums = np.pad(np.cumsum(magnitudes, axis=1), ((0, 0), (1, 0)))
            means = (sums[:, above] - sums[:, below]) / (above - below).astype(np.float32)
            yield np.maximum(0, magnitudes[:, bins] - means) @ weights
        else:
            yield magnitudes[:, bins] @ weights


def chroma(
    samples: NDArray[np.float32],
    *,
    sample_rate: int,
    hop: int,
    window: int = 8192,
    lowest: float = 80.0,
    highest: float = 3000.0,
    tuning_width: float = 0.35,
    reference: float = 440.0,
) -> NDArray[np.float32]:
    """Return what notes stand out in mono sound `(n,)`: float32 `(n // hop + 1, 12)`.

    The strengths of `pitch_classes` are averaged over three frames, reduced by the least class, and scaled to unit
    length, so that the product of two rows is a similarity from 0 to 1. Silence gives zeros.
    """
    chunks = pitch_classes(
        samples,
        sample_rate=sample_rate,
        hop=hop,
        window=window,
        lowest=lowest,
        highest=highest,
        tuning_width=tuning_width,
        reference=reference,
    )
    return standing_out(np.concatenate(list(chunks)))


def standing_out(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the vectors of `chroma` for strengths of pitch classes `(frames, 12)`, in the same shape."""
    smooth = np.apply_along_axis(np.convolve, 0, strength, np.ones(3) / 3, "same")
    smooth = smooth - smooth.min(axis=1, keepdims=True)
    unit: NDArray[np.float32] = (smooth / (np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit


def tuning(samples: NDArray[np.float32], *, sample_rate: int, window: int = 8192) -> float:
    """Estimate how many semitones, -0.5 to 0.5, mono sound `(n,)` is above A = 440 Hz; 0 where nothing shows it.

    The distances of spectral peaks from the nearest notes, weighted by their magnitudes, have a mean on the circle
    of one semitone. The peaks are those of 200 frames, above 150 Hz and a tenth of the strongest in their frame,
    placed by a parabola through the logarithms of three magnitudes (J. O. Smith, Spectral audio signal processing,
    2011).
    """
    middles = np.linspace(0, len(samples), TUNING_FRAMES + 2)[1:-1].astype(int)
    magnitudes = _magnitudes(np.stack([padded(samples, k - window // 2, window) for k in middles]))
    left, middle, right = magnitudes[:, :-2], magnitudes[:, 1:-1], magnitudes[:, 2:]
    peaks = (middle > left) & (middle >= right) & (middle > PEAK_THRESHOLD * middle.max(axis=1, keepdims=True))
    peaks[:, : int(LOWEST_PEAK_HERTZ * window / sample_rate)] = False
    a, b, c = (np.log(side[peaks] + np.finfo(np.float32).tiny) for side in (left, middle, right))
    bins = np.nonzero(peaks)[1] + 1 + 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
    semitones = 12 * np.log2(bins * sample_rate / window / 440)
    weights = middle[peaks]
    mean = (weights * np.exp(2j * np.pi * semitones)).sum() / max(float(weights.sum()), 1e-20)
    return float(np.angle(mean)) / (2 * np.pi) if np.abs(mean) > LEAST_CONCENTRATION else 0.0


def _magnitudes(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the magnitudes of the Fourier transforms of frames `(n, window)` in Hann windows."""
    shape = np.hanning(frames.shape[1]).astype(np.float32)
    return np.abs(np.fft.rfft(frames * shape))
