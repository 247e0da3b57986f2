"""Samples beyond full scale: cut off by the format, turned down for a moment, or with the whole track."""

from functools import reduce
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Samples, Song
from extrapcli.audio.spooled import chunks

Clip = Literal["clamp", "limit", "rescale"]
"""What happens to samples beyond full scale where a format can't hold them: they are cut off, or that moment is
turned down, or the whole track."""

BEYOND = 1 + 1e-5  # 0.0001 dB above full scale: less is rounding
AHEAD_SECONDS = 0.005  # how long before a peak the limiter begins to turn down
RELEASE_SECONDS = 0.1  # how long after it takes to take back all but 1/e of that
LEAST_REDUCTION = 1e-5  # of the gain, below which the limiter leaves samples as they are


class Level(Protocol):
    """Brings a track within full scale, on its way into a file."""

    def feed(self, block: Samples) -> Samples:
        """Take the next samples `(n, channels)`, and return those that are ready."""
        ...

    def rest(self) -> Samples:
        """Return the last samples, once all are fed."""
        ...

    def notes(self) -> list[str]:
        """Say what happened, each in a sentence."""
        ...


class Moments:
    """Counts samples `(n,)` to which something happens, and remembers the first, the last and the largest peak."""

    def __init__(self) -> None:
        self.count, self.peak = 0, 1.0
        self._seen, self._first, self._last = 0, 0, 0

    def add(self, affected: NDArray[np.bool_], peaks: NDArray[np.floating]) -> None:
        """Count the affected samples of the next `(n,)`, whose peaks over all channels these are."""
        places = np.flatnonzero(affected)
        if len(places):
            if not self.count:
                self._first = self._seen + int(places[0])
            self._last = self._seen + int(places[-1])
            self.count += len(places)
            self.peak = max(self.peak, float(peaks[places].max()))
        self._seen += len(affected)

    def skip(self, count: int) -> None:
        """Pass over samples to which nothing happens."""
        self._seen += count

    def when(self, sample_rate: int) -> str:
        """Say between which seconds they lie."""
        return f"between {self._first / sample_rate:.1f} s and {self._last / sample_rate:.1f} s"


class Clamp:
    """Leaves samples as they are, and says how many exceed full scale and what becomes of them, the `consequence`.

    Without a consequence it says nothing.
    """

    def __init__(self, song: Song, consequence: str) -> None:
        self._sample_rate, self._consequence = song.sample_rate, consequence
        self._none = song.samples[:0]
        self._beyond = Moments()

    def feed(self, block: Samples) -> Samples:
        if peak_of(block) > BEYOND:
            peaks = _peaks(block)
            self._beyond.add(peaks > BEYOND, peaks)
        else:
            self._beyond.skip(len(block))
        return block

    def rest(self) -> Samples:
        return self._none

    def notes(self) -> list[str]:
        if not self._beyond.count or not self._consequence:
            return []
        what = f"up to {decibels(self._beyond.peak)} above full scale {self._consequence}"
        return [f"{what} ({self._beyond.count} samples of the track, {self._beyond.when(self._sample_rate)})"]


class Rescale(Clamp):
    """Turns everything down by as much as the song is above full scale."""

    def __init__(self, song: Song, consequence: str) -> None:
        super().__init__(song, consequence)
        self._peak = max(map(peak_of, chunks(song.samples)))

    def feed(self, block: Samples) -> Samples:
        return super().feed(block / block.dtype.type(self._peak) if self._peak > BEYOND else block)

    def notes(self) -> list[str]:
        said = super().notes()
        if self._peak > BEYOND:
            said.insert(0, f"all of it was turned down by {decibels(self._peak)} to stay within full scale")
        return said


