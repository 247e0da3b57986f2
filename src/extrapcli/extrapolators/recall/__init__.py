"""`recall`: plays the song's own sound, from places that a pointing network chooses.

song -> map_song: what is where -> Walk: jump after jump, each brought to the sample -> blocks
"""

from collections.abc import Iterator

from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Block, Style, fade_out
from extrapcli.extrapolators.limit import limited
from extrapcli.extrapolators.recall.analysis import map_song
from extrapcli.extrapolators.recall.encoder import OUTPUTS, Hearing
from extrapcli.extrapolators.recall.sequencer import Walk

MAX_FADE_SECONDS = 1.0


class Recall:
    NEEDS = frozenset(OUTPUTS)

    def __init__(self, backend: Backend, style: Style) -> None:
        if style.fade_seconds is not None and not 0 <= style.fade_seconds <= MAX_FADE_SECONDS:
            raise UsageError(
                f"a crossfade of {style.fade_seconds:g} s is out of range; "
                f"{backend.spec.name} takes 0 to {MAX_FADE_SECONDS:g} s"
            )
        self.hearing = Hearing(backend)
        self.style = style

    def blocks(self, song: Song, wanted: int) -> Iterator[Block]:
        song_map = map_song(song, self.hearing)
        if self.style.ending == "song" and not song_map.music.ends_by_itself:
            raise UsageError(f"{song.name}: is cut off, so it has no ending of its own; choose --ending fade or cut")
        walk = Walk(song_map, self.style, wanted)
        fades = self.style.ending == "fade" or (self.style.ending == "auto" and not walk.lands)
        blocks = limited(walk.blocks(), song)
        return fade_out(blocks, song, wanted) if fades else blocks
