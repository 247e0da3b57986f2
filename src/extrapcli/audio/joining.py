"""Join the pieces of a song whose sample rate or number of channels changes midway."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.readers import Decoded, Piece
from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.spooled import chunks, spooled

_DEPTHS = ("u8", "s8", "s16", "s24", "s32", "f32", "f64")
"""Sample formats, the more exact ones last."""


def join(parts: list[Decoded]) -> Decoded:
    """Make one piece of all, at the first one's sample rate and with the most channels that any has.

    The notes say what was changed. The losses of each part keep their places in the whole.
    """
    if len(parts) == 1 and len(parts[0].pieces) == 1:
        return parts[0]
    pieces = [piece for part in parts for piece in part.pieces]
    rate, widest = pieces[0].sample_rate, max(pieces, key=lambda piece: piece.samples.shape[1])
    channels = widest.samples.shape[1]
    dtype = np.result_type(*(piece.samples.dtype for piece in pieces if piece.sample_rate == rate))
    losses, before = [], 0.0
    for part in parts:
        losses += [loss._replace(start=loss.start + before) for loss in part.losses]
        before += part.seconds
    return parts[0]._replace(
        pieces=[Piece(spooled(_chunks(pieces, rate, channels, dtype)), rate, widest.layout)],
        lossy=any(part.lossy for part in parts),
        depth=max((part.depth for part in parts), key=_DEPTHS.index),
        losses=tuple(losses),
        notes=(*dict.fromkeys(note for part in parts for note in part.notes), *_changes(pieces, rate, channels)),
    )


def _chunks(pieces: list[Piece], rate: int, channels: int, dtype: np.dtype) -> Iterator[NDArray[np.floating]]:
    for samples, from_rate, _ in pieces:
        blocks = chunks(samples) if from_rate == rate else _resampled(samples, from_rate, rate)
        for block in blocks:
            yield _spread(block, channels).astype(dtype, copy=False)


def _resampled(samples: NDArray[np.floating], from_rate: int, rate: int) -> Iterator[NDArray[np.floating]]:
    return resample_chunks(chunks(samples), len(samples), from_rate=from_rate, to_rate=rate)


def _spread(samples: NDArray[np.floating], channels: int) -> NDArray[np.floating]:
    """Put mono on the front left and right, and leave channels silent that the samples lack."""
    missing = channels - samples.shape[1]
    if missing and samples.shape[1] == 1:
        samples, missing = np.repeat(samples, 2, axis=1), missing - 1
    return np.pad(samples, ((0, 0), (0, missing))) if missing else samples


def _changes(pieces: list[Piece], rate: int, channels: int) -> list[str]:
    notes, start = [], 0.0
    for piece in pieces:
        between = f"the sound between {start:.2f} s and {start + piece.seconds:.2f} s has"
        if piece.sample_rate != rate:
            notes.append(f"{between} a sample rate of {piece.sample_rate} Hz, and was resampled to {rate} Hz")
        if (own := piece.samples.shape[1]) != channels:
            where = "is heard on the front left and right" if own == 1 else "leaves the others silent"
            notes.append(f"{between} {own} of {channels} channels, and {where}")
        start += piece.seconds
    return notes
