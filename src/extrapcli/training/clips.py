"""Clips: stretches of songs, cut into what a network is given and what it should answer."""

import keras
import numpy as np
from numpy.typing import NDArray

from extrapcli.training.corpus import Shard


class Clips(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of `(context, horizon)`, float32 `(batch, frames, frame_samples)`.

    Each clip is standardised to zero mean and unit deviation over its whole length, so that predicting
    silence scores a mean squared error of 1 on average. With `random`, starts and order are drawn anew in
    every epoch from `seed`; without, each song gives evenly spaced clips, always the same.
    """

    def __init__(
        self,
        shards: list[Shard],
        *,
        context_frames: int,
        horizon_frames: int,
        frame_samples: int,
        clips_per_song: int,
        batch_size: int,
        random: bool,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.songs = shards
        self.context_samples = context_frames * frame_samples
        self.clip_samples = (context_frames + horizon_frames) * frame_samples
        self.frame_samples = frame_samples
        self.clips_per_song = clips_per_song
        self.batch_size = batch_size
        self.random = random
        self.seed = seed
        self.epoch = 0
        self._lay_out()

    def __len__(self) -> int:
        return -(-len(self.plan) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        batch = self.plan[index * self.batch_size : (index + 1) * self.batch_size]
        clips = np.stack([self._clip(song, start) for song, start in batch])
        context, horizon = clips[:, : self.context_samples], clips[:, self.context_samples :]
        return self._frames(context), self._frames(horizon)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._lay_out()

    def _lay_out(self) -> None:
        rng = np.random.default_rng((self.seed, self.epoch))
        room = [len(shard) - self.clip_samples for shard in self.songs]
        if self.random:
            plan = [(i, int(rng.integers(r + 1))) for i, r in enumerate(room) for _ in range(self.clips_per_song)]
            self.plan = [plan[i] for i in rng.permutation(len(plan))]
        else:
            share = np.linspace(0, 1, self.clips_per_song + 2)[1:-1]
            self.plan = [(i, int(r * s)) for i, r in enumerate(room) for s in share]

    def _clip(self, song: int, start: int) -> NDArray[np.float32]:
        clip = self.songs[song][start : start + self.clip_samples].astype(np.float32)
        deviation = clip.std()
        standardised: NDArray[np.float32] = (clip - clip.mean()) / (deviation if deviation > 0 else 1)
        return standardised

    def _frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return samples.reshape(len(samples), -1, self.frame_samples)
