"""A small band that plays at a known tempo: drums, a bass and chords that change with the bar."""

import numpy as np
from numpy.typing import NDArray

RATE = 22050
PROGRESSION = (0, 5, 7, 0, 9, 5, 2, 7)  # semitones above the key


def band(
    lengths: NDArray[np.float64], metre: int, *, lead: float = 0.3
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Play one beat of each length in seconds; return the sound `(n,)` and the times of the beats.

    The bass drum is on the first beat of a bar (and on the third of four), the snare on the others, a hi-hat on every
    half beat, and a new chord with the bass on every first.
    """
    rng = np.random.default_rng(1)
    times = lead + np.cumsum([0, *lengths[:-1]])
    sound = np.zeros(round((times[-1] + lengths[-1] + 0.5) * RATE))

    def add(at: float, tone: NDArray[np.float64]) -> None:
        begin = round(at * RATE)
        sound[begin : begin + len(tone)] += tone[: max(0, len(sound) - begin)]

    short = np.arange(RATE // 5) / RATE
    noise = rng.normal(size=len(short))
    bass_drum = 0.9 * np.sin(2 * np.pi * 60 * short * np.exp(-short)) * np.exp(-18 * short)
    snare, hat = 0.3 * noise * np.exp(-25 * short), 0.06 * np.diff(noise, prepend=0) * np.exp(-70 * short)
    for number, (begin, length) in enumerate(zip(times, lengths, strict=True)):
        bar, position = divmod(number, metre)
        add(begin, bass_drum if position == 0 or (metre, position) == (4, 2) else snare)
        add(begin, hat)
        add(begin + length / 2, hat)
        if position == 0:
            age = np.arange(round(length * metre * RATE)) / RATE
            root = 110 * 2 ** (PROGRESSION[bar % len(PROGRESSION)] / 12)
            add(begin, 0.3 * np.sin(2 * np.pi * root / 2 * age) * np.exp(-1.5 * age))
            for pitch in (root, root * 2 ** (4 / 12), root * 1.5):
                add(begin, 0.12 * np.sin(2 * np.pi * 2 * pitch * age) * np.exp(-age))
    return sound.astype(np.float32), times
