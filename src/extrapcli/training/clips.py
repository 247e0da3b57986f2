"""Clips: stretches of songs, cut into what a network is given and what it should answer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.training.batches import Batches
from extrapcli.training.recipe import ClipSettings, Scaling

Samples = NDArray[np.float32]
QUIETEST = np.float32(0.001)  # -60 dB: less is not blown up


@dataclass(frozen=True, kw_only=True)
class Clips(Batches):
    """Items are `(context, horizon)`, float32 `(frames, frame_samples)`, one after the other in the song."""

    settings: ClipSettings
    context_frames: int
    horizon_frames: int
    frame_samples: int

    @property
    def items(self) -> int:
        return len(self.shards) * self.settings.per_song

    @property
    def clip_samples(self) -> int:
        return (self.context_frames + self.horizon_frames) * self.frame_samples

    def item(self, index: int, rng: np.random.Generator) -> tuple[Samples, Samples]:
        song, count = divmod(index, self.settings.per_song)
        shard = self.shards[song]
        room = shard.length - self.clip_samples
        if self.settings.start == "beginning":
            start = 0
        elif self.random:
            start = int(rng.integers(room + 1))
        else:
            start = room * (count + 1) // (self.settings.per_song + 1)
        clip: Samples = shard.read(start, start + self.clip_samples).astype(np.float32) / np.float32(32768)
        known = self.context_frames * self.frame_samples
        frames = scaled(clip, known, self.settings.scaling).reshape(-1, self.frame_samples)
        return frames[: self.context_frames], frames[self.context_frames :]


def scaled(clip: Samples, known: int, scaling: Scaling) -> Samples:
    """A clip of samples in -1..1, scaled.

    `clip` and `context` subtract the mean and divide by the deviation, of the whole clip or of its first `known`
    samples, though by no less than 0.001; `peak` divides by the largest magnitude; `none` changes nothing. Silence
    stays silence.
    """
    if scaling == "none":
        return clip
    if scaling == "peak":
        return clip / (np.abs(clip).max() or 1)
    heard = clip if scaling == "clip" else clip[:known]
    standardised: Samples = (clip - heard.mean()) / max(heard.std(), QUIETEST)
    return standardised
