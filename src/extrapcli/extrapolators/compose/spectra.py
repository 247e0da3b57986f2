"""What slots sound like: notes and timbre in decibels, from which costs are computed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import RATE
from extrapcli.dsp import mel_filters, windows
from extrapcli.extrapolators.compose.bands import EDGES_HERTZ

HOP = 256
NOTES_WINDOW, NOTES_HOPS, TIMBRE_WINDOW = 4096, 2, 1024
LOWEST_NOTE, NOTES = 28, 76  # MIDI numbers: E1 to G7
MEL_BANDS, LOWEST_HERTZ, HIGHEST_HERTZ = 40, 60.0, 10500.0
BINS = NOTES + MEL_BANDS
LOUDEST, RANGE = 0.999, 1e-5  # what is 50 dB below the loudest counts as silent
CHUNK_FRAMES = 256
PER_SECOND = RATE / HOP


@dataclass(frozen=True)
class Spectra:
    """A sound from moment to moment.

    Attributes:
        decibels: float32 `(frames, 116)`, 86 frames a second: 76 notes, a semitone apart, and 40 mel bands.
        floor: the powers, one for notes and one for mel bands, that count as silence.
    """

    decibels: NDArray[np.float32]
    floor: NDArray[np.float64]

    @classmethod
    def of(cls, mono: NDArray[np.float32], floor: NDArray[np.float64] | None = None) -> "Spectra":
        """Analyse sound `(n,)` at 22,050 Hz; give the `floor` of the song that it is compared with."""
        notes = np.repeat(_powers(mono, NOTES_WINDOW, HOP * NOTES_HOPS, _note_filters()), NOTES_HOPS, axis=0)
        timbre = _powers(mono, TIMBRE_WINDOW, HOP, _timbre_filters())
        powers = [part[: min(len(notes), len(timbre))] for part in (notes, timbre)]
        if floor is None:
            floor = np.array([max(float(np.quantile(part, LOUDEST)) * RANGE, 1e-12) for part in powers])
        decibels = [10 * np.log10(part + np.float32(least)) for part, least in zip(powers, floor, strict=True)]
        return cls(np.hstack(decibels).astype(np.float32), floor)

    def between(self, begins: NDArray[np.float64], ends: NDArray[np.float64], parts: int = 1) -> NDArray[np.float32]:
        """Average over equal parts of stretches between seconds, each `(n,)`: `(n, parts, 116)`."""
        steps = begins[:, None] + (ends - begins)[:, None] * np.arange(parts + 1) / parts
        at = np.clip(np.round(steps * PER_SECOND).astype(int), 0, len(self.decibels))
        first = np.minimum(at[:, :-1], len(self.decibels) - 1)
        last = np.maximum(at[:, 1:], first + 1)
        sums = self._sums[last] - self._sums[first]
        means: NDArray[np.float32] = (sums / (last - first)[..., None]).astype(np.float32)
        return means

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        return np.pad(np.cumsum(self.decibels, axis=0, dtype=np.float64), ((1, 0), (0, 0)))


def band_columns() -> tuple[NDArray[np.int_], ...]:
    """Return the columns of `Spectra.decibels` that belong to each band: bass, middle and treble."""
    peaks = np.fft.rfftfreq(TIMBRE_WINDOW, 1 / RATE)[_timbre_filters().argmax(axis=0)]
    bands = np.searchsorted(EDGES_HERTZ, np.concatenate([_note_hertz(), peaks]), side="right")
    return tuple(np.flatnonzero(bands == band) for band in range(len(EDGES_HERTZ) + 1))


def _note_hertz() -> NDArray[np.float64]:
    hertz: NDArray[np.float64] = 440 * 2 ** ((LOWEST_NOTE + np.arange(NOTES) - 69) / 12)
    return hertz


def _note_filters() -> NDArray[np.float32]:
    """Return triangles around the notes, a semitone to either side but at least one bin: `(bins, notes)`."""
    frequencies = np.fft.rfftfreq(NOTES_WINDOW, 1 / RATE)
    centres = _note_hertz()
    widths = np.maximum(centres * (2 ** (1 / 12) - 1), RATE / NOTES_WINDOW)
    filters: NDArray[np.float32] = np.maximum(0, 1 - np.abs(frequencies[:, None] - centres) / widths).astype(
        np.float32
    )
    return filters


def _timbre_filters() -> NDArray[np.float32]:
    frequencies = np.fft.rfftfreq(TIMBRE_WINDOW, 1 / RATE)
    filters = mel_filters(frequencies, bands=MEL_BANDS, lowest=LOWEST_HERTZ, highest=HIGHEST_HERTZ)
    filters /= filters.sum(axis=0)
    return filters.astype(np.float32)


def _powers(mono: NDArray[np.float32], window: int, hop: int, filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the power in each filter, `(n // hop + 1, filters)`, in Hann windows around every `hop` samples."""
    shape = np.hanning(window + 1)[:-1].astype(np.float32)
    parts = [
        (np.abs(np.fft.rfft(frames * shape)) ** 2).astype(np.float32) @ filters
        for frames in windows(mono, hop=hop, window=window, at_once=CHUNK_FRAMES)
    ]
    return np.concatenate(parts)
