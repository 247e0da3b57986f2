"""One channel of sound that stands for all of them wherever sound is analysed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import chunks
from extrapcli.audio.steps import SECOND, Steps

CANCELLED, RECOVERED = 0.1, 0.5  # power of the sum of the channels, against that of unrelated channels
OPPOSED = -0.2  # correlation from which two channels cancel each other
FAINT = 0.01  # power of a channel, against the strongest
SILENT = 1e-6  # power of a step, against the mean: softer ones have no phase


@dataclass(frozen=True)
class Downmix:
    """The mean of a sound's channels; where they cancel each other, some are inverted first.

    `signs`, float32 `(steps, channels)`, is 1 or -1 in the middle of each step of `size` samples, and runs straight
    in between; None where nothing cancels.
    """

    size: int = 1
    signs: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, steps: Steps) -> "Downmix":
        """Choose the signs for a sound.

        Channels cancel each other where, over a second, their sum has less than a tenth of the power that it has if
        they are unrelated; this ends where it has half of that. For all of such a stretch, each channel is inverted
        that is opposed to the one before it, the strongest first, that it is most like.
        """
        if not steps.length or steps.means.shape[1] == 1:
            return cls()
        products = steps.products
        together, apart = products.sum(axis=(1, 2)), np.trace(products, axis1=1, axis2=2)
        floor = SILENT * apart.mean() + np.finfo(float).tiny
        here = _share(together, apart, floor)
        second = np.ones(SECOND + 1)
        around = _share(np.convolve(together, second, "same"), np.convolve(apart, second, "same"), floor)
        cancelled = around < CANCELLED
        if not cancelled.any():
            return cls()
        signs = np.ones(steps.means.shape, np.float32)
        edges = np.flatnonzero(np.diff(np.pad((np.minimum(here, around) < RECOVERED).astype(np.int8), 1)))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            if cancelled[begin:end].any():
                signs[begin:end] = _signs(products[begin:end].mean(axis=0))
        return cls(steps.size, signs)

    def at(self, sample: int) -> NDArray[np.float32] | float:
        """Return what to multiply the channels with at a sample of the sound, `(channels,)`, before their mean."""
        return 1.0 if self.signs is None else self._signs_from(sample, 1)[0]

    def mix(self, samples: NDArray[np.floating], begin: int = 0) -> NDArray[np.float32]:
        """Mix `(n, channels)`, which lie at sample `begin` of the sound, to `(n,)`."""
        signed = samples if self.signs is None else samples * self._signs_from(begin, len(samples))
        mixed: NDArray[np.float32] = signed.mean(axis=1, dtype=np.float32)
        return mixed

    def mixed(self, samples: NDArray[np.floating]) -> Iterator[NDArray[np.float32]]:
        """Mix the whole sound `(n, channels)`, or a part that adds up to it, in chunks `(m, 1)`."""
        begin = 0
        for chunk in chunks(samples):
            yield self.mix(chunk, begin)[:, None]
            begin += len(chunk)

    def _signs_from(self, begin: int, count: int) -> NDArray[np.float32]:
        assert self.signs is not None
        at, middles = np.arange(begin, begin + count), (np.arange(len(self.signs)) + 0.5) * self.size - 0.5
        return np.stack([np.interp(at, middles, signs) for signs in self.signs.T], axis=1).astype(np.float32)


def to_mono(samples: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """Mix a sound `(n, channels)` down to `(n,)`."""
    downmix = Downmix() if samples.shape[1] == 1 else Downmix.of(Steps.of(samples, rate))
    return downmix.mix(samples)


def _share(together: NDArray[np.float64], apart: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """Divide the power of a sum by that of unrelated channels; 1 where it is silent."""
    share: NDArray[np.float64] = np.where(apart > floor, together / np.maximum(apart, floor), 1.0)
    return share


def _signs(products: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the sign of each channel, from the mean products of each two; that of the first, if not faint, is 1."""
    powers = np.diagonal(products)
    correlation = products / np.sqrt(np.maximum(np.outer(powers, powers), np.finfo(float).tiny))
    strongest, *others = np.argsort(-powers, kind="stable").tolist()
    signs, chosen = np.ones(len(powers), np.float32), [strongest]
    for channel in others:
        like = max(chosen, key=lambda other: abs(correlation[channel, other]))
        signs[channel] = signs[like] * (-1 if correlation[channel, like] < OPPOSED else 1)
        chosen.append(channel)
    aligned: NDArray[np.float32] = signs * signs[np.argmax(powers >= FAINT * powers[strongest])]
    return aligned
