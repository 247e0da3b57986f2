"""Begin a continuation before its model is open."""

from collections.abc import Callable, Iterator

from extrapcli.ahead import ahead
from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.continuation import Continuation, earliest_join
from extrapcli.extrapolators.base import Block, Style
from extrapcli.model import Model


def begin_soon(
    opened: Callable[[], Model], song: Song, wanted: int | None, style: Style, analysis: Analysis | None = None
) -> Continuation:
    """Begin a continuation with the song, while the model is opened and the first blocks are made, in a thread."""

    def blocks() -> Iterator[Block]:
        yield from opened().blocks(song, wanted, style, analysis)

    return Continuation(song, ahead(blocks()), wanted, 0 if style.fit else earliest_join(song, style.fade_seconds))
