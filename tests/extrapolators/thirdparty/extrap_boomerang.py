"""An extrapolator from outside: plays the song backwards and forwards in turn, as loud as a model says."""

from collections.abc import Iterator
from typing import ClassVar

from extrapcli.analysis import Analysis
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.fading import fade_out
from extrapcli.spec import EncoderSpec, expect


class Boomerang:
    """The model is given the last second of the song, in mono, and gives the `gain` of all that follows."""

    needs: ClassVar[frozenset[str]] = frozenset({"gain"})
    steers: ClassVar[bool] = False
    fits: ClassVar[bool] = False

    def __init__(self, backend: Backend, style: Style) -> None:
        if style.ending == "song":
            raise UsageError("a boomerang has no ending of its own", hint="ending")
        self.backend = backend
        self.rate = expect(backend.spec, EncoderSpec).sample_rate
        self.style = style

    def blocks(self, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
        if song.seconds < 1:
            raise UnreadableAudio(f"{song.name}: lasts {song.seconds:.2f} s; a boomerang needs at least one second")
        blocks = self._blocks(song, wanted)
        return blocks if wanted is None or self.style.ending == "cut" else fade_out(blocks, song, wanted)

    def _blocks(self, song: Song, wanted: int | None) -> Iterator[Block]:
        last = song.samples[-song.sample_rate :].mean(axis=1, keepdims=True)
        context = resample(last, from_rate=song.sample_rate, to_rate=self.rate).reshape(1, 1, self.rate)
        gain = self.backend.run({"context": context})["gain"][0, 0]
        sound, start = song.samples, len(song.samples)
        while wanted is None or start < wanted:
            sound = sound[::-1]
            yield Block(start, sound * gain, fade_samples=0)
            start += len(sound)
