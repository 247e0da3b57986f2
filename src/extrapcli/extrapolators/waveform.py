"""`waveform`: plays the samples that a network predicts.

The network is given the last seconds of the track so far. The horizon that it predicts begins a crossfade before
the end of the track. Each channel is an entry of the batch; of stereo, sum and difference are, so that what is in the
middle stays there whatever the network predicts for the two.

Two rules keep a long track alive. Every block is brought from the level of the track at the join to that of the song,
so that a model whose output is too soft or too loud can neither fade away nor blow up; how loud the parts of a
prediction are relative to each other does not change. And no block has a higher peak than the song. Where a song
fades out, the network is given what came before, and its prediction fades in.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.resample import resample
from extrapcli.audio.silence import find_bounds
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.crossfade import Fade, join
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.fading import fade_out
from extrapcli.frames import last, to_frames, to_samples
from extrapcli.spec import WaveformSpec, expect

FADE_SECONDS = 0.5
LEVEL_SECONDS = 1.0  # how much sound on either side of a join decides its level
MIN_START, MAX_START = 0.25, 2.0  # the gain at the beginning of a block, relative to its end
NEGLIGIBLE = 1e-4  # level of the difference of two channels, relative to their sum: -80 dB


class Waveform:
    """Predicts frames from frames, block after block. Seed and variety change nothing: there is one prediction."""

    needs: ClassVar[frozenset[str]] = frozenset({"frames"})
    steers: ClassVar[bool] = False
    fits: ClassVar[bool] = False

    def __init__(self, backend: Backend, style: Style) -> None:
        self.backend = backend
        self.spec = expect(backend.spec, WaveformSpec)
        self.ending = style.ending
        self.fade_seconds = FADE_SECONDS if style.fade_seconds is None else style.fade_seconds
        if style.ending == "song":
            raise UsageError(f"{self.spec.name} cannot land on a song's own ending", hint="ending")
        if not 0 <= self.fade_seconds <= self.spec.horizon_frames / 2:
            raise UsageError(
                f"a crossfade of {self.fade_seconds:g} s is out of range; "
                f"{self.spec.name} takes 0 to {self.spec.horizon_frames / 2:g} s"
            )

    def blocks(self, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
        blocks = self._blocks(song, wanted)
        return blocks if wanted is None or self.ending == "cut" else fade_out(blocks, song, wanted)

    def _blocks(self, song: Song, wanted: int | None) -> Iterator[Block]:
        rate = song.sample_rate
        if len(song.samples) < rate:
            raise UnreadableAudio(
                f"{song.name}: lasts {song.seconds:.2f} s; {self.spec.name} needs at least one second to go on"
            )
        fade = Fade(min(round(self.fade_seconds * rate), len(song.samples) // 2), "equal-power")
        kept = self.spec.context_frames * rate + fade.samples
        mean = song.samples.mean(axis=0, dtype=np.float64)
        level = song.samples.std(axis=0, dtype=np.float64)
        peak = np.abs(song.samples).max(axis=0)

        track = last(song.samples, kept)
        context = last(song.samples[: _end_of_music(song)], kept) - mean
        length = len(song.samples)
        while wanted is None or length < wanted:
            predicted = self._predict(context / np.where(level > 0, level, 1), rate)
            predicted -= predicted.mean(axis=0)
            shaped = predicted * _gain(predicted, _level(_before_join(track, rate, fade) - mean), level, rate)
            loudest = np.abs(shaped).max(axis=0)
            block = shaped * np.minimum(1, peak / np.maximum(loudest, np.finfo(float).tiny))
            track = join(track, block + mean, fade)
            yield Block(length - fade.samples, track[len(track) - len(block) :], fade.samples)
            length += len(block) - fade.samples
            track, context = track[-kept:], join(context, block, fade)[-kept:]

    def _predict(self, context: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
        """Predict the horizon that follows the first `context_frames` of `context`, both standardised, at `rate`."""
        spec = self.spec
        rotation = _mid_side(context.shape[1])
        rotated = context @ rotation
        level = _level(rotated)
        standard = resample(
            rotated / np.where(level > NEGLIGIBLE * level.max(), level, 1), from_rate=rate, to_rate=spec.sample_rate
        )
        standard = standard[: spec.context_frames * spec.sample_rate]
        frames = self.backend.run({"context": to_frames(standard, frame_samples=spec.sample_rate)})["frames"]
        predicted = resample(to_samples(frames), from_rate=spec.sample_rate, to_rate=rate)
        return (predicted * level.astype(np.float32)) @ rotation


def _mid_side(channels: int) -> NDArray[np.float32]:
    """Return the matrix between left and right and their sum and difference, its own inverse; else the identity."""
    if channels != 2:
        return np.eye(channels, dtype=np.float32)
    return np.array([[1, 1], [1, -1]], np.float32) / np.float32(np.sqrt(2))


def _end_of_music(song: Song) -> int:
    """Return where the song's own ending begins, or its music ends; its last sample where that leaves too little."""
    bounds = find_bounds(song.steps)
    return bounds.ending if bounds.ending - bounds.begin >= song.sample_rate else len(song.samples)


def _before_join(track: NDArray[np.floating], rate: int, fade: Fade) -> NDArray[np.floating]:
    """Return the last second of the track before the next join begins."""
    end = len(track) - fade.samples
    return track[max(0, end - round(LEVEL_SECONDS * rate)) : end]


def _level(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the root mean square of each channel."""
    root_mean_square: NDArray[np.float64] = np.sqrt(np.square(samples, dtype=np.float64).mean(axis=0))
    return root_mean_square


def _gain(
    block: NDArray[np.floating], before: NDArray[np.float64], wanted: NDArray[np.float64], rate: int
) -> NDArray[np.float64]:
    """Return gains `(n, channels)` that bring a block to the level `wanted`.

    They begin where the block is as loud as the track `before` it, within limits, and change evenly in decibels. The
    limits bound how much the dynamics of the block change; its mean level is `wanted` all the same.
    """
    tiny = np.finfo(np.float32).tiny
    first = block[: round(LEVEL_SECONDS * rate)]
    start = before / np.maximum(wanted, tiny) * _level(block) / np.maximum(_level(first), tiny)
    ramp = np.clip(start, MIN_START, MAX_START) ** np.linspace(1, 0, len(block))[:, None]
    return ramp * wanted * _level(ramp) / np.maximum(_level(block * ramp), tiny)
