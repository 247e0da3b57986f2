"""The data from which `voice` learns: clips of instrumental songs, with a voice or a leading instrument mixed in.

Voices and leads are recordings of one alone. A hop is labelled as voice where the voice alone sounds, short closures
such as those of a t included. Leads, which glide and swing as voices do, are there to be told from them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.networks.settings import FRAME_SAMPLES, HOPS
from extrapcli.training.batches import Batches
from extrapcli.training.corpus import Shard
from extrapcli.training.tables import MixtureSettings

HOP_SAMPLES = FRAME_SAMPLES // HOPS
AUDIBLE = 0.02  # amplitude of what counts as sounding, against the loud parts of a recording
CLOSURE_HOPS = 4  # silence no longer than this, 0.16 s, within a voice is part of it
QUIETEST = 0.001
MOST_SEMITONES = 3  # up or down, by which recordings are played faster or slower


@dataclass(frozen=True, kw_only=True)
class Mixtures(Batches):
    """Items are a clip, float32 `(seconds, 22050)` at about unit level, and its labels, float32 `(25 * seconds,)`."""

    settings: MixtureSettings
    voices: tuple[Shard, ...]
    leads: tuple[Shard, ...]

    @property
    def items(self) -> int:
        return len(self.shards) * self.settings.per_song

    def item(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        clip = self._excerpt(self.shards[index // self.settings.per_song], rng)
        if self.random:
            clip = coloured(clip, rng, room=False)
        clip = clip / max(float(clip.std()), QUIETEST)
        labels = np.zeros(self.settings.clip_seconds * HOPS, np.float32)
        if rng.random() < self.settings.leads:
            clip = clip + self._layer(clip, self.leads, rng)[0]
        if rng.random() < self.settings.voiced:
            voice, labels = self._layer(clip, self.voices, rng)
            clip = clip + voice
        level = max(float(clip.std()), QUIETEST) * 10 ** (rng.normal(-2, 5) / 20)
        return (clip / level).astype(np.float32).reshape(-1, FRAME_SAMPLES), labels

    def _layer(
        self, clip: NDArray[np.float32], shards: tuple[Shard, ...], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw what to add to a clip: a recording at some level, colour and distance; and where it sounds."""
        dry = self._excerpt(shards[int(rng.integers(len(shards)))], rng)
        labels = activity(dry)
        if not labels.any():
            return np.zeros_like(clip), labels
        wet = coloured(dry, rng)
        sounding = np.repeat(labels, HOP_SAMPLES) > 0
        ratio = np.sqrt(np.mean(clip[sounding] ** 2 + QUIETEST) / np.mean(wet[sounding] ** 2))
        return wet * np.float32(ratio * 10 ** (rng.uniform(*self.settings.levels_db) / 20)), labels

    def _excerpt(self, shard: Shard, rng: np.random.Generator) -> NDArray[np.float32]:
        """Read a clip from a random position of a shard, at some speed; silence follows where that ends."""
        count = self.settings.clip_seconds * FRAME_SAMPLES
        speed = 2 ** (rng.uniform(-MOST_SEMITONES, MOST_SEMITONES) / 12)
        needed = int(count * speed) + 1
        start = int(rng.integers(max(1, shard.length - needed + 1)))
        samples = shard.read(start, start + needed).astype(np.float32) / np.float32(32768)
        played = np.interp(np.arange(count) * speed, np.arange(len(samples)), samples, right=0)
        clip: NDArray[np.float32] = played.astype(np.float32)
        return clip


def activity(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say for each hop of a voice alone, `(n,)`, whether it sounds: float32 `(n / 882,)`, 0 or 1."""
    power = np.square(voice[: len(voice) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)).mean(axis=1)
    loud = np.percentile(power, 95)
    on = power > max(AUDIBLE**2 * loud, QUIETEST**4)
    silences = np.flatnonzero(np.diff(np.pad(on.astype(np.int8), 1, constant_values=1)))
    for begin, end in zip(silences[::2], silences[1::2], strict=True):
        if end - begin <= CLOSURE_HOPS and begin > 0 and end < len(on):
            on[begin:end] = True
    labels: NDArray[np.float32] = on.astype(np.float32)
    return labels


def coloured(sound: NDArray[np.float32], rng: np.random.Generator, *, room: bool = True) -> NDArray[np.float32]:
    """Give a recording another timbre, by a random curve of equalisation, and the reverberation of a room."""
    size = 2 ** int(np.ceil(np.log2(len(sound) + FRAME_SAMPLES)))
    spectrum = np.fft.rfft(sound, size)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / FRAME_SAMPLES), 20) / 20)
    gains_db = np.interp(octaves, np.linspace(0, 9.2, 6), rng.normal(0, 4, 6))
    spectrum *= 10 ** (gains_db / 20)
    if room:
        times = np.arange(FRAME_SAMPLES) / FRAME_SAMPLES
        tail = rng.normal(size=len(times)) * np.exp(-times * 6.9 / rng.uniform(0.15, 1.2)) * (times > 0.01)
        response = tail * rng.uniform(0, 0.7) / np.linalg.norm(tail)
        response[0] = 1
        spectrum *= np.fft.rfft(response, size)
    shaped: NDArray[np.float32] = np.fft.irfft(spectrum, size)[: len(sound)].astype(np.float32)
    return shaped
