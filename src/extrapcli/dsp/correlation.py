"""Find a short signal in a longer one."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray


def moving_sum(values: NDArray[np.floating], *, size: int) -> NDArray[np.float64]:
    """Return the sum of every `size` consecutive values of `(n,)`, float64 `(n - size + 1,)`.

    s[k] = x[k] + ... + x[k + size - 1], as a difference of cumulative sums.

    >>> moving_sum(np.array([1.0, 2.0, 3.0, 4.0]), size=2)
    array([3., 5., 7.])
    """
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    result: NDArray[np.float64] = sums[size:] - sums[:-size]
    return result


def normalised_cross_correlation(
    template: NDArray[np.floating],
    signal: NDArray[np.floating],
    *,
    method: Literal["fft", "direct"] = "fft",
    floor: float = 1e-12,
) -> NDArray[np.float64]:
    """Return how similar each stretch of a signal is to a template, -1 to 1.

    For template `t (m,)` and signal `x (n,)` with m <= n, float64 `(n - m + 1,)`:

        r[k] = sum_i t[i] x[k + i] / sqrt(sum_i t[i]^2 * sum_i x[k + i]^2)

    which is the cosine of the angle between the two. The product under the root is at least `floor`, so that silence
    is similar to nothing. `fft` computes the sums of products by Fourier transforms, in the precision of the inputs;
    `direct` adds them up, which is faster for a short template.

    >>> normalised_cross_correlation(np.array([1.0, -1.0]), np.array([0.0, 2.0, -2.0, 0.0]), method="direct").round(2)
    array([-0.71,  1.  , -0.71])
    """
    m, n = len(template), len(signal)
    if method == "direct":
        products = np.correlate(signal, template, "valid")
    else:
        size = 2 ** int(np.ceil(np.log2(n + m)))
        products = np.fft.irfft(np.fft.rfft(signal, size) * np.conj(np.fft.rfft(template, size)), size)[: n - m + 1]
    energy = moving_sum(np.square(signal, dtype=np.float64), size=m)
    energy = energy * float(np.square(template, dtype=np.float64).sum())
    correlation: NDArray[np.float64] = products / np.sqrt(np.maximum(energy, floor))
    return correlation
