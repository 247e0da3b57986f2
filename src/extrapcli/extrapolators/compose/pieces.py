"""Pieces: stretches of one band of the song, laid one after another with crossfades where nothing strikes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from extrapcli.crossfade import Fade
from extrapcli.dsp import normalised_cross_correlation
from extrapcli.extrapolators.compose.bands import Bands

FADE_SECONDS = (0.03, 0.03, 0.01)  # of each band
SHIFT_SECONDS = (0.012, 0.006, 0.002)  # by which a piece is moved at most, to where it is most like what it replaces
SHIFT_COST = 0.1  # of the correlation, for the largest shift
BEFORE_SECONDS = 0.003  # a crossfade ends so long before a slot, whose first sound strikes there
NOWHERE = np.iinfo(np.int64).min  # a place that is none
ALIKE = 0.5  # correlation from which two sides count as alike


@dataclass(frozen=True)
class Piece:
    """A stretch of one band of the song.

    Attributes:
        begin: the sample of the track at which its crossfade begins.
        source: the sample of the song that plays there.
        fade: the crossfade from the piece before.
    """

    begin: int
    source: int
    fade: Fade


class Layer:
    """One band of the track: the song's head, then pieces."""

    def __init__(self, bands: Bands, band: int, fade_seconds: float | None = None) -> None:
        """Begin with the song; `fade_seconds` is the length of crossfades, by default one that suits the band."""
        self._bands, self._band, self._rate = bands, band, bands.rate
        self._fade = round((FADE_SECONDS[band] if fade_seconds is None else fade_seconds) * bands.rate)
        self.pieces = [Piece(0, 0, Fade(0, "equal-gain"))]

    def add(self, at: int, source: int, *, shifts: bool = True) -> Piece:
        """Play the song from a sample on where a slot of the track begins at sample `at`; return the piece.

        Unless it `shifts`, it begins at that very sample.
        """
        length = self._fade
        begin = at - round(BEFORE_SECONDS * self._rate) - length
        source -= at - begin
        fade = Fade(length, "equal-gain")
        if length:
            reach = round(SHIFT_SECONDS[self._band] * self._rate) if shifts else 0
            old = self._bands.read(self._band, self.source(begin), self.source(begin) + length)
            new = self._bands.read(self._band, source - reach, source + reach + length)
            alike, moves = _likeness(old, new), np.arange(-reach, reach + 1)
            best = int(np.argmax(alike - SHIFT_COST * np.abs(moves) / max(reach, 1)))
            source += int(moves[best])
            fade = Fade(length, "equal-gain" if alike[best] > ALIKE else "equal-power")
        piece = Piece(begin, source, fade)
        self.pieces.append(piece)
        return piece

    def source(self, at: int) -> int:
        """Return the sample of the song that plays at sample `at` of the track, if no more pieces are added."""
        last = self.pieces[-1]
        return last.source + at - last.begin

    def sources(self, begin: int, end: int) -> NDArray[np.int_]:
        """Return which samples of the song samples `begin` to `end` of the track are; NOWHERE in crossfades."""
        places = np.full(end - begin, NOWHERE, np.int64)
        for piece, after in zip_longest(self.pieces, self.pieces[1:]):
            first = max(begin, piece.begin + piece.fade.samples)
            last = end if after is None else min(end, after.begin)
            if first < last:
                places[first - begin : last - begin] = np.arange(first, last) + piece.source - piece.begin
        return places

    def render(self, begin: int, end: int) -> NDArray[np.float32]:
        """Return samples `begin` to `end` of the track's band; pieces that were played are forgotten."""
        while len(self.pieces) > 1 and self.pieces[1].begin + self.pieces[1].fade.samples <= begin:
            del self.pieces[0]
        out = np.zeros((end - begin, self._bands.samples.shape[1]), np.float32)
        for number, piece in enumerate(self.pieces):
            after = self.pieces[number + 1] if number + 1 < len(self.pieces) else None
            first = max(begin, piece.begin)
            last = end if after is None else min(end, after.begin + after.fade.samples)
            if last <= first:
                continue
            sound = self._bands.read(
                self._band, piece.source + first - piece.begin, piece.source + last - piece.begin
            )
            gains = np.ones(last - first)
            _ramp(gains, first, piece, rises=True)
            if after:
                _ramp(gains, first, after, rises=False)
            out[first - begin : last - begin] += sound * gains[:, None].astype(np.float32)
        return out


def _likeness(old: NDArray[np.floating], new: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how like sound `(m, channels)` each stretch of a longer one is, by its loudest channel.

    Not by the mean of the channels, which may cancel out.
    """
    loud = int(np.square(old).sum(axis=0).argmax())
    return normalised_cross_correlation(old[:, loud], new[:, loud])


def _ramp(gains: NDArray[np.float64], first: int, piece: Piece, *, rises: bool) -> None:
    """Multiply gains, which begin at sample `first` of the track, with those of a piece's crossfade."""
    ramp = piece.fade.gains()[int(rises)]
    begin = piece.begin - first
    start, stop = (min(max(0, at), len(gains)) for at in (begin, begin + len(ramp)))
    gains[start:stop] *= ramp[start - begin : stop - begin]


def mixed(song: NDArray[np.floating], layers: Sequence[Layer], begin: int, end: int) -> NDArray[np.floating]:
    """Return samples `begin` to `end` of the track, exactly the song's where all layers play the same of them."""
    places = np.stack([layer.sources(begin, end) for layer in layers])
    made = sum((layer.render(begin, end) for layer in layers[1:]), start=layers[0].render(begin, end))
    own = (places == places[0]).all(axis=0) & (places[0] >= 0) & (places[0] < len(song))
    made = made.astype(song.dtype, copy=False)
    made[own] = song[places[0, own]]
    return made
