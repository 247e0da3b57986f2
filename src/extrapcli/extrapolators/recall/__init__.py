"""`recall`: continues a song with its own sound, jumping between lines of its bars.

`prepare` splits and encodes the song, `Grid` lays lines over it, `Costs` says what jumps and mixes cost, `Search`
finds the cheapest way, and the `Sequencer` carries it out, each jump brought to the sample by `align_jump`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from extrapcli.analysis import Analysis
from extrapcli.analysis.networks import open_ahead
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Block, Loop, LoopQuery, Style, Turns
from extrapcli.extrapolators.fading import fade_out
from extrapcli.extrapolators.limit import limited
from extrapcli.extrapolators.recall.encoder import TENSORS, Encoder, Encoding
from extrapcli.extrapolators.recall.fit import Fitter
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.layers import percussive_layer
from extrapcli.extrapolators.recall.loops import find_loops
from extrapcli.extrapolators.recall.material import Material, prepare
from extrapcli.extrapolators.recall.sequencer import Sequencer
from extrapcli.extrapolators.recall.steering import swelled
from extrapcli.extrapolators.recall.turning import with_joins
from extrapcli.mood import Curve

__all__ = ["Encoder", "Encoding", "Recall", "percussive_layer"]

MAX_FADE_SECONDS = 1.0
LEAST_LOOPED_SECONDS = 4


class Recall:
    """Plays the song's own sound in a new order; a short song as two layers that jump independently."""

    needs: ClassVar[frozenset[str]] = frozenset(TENSORS.values())
    steers: ClassVar[bool] = True
    fits: ClassVar[bool] = True
    branches: ClassVar[bool] = True

    def __init__(self, backend: Backend, style: Style) -> None:
        if style.fade_seconds is not None and not 0 <= style.fade_seconds <= MAX_FADE_SECONDS:
            raise UsageError(
                f"a crossfade of {style.fade_seconds:g} s is out of range; "
                f"{backend.spec.name} takes 0 to {MAX_FADE_SECONDS:g} s"
            )
        self.encoder = Encoder(backend)
        self.style = style
        open_ahead("beats", "voice")

    def blocks(self, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
        return self.live(song, analysis, wanted, Turns())

    def live(self, song: Song, analysis: Analysis, wanted: int | None, turns: Turns) -> Iterator[Block]:
        """Yield blocks as `blocks` does; listeners can turn them."""
        bounds = analysis.bounds
        if self.style.ending == "song" and wanted is not None and not bounds.ends_by_itself:
            raise UsageError(f"{song.name}: is cut off, so it has no ending of its own", hint="ending")
        if self.style.ending == "loop" and bounds.ending - bounds.begin < LEAST_LOOPED_SECONDS * song.sample_rate:
            raise UsageError(f"{song.name}: is too short for a track whose end leads back", hint="ending")
        material, grid = self._prepared(analysis, split=not self.style.fit)
        if self.style.fit and self.style.another:
            raise UsageError("a song that is fitted to a length can't go another way", hint="another")
        if self.style.fit and wanted is not None:
            return Fitter(material, grid, self.style, self.style.fit, wanted).blocks()
        sequencer = Sequencer(material, grid, self.style, wanted, turns)
        landing = sequencer.landing.earliest if sequencer.landing else None

        def curve() -> Curve | None:
            return sequencer.steering.curve if sequencer.steering else None

        made = with_joins(sequencer.blocks(), self.style.another)
        blocks = limited(swelled(made, song, curve, landing), song)
        if wanted is None or self.style.ending == "cut" or sequencer.lands:
            return blocks
        return fade_out(blocks, song, wanted)

    def loops(self, analysis: Analysis, query: LoopQuery) -> list[Loop]:
        """Return the loops of a song that are looked for."""
        material, grid = self._prepared(analysis, split=False)
        return find_loops(material, grid, query, fade_seconds=self.style.fade_seconds)

    def _prepared(self, analysis: Analysis, *, split: bool) -> tuple[Material, Grid]:
        bounds, rate = analysis.bounds, analysis.song.sample_rate
        analysis.mono  # noqa: B018 - found before both threads need it
        with ThreadPoolExecutor(1) as beside:
            beats = beside.submit(lambda: analysis.beats)
            material = prepare(analysis, self.encoder, split=split)
            analysis.voice  # noqa: B018 - found beside the beats, which take longest
            return material, Grid.of(beats.result(), bounds.begin / rate, bounds.ending / rate)
