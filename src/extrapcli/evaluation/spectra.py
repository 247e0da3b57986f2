"""Mel spectrograms, the ground on which most measures stand."""

import warnings

import librosa
import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND = 25
WINDOW, BANDS, LOWEST_HERTZ, HIGHEST_HERTZ = 2048, 64, 40.0, 10000.0
CHUNK = 1024  # frames at a time: the whole spectrum of an hour of sound would take gigabytes

warnings.filterwarnings("ignore", "Empty filters", UserWarning, "librosa")  # low rates have no high bands


def mel_power(
    sound: NDArray[np.float32],
    rate: int,
    *,
    per_second: int = FRAMES_PER_SECOND,
    window: int = WINDOW,
    bands: int = BANDS,
    highest: float = HIGHEST_HERTZ,
    norm: float | None = None,
) -> NDArray[np.float32]:
    """Compute a mel spectrogram `(frames, bands)` of mono sound `(n,)`.

    Frame k is centred on sample `k * hop`, with `hop = rate // per_second`; there are `n // hop` frames. The bands
    are triangles, equally spaced in HTK's mels, `2595 log10(1 + f / 700)`, between 40 Hz and `highest`. Their height
    is 1, or with `norm=1` their weights add up to 1.
    """
    hop = rate // per_second
    frames = len(sound) // hop
    padded = np.pad(sound, window // 2)
    powers = [np.zeros((bands, 0), np.float32)]
    for begin in range(0, frames, CHUNK):
        end = min(begin + CHUNK, frames)
        powers.append(
            librosa.feature.melspectrogram(
                y=padded[begin * hop : (end - 1) * hop + window],
                sr=rate, n_fft=window, hop_length=hop, center=False,
                n_mels=bands, fmin=LOWEST_HERTZ, fmax=highest, htk=True, norm=norm,
            )
        )  # fmt: skip
    return np.ascontiguousarray(np.concatenate(powers, axis=1).T)
