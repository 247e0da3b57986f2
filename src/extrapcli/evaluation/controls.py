"""Controls to read every measure beside: the true continuation, a loop, silence and noise."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Samples
from extrapcli.continuation import Join
from extrapcli.evaluation.measures import LOOP, NOISE, SILENCE, TRUE
from extrapcli.evaluation.reference import Reference, Values

CONTROL_SECONDS, PAST_SECONDS = 15, 5  # of a control, and of the song before it
LOOP_SECONDS = 25  # of the song's end are looped; a longer stretch would not be heard as a loop
MUSIC_SECONDS = 60  # of the song's first half, at most, that its second half is measured against
MUSIC_JOIN_SECONDS, MUSIC_FADE_SECONDS = 5, 0.05  # music has no joins: moments this far apart stand for them


def loop(song: Samples, wanted: int) -> Samples:
    """Repeat the song `(n, channels)` with hard splices for `wanted` samples."""
    return song[np.arange(wanted) % len(song)]


def silence(song: Samples, wanted: int) -> Samples:
    """Make `wanted` samples of silence with the song's channels."""
    return np.zeros((wanted, song.shape[1]), np.float32)


def noise(song: Samples, wanted: int) -> Samples:
    """Make `wanted` samples of white Gaussian noise, always the same, with the song's RMS in each channel."""
    level = np.sqrt(np.square(song, dtype=np.float64).mean(axis=0))
    hiss: NDArray[np.float64] = np.random.default_rng(0).normal(size=(wanted, song.shape[1])) * level
    return hiss.astype(np.float32)


def measurements(
    reference: Reference, song: Samples, wanted: int, truth: Samples | None
) -> dict[str, Callable[[], Values]]:
    """Return for each control what makes and measures it, up to 15 s and no more than `wanted` samples.

    `truth` is what really followed the song; without it, the song's second half is measured against its first.
    """
    rate = reference.sample_rate
    size = min(wanted, CONTROL_SECONDS * rate)

    def measure(against: Reference, past: Samples, made: Samples, every: int, fade_seconds: float) -> Values:
        joins = [Join((len(past) + at) / rate, fade_seconds) for at in range(0, len(made), every)]
        return against.measure(np.concatenate([past, made]), len(past), joins, truth).values

    def music() -> Values:
        half = len(song) // 2
        before, after, against = song, truth, reference
        if after is None:
            before, after = song[max(0, half - MUSIC_SECONDS * rate) : half], song[half:]
            against = Reference(before, rate, reference.tagger, layout=reference.layout)
        every = MUSIC_JOIN_SECONDS * rate
        return measure(against, before[-PAST_SECONDS * rate :], after[:size], every, MUSIC_FADE_SECONDS)

    def made(control: Callable[[Samples, int], Samples], seconds: int = PAST_SECONDS) -> Values:
        past = song[-seconds * rate :]
        return measure(reference, past, control(past, size), len(past) if control is loop else size, 0.0)

    return {
        TRUE: music,
        LOOP: lambda: made(loop, LOOP_SECONDS),
        SILENCE: lambda: made(silence),
        NOISE: lambda: made(noise),
    }