class Limit:
    """A limiter with look-ahead: turns moments down smoothly, and leaves all others bit for bit as they are.

    The reduction that a sample needs, 0 to 1, is held from `AHEAD_SECONDS` before it, decays exponentially after it,
    and is averaged over the last `AHEAD_SECONDS`. All values of that average are at least what the sample needs.
    Channels are turned down together.
    """

    def __init__(self, song: Song) -> None:
        self._sample_rate = song.sample_rate
        self._ahead = max(1, round(AHEAD_SECONDS * song.sample_rate))
        before = self._ahead - 1  # samples of silence before the track, so that a peak at its start is seen coming
        self._waiting: Samples = np.zeros((before, song.channels), song.samples.dtype)
        self._position = -before  # in the track, of the first that waits
        self._held = np.zeros(self._ahead)  # reductions before the average
        self._turned_down = Moments()

    def feed(self, block: Samples) -> Samples:
        samples = np.concatenate([self._waiting, block])
        ready = max(0, len(samples) - self._ahead + 1)
        self._waiting = samples[ready:]
        return self._limited(samples, ready)

    def rest(self) -> Samples:
        silence = np.zeros((self._ahead - 1, self._waiting.shape[1]), self._waiting.dtype)
        return self._limited(np.concatenate([self._waiting, silence]), len(self._waiting))

    def notes(self) -> list[str]:
        if not self._turned_down.count:
            return []
        seconds = self._turned_down.count / self._sample_rate
        return [
            f"turned down by up to {decibels(self._turned_down.peak)} to stay within full scale, for {seconds:.1f} s "
            f"in all {self._turned_down.when(self._sample_rate)}"
        ]

    def _limited(self, samples: Samples, ready: int) -> Samples:
        """Limit the first `ready` samples, which depend on the `_ahead - 1` after them."""
        early = min(ready, max(0, -self._position))
        self._position += ready
        if peak_of(samples) <= 1 and not self._held.any():
            self._turned_down.skip(ready - early)
            return samples[early:ready]
        peaks = _peaks(samples)
        held = self._release(_running_maximum(1 - 1 / np.maximum(peaks.astype(np.float64), 1), self._ahead)[:ready])
        sums = np.concatenate([[0], np.cumsum(np.concatenate([self._held, held]))])
        self._held = np.concatenate([self._held, held])[-self._ahead :]
        reduction = ((sums[self._ahead :] - sums[: -self._ahead]) / self._ahead)[1:]
        reduction[reduction < LEAST_REDUCTION] = 0
        self._turned_down.add(reduction[early:] > 0, peaks[early:])
        gain = (1 - reduction).astype(samples.dtype)[:, None]
        return np.where(gain < 1, np.clip(samples[:ready] * gain, -1, 1), samples[:ready])[early:]

    def _release(self, needed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `max over k <= n of needed[k] exp(-(n - k) / release)`, with what was held before."""
        decay = np.arange(1, len(needed) + 1) / (RELEASE_SECONDS * self._sample_rate)
        with np.errstate(divide="ignore"):
            rising = np.maximum(np.log(needed) + decay, np.log(self._held[-1]))
        held: NDArray[np.float64] = np.exp(np.maximum.accumulate(rising) - decay)
        held[held < LEAST_REDUCTION] = 0
        return held


def choose_level(clip: Clip, song: Song, *, lossless: bool, bits: int) -> Level:
    """Choose what happens to samples beyond full scale in a format that holds integers of `bits` bits, 0 for floats.

    Floats that are kept exactly need nothing. Those that an encoder takes are kept roughly, and cut off by players. A
    lossy song may well exceed full scale, and in a lossy format, players cut off what they cut off already.
    """
    if lossless and not bits:
        return Clamp(song, "")
    if clip == "limit":
        return Limit(song)
    consequence = "were cut off" if bits else "are cut off by players"
    if song.lossy and not lossless:
        consequence = ""
    return (Rescale if clip == "rescale" else Clamp)(song, consequence)


def fits(samples: Samples, bits: int) -> bool:
    """Return whether integers of so many bits hold all samples up to full scale exactly."""
    full_scale = 2 ** (bits - 1)
    for chunk in chunks(samples):
        exact = chunk * full_scale
        if ((np.rint(exact) != exact) & (np.abs(chunk) <= 1)).any():
            return False
    return True


def decibels(peak: float) -> str:
    """Say how far a peak is above full scale."""
    return f"{20 * np.log10(peak):.1f} dB" if peak > 10 ** (0.05 / 20) else "less than 0.1 dB"


def peak_of(samples: NDArray[np.floating]) -> float:
    """Return the largest absolute sample, 0 where there are none."""
    return max(float(samples.max(initial=0)), -float(samples.min(initial=0)))


def _peaks(samples: Samples) -> NDArray[np.floating]:
    return reduce(np.maximum, np.abs(samples).T)  # a maximum over so short an axis would take ten times as long


def _running_maximum(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the maximum of each `width` values in a row."""
    covered = 1
    while covered < width:
        step = min(covered, width - covered)
        values = np.maximum(values[:-step], values[step:])
        covered += step
    return values
