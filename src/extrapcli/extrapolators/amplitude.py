"""`amplitude`: plays the samples a network predicts, each from the few before it, predictions themselves.

Each channel goes on by itself. The song is brought to the model's rate and unit deviation, and what follows back
again; nothing else is done to it. If it dies away, that is what it does.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.amplitude.network import go_on
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.crossfade import Fade, join
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.extrapolators.base import Block, Style, fade_out
from extrapcli.spec import SampleSpec, expect


class Amplitude:
    """Goes on a second at a time. There is nothing to choose for seed and variety, and no crossfade unless asked."""

    NEEDS = frozenset({"next"})

    def __init__(self, backend: Backend, style: Style) -> None:
        self.backend = backend
        self.spec = expect(backend.spec, SampleSpec)
        self.look_back = self.spec.look_back
        self.ending = style.ending
        self.fade_seconds = style.fade_seconds or 0.0
        if style.ending == "song":
            raise UsageError(f"{backend.spec.name} cannot land on a song's own ending; choose --ending fade or cut")
        if self.fade_seconds > 0.5:
            raise UsageError(
                f"a crossfade of {self.fade_seconds:g} s is out of range; {backend.spec.name} takes 0 to 0.5 s"
            )

    def blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        blocks = self._blocks(song, wanted)
        return blocks if self.ending == "cut" else fade_out(blocks, song, wanted)

    def _blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        rate = song.sample_rate
        fade = Fade(min(round(self.fade_seconds * rate), len(song.samples)), "equal-gain")
        start = len(song.samples) - fade.samples
        heard = song.samples[max(0, start - rate) : start]
        for second in self._seconds(song, np.pad(heard, ((rate - len(heard), 0), (0, 0))), song.samples[start:]):
            if start >= wanted:
                return
            if start < len(song.samples):
                second = join(song.samples[start:], second, fade)
                yield Block(start, second, fade.samples)
            else:
                yield Block(start, second, 0)
            start += rate

    def _seconds(
        self, song: Song, heard: NDArray[np.floating], following: NDArray[np.floating]
    ) -> Iterator[NDArray[np.float32]]:
        """What follows a second of a song, a second at a time; `following` is what did, as far as it goes.

        Both ways, a second is brought to another rate together with those before and behind it.
        """
        rate, model_rate = song.sample_rate, self.spec.sample_rate
        level = song.samples.std(axis=0, dtype=np.float64)
        level = np.where(level > 0, level, 1).astype(np.float32)
        mirrored = 2 * heard[-1] - heard[-2::-1]
        whole = np.concatenate([heard, following, mirrored[len(following) :]]) / level
        before = resample(whole, from_rate=rate, to_rate=model_rate)[:model_rate]
        now = self._next(before)
        while True:
            after = self._next(now)
            three = resample(np.concatenate([before, now, after]), from_rate=model_rate, to_rate=rate)
            yield three[rate : 2 * rate] * level
            before, now = now, after

    def _next(self, second: NDArray[np.float32]) -> NDArray[np.float32]:
        """The second `(rate, channels)` after one, at the model's rate."""
        spec = self.spec
        answer = go_on(self.backend, second[-self.look_back :].T, spec.sample_rate).T
        if not np.isfinite(answer).all():
            raise UnusableModel(f"model {spec.name} runs off until its answers are no numbers; train it again")
        return answer
