"""Windows of sound to train the discriminator on: of songs as they are, and of what joins and layers do to them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.window_features import FRAMES, PER_SECOND, RATE, log_mel
from extrapcli.extrapolators.recall.layers import percussive_layer

Sound = NDArray[np.float32]
Window = tuple[str, Sound]
"""What was done, `real` for nothing, and the sound `(SIZE,)`."""

HOP = RATE // PER_SECOND
SIZE = FRAMES * HOP
FADES_SECONDS = (0.01, 0.03, 0.06, 0.1, 0.2)
PAST_FRAMES, ONSET_FRAMES = 2 * PER_SECOND, 6 * PER_SECOND  # that similar places, and aligned ones, have in common
NEAR_SECONDS, BEAT_SECONDS = 0.06, 0.8  # how far a place is moved to align its onsets
MATCHES = 8  # the best places that one is drawn from


class Windows:
    """Draws windows from a mono song `(n,)` at 22050 Hz of at least half a minute."""

    def __init__(self, song: Sound, rng: np.random.Generator) -> None:
        self.song, self.rng = song, rng
        self.percussive = percussive_layer(song[:, None], RATE)[:, 0]
        self.harmonic = song - self.percussive
        spectra = log_mel(song)
        self._onsets = np.maximum(0, np.diff(spectra, axis=0, prepend=spectra[:1])).mean(axis=1)
        coarse = spectra.reshape(len(spectra), -1, 4).mean(axis=2)
        self._spectra = (coarse - coarse.mean(axis=0)) / coarse.std()

    def draw(self, count: int) -> Iterator[Window]:
        """Yield about seven windows for each of `count`, three of them real."""
        for _ in range(count):
            for _ in range(3):
                yield "real", self._stretch(self.song, self._place())
            place = self._place()
            yield "similar", self._spliced(self.song, place, self._aligned(place, self._similar(place), NEAR_SECONDS))
            yield "beat", self._spliced(self.song, place, self._aligned(place, self._place(), BEAT_SECONDS))
            if self.rng.random() < 0.3:
                yield "random", self._spliced(self.song, place, self._place())
            yield self._one_layer_jumps(place)
            yield self._layers_apart(place)

    def _one_layer_jumps(self, place: int) -> Window:
        jumping, staying = self.rng.permutation(2)
        layers = self.harmonic, self.percussive
        target = self._similar(place) if self.rng.random() < 0.5 else self._place()
        target = self._aligned(place, target, float(self.rng.choice([NEAR_SECONDS, BEAT_SECONDS])))
        at = self._join()
        moved = self._spliced(layers[jumping], place, target, at)
        return "one layer jumps", moved + self._stretch(layers[staying], place - at)

    def _layers_apart(self, place: int) -> Window:
        """Play two layers from two places on one beat, or one of them early or late."""
        other = place if self.rng.random() < 0.3 else self._aligned(place, self._place(), BEAT_SECONDS)
        early = self.rng.uniform(0.04, 0.25) * self.rng.choice([-1, 1])
        off = other == place or self.rng.random() < 0.5
        other = int(np.clip(other + off * early * RATE, 0, len(self.song) - SIZE))
        mixed = self._stretch(self.harmonic, place) + self._stretch(self.percussive, other)
        return "layers off the beat" if off else "layers of two places", mixed

    def _place(self) -> int:
        return int(self.rng.integers(SIZE, len(self.song) - 2 * SIZE))

    def _join(self) -> int:
        return int(self.rng.uniform(0.15, 0.85) * SIZE)

    @staticmethod
    def _stretch(sound: Sound, begin: int) -> Sound:
        return sound[begin : begin + SIZE]

    def _spliced(self, sound: Sound, place: int, target: int, at: int | None = None) -> Sound:
        """Play up to a place, and from a target on, with a crossfade that ends `at` samples after the beginning."""
        at = self._join() if at is None else at
        fade = round(float(self.rng.choice(FADES_SECONDS)) * RATE)
        rise = np.clip((np.arange(SIZE) - at + fade) / fade, 0, 1) * np.pi / 2
        old, new = self._stretch(sound, place - at), self._stretch(sound, target - at)
        return (old * np.cos(rise) + new * np.sin(rise)).astype(np.float32)

    def _similar(self, place: int) -> int:
        """Draw one of the places whose past two seconds are most similar to those of a place."""
        at = place // HOP
        past = self._spectra[at - PAST_FRAMES : at : 2]
        first, last = SIZE // HOP, (len(self.song) - 2 * SIZE) // HOP
        ends = np.arange(first, last, 2)
        products = self._spectra @ past.T
        steps = np.arange(len(past))
        rows = ends[:, None] - PAST_FRAMES + 2 * steps
        squares = np.square(self._spectra).sum(axis=1)
        distances = squares[rows].sum(axis=1) - 2 * products[rows, steps].sum(axis=1)
        distances[np.abs(ends - at) < PER_SECOND] = np.inf
        return int(ends[self.rng.choice(np.argsort(distances)[:MATCHES])]) * HOP

    def _aligned(self, place: int, target: int, reach_seconds: float) -> int:
        """Move a target by up to `reach_seconds`, so that the onsets around it and around a place coincide."""
        here, there, reach = place // HOP, target // HOP, round(reach_seconds * PER_SECOND)
        half = ONSET_FRAMES // 2
        begin = max(0, there - half - reach)
        around = self._onsets[begin : there + half + reach]
        match = np.correlate(around, self._onsets[here - half : here + half] - self._onsets.mean(), "valid")
        moved = (begin + half + int(np.argmax(match))) * HOP + place % HOP
        return int(np.clip(moved, SIZE, len(self.song) - 2 * SIZE))


def of_track(path: Path, rng: np.random.Generator, count: int) -> Iterator[Window]:
    """Yield windows of a track, whose JSON lies beside it: its head, its first join, others, and any place later."""
    facts = json.loads(path.with_suffix(".json").read_text())
    track = decode(path)
    sound = mono(track.samples.astype(np.float32), track.sample_rate)
    head = facts["song_samples"] / track.sample_rate
    middles = [join["seconds"] + join["fade_seconds"] / 2 for join in facts["joins"]]
    span = SIZE / RATE
    for _ in range(count):
        around = -rng.uniform(0.25, 0.75) * span
        drawn = {
            "real": rng.uniform(0, head - span - 0.5),
            "first join": middles[0] + around,
            "join": rng.choice(middles) + around,
            "later": rng.uniform(middles[0], len(sound) / RATE - span),
        }
        for kind, seconds in drawn.items():
            begin = round(seconds * RATE)
            if 0 <= begin <= len(sound) - SIZE:
                yield kind, sound[begin : begin + SIZE]
