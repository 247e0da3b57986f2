"""Where a track stops being its song: the end of its head."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.downmix import to_mono
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.self_repetition import RATE

STEP = RATE // 10  # song and track are compared a tenth of a second at a time
LEAST_STEPS = 10
SAME = 0.8  # correlation of a step in song and track from which on the track is the song
QUIET = 1e-3  # of the mean power: what is softer in both is the same
MISSES = 3  # steps in a row that may differ by chance, in a lossy track
MAX_OFFSET = RATE // 10


def match_format(track: Song, song: Song) -> Song:
    """Bring a track to the song's rate and channels; another number of channels is mixed to one and spread."""
    samples = track.samples.astype(np.float32, copy=False)
    if track.channels != song.channels:
        mixed = to_mono(samples, track.sample_rate)
        samples = np.repeat(mixed[:, None], song.channels, axis=1)
    if track.sample_rate != song.sample_rate:
        samples = resample(samples, from_rate=track.sample_rate, to_rate=song.sample_rate)
    return replace(track, samples=samples, sample_rate=song.sample_rate, layout=song.layout)


def head_seconds(track: Song, song: Song) -> float | None:
    """Find the second at which a track stops being its song; None where it does not begin with a second of it.

    The two are correlated a tenth of a second at a time, after an offset of up to 0.1 s, as encoders cause it.
    """
    ours, theirs = (mono(sound.samples, sound.sample_rate) for sound in (song, track))
    size = min(len(ours), len(theirs))
    offset = _offset(ours[: 10 * RATE], theirs[: 10 * RATE])
    ours, theirs = ours[max(0, -offset) : size], theirs[max(0, offset) : size]
    count = min(len(ours), len(theirs)) // STEP
    if count < LEAST_STEPS:
        return None
    here, there = (sound[: count * STEP].reshape(count, STEP).astype(np.float64) for sound in (ours, theirs))
    energies = np.array([np.square(sound).sum(axis=1) for sound in (here, there)])
    floors = energies.mean(axis=1, keepdims=True) * QUIET + 1e-9
    same = ((here * there).sum(axis=1) + np.sqrt(floors.prod())) / np.sqrt((energies + floors).prod(axis=0)) >= SAME
    misses = np.convolve(np.append(~same, np.ones(MISSES)), np.ones(MISSES + 1), "valid")
    steps = int(np.argmax(misses > MISSES)) if (misses > MISSES).any() else count
    return (steps * STEP + max(0, offset)) / RATE if steps >= LEAST_STEPS else None


def _offset(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> int:
    """Find how many samples later the track is."""
    size = 2 ** int(np.ceil(np.log2(len(ours) + len(theirs))))
    products = np.fft.irfft(np.fft.rfft(theirs, size) * np.conj(np.fft.rfft(ours, size)), size)
    lags = np.array(sorted(range(-MAX_OFFSET, MAX_OFFSET + 1), key=abs))  # the smallest, where several are as good
    return int(lags[np.argmax(products[lags])])
