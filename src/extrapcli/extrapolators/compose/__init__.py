"""`compose`: continues a song with new bars, out of its own sounds; see docs/compose.md.

`Slots` cut the song, the `Planner` says which of them could come next in bass, middle and treble, the `Chooser` draws
one for each, and a `Layer` of the `Bands` plays them. The `Composer` does so until its `Course` has run.
"""

from collections.abc import Iterator
from typing import ClassVar

from extrapcli.analysis import Analysis
from extrapcli.analysis.networks import open_ahead
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.compose.bands import NAMES
from extrapcli.extrapolators.compose.candidates import HALVES, PLACES, SLOT_NUMBERS, Candidates
from extrapcli.extrapolators.compose.choosing import softmax
from extrapcli.extrapolators.compose.composer import Composer
from extrapcli.extrapolators.compose.matching import (
    CONTEXTS,
    FOLLOWS,
    KINDS,
    PLAIN,
    alike,
    matches,
)
from extrapcli.extrapolators.compose.next_bar import NextBar, next_bars
from extrapcli.extrapolators.compose.planner import Heard, Planner
from extrapcli.extrapolators.compose.slots import Slots
from extrapcli.extrapolators.compose.spectra import BINS, NOTES, Spectra, band_columns
from extrapcli.extrapolators.compose.walk import BASS, MIDDLE, ORDER, Walk, tell
from extrapcli.extrapolators.fading import fade_out
from extrapcli.extrapolators.limit import limited

__all__ = [
    "BASS",
    "BINS",
    "CONTEXTS",
    "FOLLOWS",
    "HALVES",
    "KINDS",
    "MIDDLE",
    "NAMES",
    "NOTES",
    "ORDER",
    "PLACES",
    "PLAIN",
    "SLOT_NUMBERS",
    "Candidates",
    "Compose",
    "Heard",
    "NextBar",
    "Planner",
    "Slots",
    "Spectra",
    "Walk",
    "alike",
    "band_columns",
    "matches",
    "next_bars",
    "softmax",
    "tell",
]

MAX_FADE_SECONDS = 0.1  # less than a slot lasts


class Compose:
    """Writes new bars and plays them with slots of the song's bass, middle and treble."""

    needs: ClassVar[frozenset[str]] = frozenset({"keys", "queries", "weights", "next_state"})
    steers: ClassVar[bool] = False
    fits: ClassVar[bool] = False
    composes: ClassVar[bool] = True

    def __init__(self, backend: Backend, style: Style) -> None:
        if style.fade_seconds is not None and not 0 <= style.fade_seconds <= MAX_FADE_SECONDS:
            raise UsageError(
                f"a crossfade of {style.fade_seconds:g} s is out of range; "
                f"{backend.spec.name} takes 0 to {MAX_FADE_SECONDS:g} s"
            )
        self.backend, self.style = backend, style
        open_ahead("beats")

    def blocks(self, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
        if self.style.ending == "song" and wanted is not None and not analysis.bounds.ends_by_itself:
            raise UsageError(f"{song.name}: is cut off, so it has no ending of its own", hint="ending")
        composer = Composer(analysis, self.backend, self.style, wanted)
        blocks = limited(composer.blocks(), song)
        return (
            blocks
            if wanted is None or self.style.ending == "cut" or composer.lands
            else fade_out(blocks, song, wanted)
        )
