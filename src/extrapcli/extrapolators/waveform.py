"""`waveform`: plays the samples a network predicts.

The network hears the last seconds of what has been written and answers with a horizon, of which the first
moments are known already: the crossfade lies over them. Each channel is an entry of the batch; of stereo, sum and
difference are, so that what lies in the middle stays there whatever the network answers to the two.

Two rules keep a long track alive. Every block is brought to the song's own level, from the level that the track has
at the join, so that a model whose output is too quiet, or too loud, can neither die away nor run off; how loud its
parts are beside each other is the model's affair. And no block is louder at its peak than the song is at its own.
Where a song fades out, the network hears what came before, and its answer fades in.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.crossfade import Fade, join
from extrapcli.errors import UnreadableAudio, UnusableModel, UsageError
from extrapcli.extrapolators.base import Block, Style, fade_out
from extrapcli.frames import last, to_frames, to_samples
from extrapcli.spec import WaveformSpec, expect

FADE_SECONDS = 0.5
LEVEL_SECONDS = 1.0  # how much sound on either side of a join decides its level
QUIETER, LOUDER = 0.25, 2.0  # by how much a join may change a block's level where it begins
SILENT = 0.1  # of a song's level; the seconds at its end that have less are not gone on from
SOMETHING = 1e-4  # of the louder, by level; less than this (-80 dB) of a difference is none


class Waveform:
    """Frames to frames, rolled on. Seed and variety change nothing: the network's answer is the only one."""

    NEEDS = frozenset({"frames"})

    def __init__(self, backend: Backend, style: Style) -> None:
        self.backend = backend
        self.spec = expect(backend.spec, WaveformSpec)
        self.ending = style.ending
        self.fade_seconds = FADE_SECONDS if style.fade_seconds is None else style.fade_seconds
        if style.ending == "song":
            raise UsageError(f"{self.spec.name} cannot land on a song's own ending; choose --ending fade or cut")
        self.context_frames = self.spec.context_frames
        if not 0 <= self.fade_seconds <= self.spec.horizon_frames / 2:
            raise UsageError(
                f"a crossfade of {self.fade_seconds:g} s is out of range; "
                f"{self.spec.name} takes 0 to {self.spec.horizon_frames / 2:g} s"
            )

    def blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        blocks = self._blocks(song, wanted)
        return blocks if self.ending == "cut" else fade_out(blocks, song, wanted)

    def _blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        rate = song.sample_rate
        if len(song.samples) < rate:
            raise UnreadableAudio(
                f"{song.name}: lasts {song.seconds:.2f} s; {self.spec.name} needs at least one second to go on"
            )
        fade = Fade(min(round(self.fade_seconds * rate), len(song.samples) // 2), "equal-power")
        heard = self.context_frames * rate + fade.samples
        mean = song.samples.mean(axis=0, dtype=np.float64)
        level = song.samples.std(axis=0, dtype=np.float64)
        peak = np.abs(song.samples).max(axis=0)

        written = last(song.samples, heard)
        music = last(song.samples[: _end_of_music(song.samples, mean, level, rate)], heard) - mean
        length = len(song.samples)
        while length < wanted:
            predicted = self._predict(music / np.where(level > 0, level, 1), rate)
            predicted -= predicted.mean(axis=0)
            shaped = predicted * _gain(predicted, _level(_ending(written, rate, fade) - mean), level, rate)
            loudest = np.abs(shaped).max(axis=0)
            block = shaped * np.minimum(1, peak / np.maximum(loudest, np.finfo(float).tiny))
            written = join(written, block + mean, fade)
            yield Block(length - fade.samples, written[len(written) - len(block) :], fade.samples)
            length += len(block) - fade.samples
            written, music = written[-heard:], join(music, block, fade)[-heard:]

    def _predict(self, heard: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
        """The horizon that follows the context at the head of `heard`, both standardised, at `rate`."""
        spec = self.spec
        turned = heard @ _turn(heard.shape[1])
        level = _level(turned)
        context = resample(
            turned / np.where(level > SOMETHING * level.max(), level, 1), from_rate=rate, to_rate=spec.sample_rate
        )
        context = context[: self.context_frames * spec.sample_rate]
        frames = self.backend.run({"context": to_frames(context, frame_samples=spec.sample_rate)})["frames"]
        if not np.isfinite(frames).all():
            raise UnusableModel(f"model {spec.name} answers with numbers that are not finite; train it again")
        answer = resample(to_samples(frames), from_rate=spec.sample_rate, to_rate=rate)
        return (answer * level.astype(np.float32)) @ _turn(heard.shape[1])


def _turn(channels: int) -> NDArray[np.float32]:
    """The matrix between left and right and their sum and difference, its own inverse; else nothing changes."""
    if channels != 2:
        return np.eye(channels, dtype=np.float32)
    return np.array([[1, 1], [1, -1]], np.float32) / np.float32(np.sqrt(2))


def _end_of_music(
    samples: NDArray[np.floating], mean: NDArray[np.float64], level: NDArray[np.float64], rate: int
) -> int:
    """Where the last second ends that is not much quieter than the whole, whose level is `level`."""
    n = round(LEVEL_SECONDS * rate)
    ends = range(len(samples), n - 1, -n)
    return next(
        (end for end in ends if (_level(samples[end - n : end] - mean) >= SILENT * level).any()), len(samples)
    )


def _ending(written: NDArray[np.floating], rate: int, fade: Fade) -> NDArray[np.floating]:
    """What was written just before the join begins."""
    end = len(written) - fade.samples
    return written[max(0, end - round(LEVEL_SECONDS * rate)) : end]


def _level(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    root_mean_square: NDArray[np.float64] = np.sqrt(np.square(samples, dtype=np.float64).mean(axis=0))
    return root_mean_square


def _gain(
    block: NDArray[np.floating], before: NDArray[np.float64], wanted: NDArray[np.float64], rate: int
) -> NDArray[np.float64]:
    """Gains `(n, channels)` that bring a block to the level `wanted`, from `before` on, evenly in decibels.

    What is loud and what is quiet in the block changes only where it begins, and its mean level not by that.
    """
    tiny = np.finfo(np.float32).tiny
    first = block[: round(LEVEL_SECONDS * rate)]
    start = before / np.maximum(wanted, tiny) * _level(block) / np.maximum(_level(first), tiny)
    ramp = np.clip(start, QUIETER, LOUDER) ** np.linspace(1, 0, len(block))[:, None]
    return ramp * wanted * _level(ramp) / np.maximum(_level(block * ramp), tiny)
