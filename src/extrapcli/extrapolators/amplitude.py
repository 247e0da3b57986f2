"""`amplitude`: plays the samples that a network predicts one by one, each from the few before it.

Soon these are predictions themselves. Each channel continues by itself. The song is brought to the model's sample
rate and unit deviation, and the prediction back again; nothing else is done to it. A prediction that dies away stays
silent.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from extrapcli.amplitude.network import extrapolate
from extrapcli.analysis import Analysis
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.crossfade import Fade, join
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.fading import fade_out
from extrapcli.spec import SampleSpec, expect

MAX_FADE_SECONDS = 0.5


class Amplitude:
    """Continues a song a second at a time, without a crossfade unless asked. Seed and variety change nothing."""

    needs: ClassVar[frozenset[str]] = frozenset({"next"})
    steers: ClassVar[bool] = False
    fits: ClassVar[bool] = False

    def __init__(self, backend: Backend, style: Style) -> None:
        self.backend = backend
        self.spec = expect(backend.spec, SampleSpec)
        self.look_back = self.spec.look_back
        self.ending = style.ending
        self.fade_seconds = style.fade_seconds or 0.0
        if style.ending == "song":
            raise UsageError(f"{backend.spec.name} cannot land on a song's own ending", hint="ending")
        if self.fade_seconds > MAX_FADE_SECONDS:
            raise UsageError(
                f"a crossfade of {self.fade_seconds:g} s is out of range; "
                f"{backend.spec.name} takes 0 to {MAX_FADE_SECONDS:g} s"
            )

    def blocks(self, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
        blocks = self._blocks(song, wanted)
        return blocks if wanted is None or self.ending == "cut" else fade_out(blocks, song, wanted)

    def _blocks(self, song: Song, wanted: int | None) -> Iterator[Block]:
        rate = song.sample_rate
        fade = Fade(min(round(self.fade_seconds * rate), len(song.samples)), "equal-gain")
        start = len(song.samples) - fade.samples
        before = song.samples[max(0, start - rate) : start]
        missing = rate - len(before)
        for second in self._seconds(song, np.pad(before, ((missing, 0), (0, 0))), song.samples[start:]):
            if wanted is not None and start >= wanted:
                return
            if start < len(song.samples):
                second = join(song.samples[start:], second, fade)
                yield Block(start, second, fade.samples)
            else:
                yield Block(start, second, 0)
            start += rate

    def _seconds(
        self, song: Song, before: NDArray[np.floating], after: NDArray[np.floating]
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the continuation of a second of the song, a second at a time.

        `after` is the song's own sound from there on, as far as it goes; it serves the resampling only. A second is
        resampled together with its neighbours, both to the model's rate and back.
        """
        rate, model_rate = song.sample_rate, self.spec.sample_rate
        level = song.samples.std(axis=0, dtype=np.float64)
        level = np.where(level > 0, level, 1).astype(np.float32)
        mirrored = 2 * before[-1] - before[-2::-1]
        whole = np.concatenate([before, after, mirrored[len(after) :]]) / level
        previous = resample(whole, from_rate=rate, to_rate=model_rate)[:model_rate]
        current = self._next(previous)
        while True:
            following = self._next(current)
            three = resample(np.concatenate([previous, current, following]), from_rate=model_rate, to_rate=rate)
            yield three[rate : 2 * rate] * level
            previous, current = current, following

    def _next(self, second: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predict the second `(rate, channels)` that follows another, at the model's rate."""
        spec = self.spec
        predicted = extrapolate(self.backend, second[-self.look_back :].T, spec.sample_rate).T
        if not np.isfinite(predicted).all():
            raise UnusableModel(
                f"model {spec.name} runs off: its predictions are no longer finite numbers; train it again"
            )
        return predicted
