"""`extrap play`."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extrapcli import console
from extrapcli.atomic import STDOUT, check_writable, destination, is_folder, named_path
from extrapcli.cli.hints import with_hint
from extrapcli.cli.options import (
    Arc,
    Backend,
    Crossfade,
    Device,
    Model,
    Mood,
    New,
    Quiet,
    Salvage,
    Seed,
    Threads,
    Variety,
    parse_minutes,
)
from extrapcli.cli.root import app
from extrapcli.errors import CannotWrite, ExtrapError, UsageError
from extrapcli.models import DEFAULT, find_model
from extrapcli.signals import INTERRUPTIONS

if TYPE_CHECKING:
    from extrapcli.audio.song import Song
    from extrapcli.play.keys import Pressed
    from extrapcli.play.saving import Saves
    from extrapcli.play.session import Session

KEYS = "space pauses, n jumps at the next bar, c is calmer, l livelier, s saves what was heard, q fades out and ends"
STEP = 0.25  # of the wanted mood, calm to lively
LOOK_SECONDS = 0.1


@app.command()
def play(
    song: Annotated[
        Path, typer.Argument(metavar="SONG", help="An audio file, or - for standard input.", parser=named_path)
    ],
    minutes: Annotated[
        float | None,
        typer.Option(parser=parse_minutes, metavar="LENGTH", help="End after 3, 2.5 or 3:30.  [default: never]"),
    ] = None,
    mood: Mood = None,
    arc: Arc = None,
    variety: Variety = 0.3,
    new: New = None,
    seed: Seed = 0,
    record: Annotated[
        str | None, typer.Option(metavar="FILE", help="At the end, write all that was heard to a file.")
    ] = None,
    model: Model = DEFAULT,
    backend: Backend = "auto",
    device: Device = "auto",
    crossfade: Crossfade = None,
    salvage: Salvage = False,
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a recording that exists.")] = False,
    quiet: Quiet = False,
) -> None:
    """Play a song through the speakers, and go on without end.

    Space pauses, n jumps at the next bar, c is calmer, l livelier, s saves all that was heard so far, and q fades out
    and ends.
    """
    from extrapcli.continuation import Length
    from extrapcli.model import load
    from extrapcli.naming import choose_format, read_beginning, read_song
    from extrapcli.play.keys import keys
    from extrapcli.play.live_track import LiveTrack
    from extrapcli.play.saving import Saves, save
    from extrapcli.play.session import Session
    from extrapcli.play.speakers import open_speakers
    from extrapcli.play.status import summary
    from extrapcli.wishes import composing, style

    model = composing(model, new)
    asked = style("auto", variety, crossfade, seed, mood, arc, new=new)
    if asked.arc and minutes is None:
        asked.arc.check_endless()
    find_model(model)
    opened = cache(lambda: load(model, backend=backend, device=device, threads=threads))
    if (model, backend, device, crossfade) != (DEFAULT, "auto", "auto", None):
        opened().extrapolator(asked)  # which may refuse; else it is opened while the song plays
    recording = None if record is None else destination(record)
    if record and (record.endswith(("/", os.sep)) or (recording and is_folder(recording))):
        raise UsageError(f"{record}: is a folder; name a file for the recording")
    if recording == STDOUT:
        raise UsageError("a recording is written to a file at the end; extrap continue writes to standard output")

    def whole() -> "Song":
        return read_song(song, salvage=salvage)

    beginning = read_beginning(song)
    first = beginning or whole()
    if recording:
        format = choose_format(None, recording, first)
        check_writable(recording, overwrite=overwrite, source=song)
    end = None if minutes is None else Length(minutes, any=True).samples(first)
    track = LiveTrack(first, whole if beginning else lambda: first, opened, asked, end)
    saves = Saves(track, song)
    with (
        keys() as pressed,
        open_speakers(first) as speakers,
        closing(Session(track, speakers)) as session,
        _interrupted(session) as interruptions,
        console.status_line(quiet) as line,
    ):
        session.start()
        _listen(session, saves, pressed, line)
    if not interruptions and saves.pending:
        console.say("saving what was heard")
        _tell(saves.ended(wait=True), console.say)
    if recording and track.position:
        with console.progress(quiet) as progress:
            progress.doing(f"writing {recording}")
            notes = save(track, track.heard, recording, source=song, format=format, overwrite=overwrite)
        for note in () if quiet else notes:
            if note not in track.song.notes:
                console.say(f"{recording}: {note}")
        with suppress(CannotWrite) if interruptions else nullcontext():  # of a terminal that was closed
            console.result(str(recording))
    if session.error:
        raise session.error
    if not quiet:
        console.say(summary(session))
    if interruptions:
        raise typer.Exit(128 + interruptions[0])


def _listen(session: "Session", saves: "Saves", pressed: "Pressed", line: console.StatusLine) -> None:
    """Obey keys, and say what happens, until the session ends."""
    from extrapcli.play.keys import no_key
    from extrapcli.play.status import status

    track, known = session.track, False
    if pressed is not no_key:
        line.say(KEYS)
    while not session.ended.is_set():
        for key in pressed(LOOK_SECONDS).lower():
            _obey(key, session, saves, line)
        if track.is_whole and not known:
            known = True
            for note in track.song.notes:
                line.say(f"{track.song.name}: {note}")
        line.show(status(session))
        _tell(saves.ended(), line.say)


@contextmanager
def _interrupted(session: "Session") -> Iterator[list[int]]:
    """Stop the session where the first signal comes that would end the program, and give its number."""
    came: list[int] = []

    def stop(number: int, frame: object) -> None:
        came.append(number)
        session.stop()

    before = {number: signal.signal(number, stop) for number in INTERRUPTIONS}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _obey(key: str, session: "Session", saves: "Saves", line: console.StatusLine) -> None:
    """Do what a key stands for."""
    match key:
        case "n" | "c" | "l" if session.track.obeys is False:
            line.say("this model goes its own way; recall can be turned")
        case " ":
            session.pause()
        case "n":
            session.track.turn(jumps=True)
        case "c":
            session.track.turn(livelier=-STEP)
        case "l":
            session.track.turn(livelier=STEP)
        case "s" if saves.pending:
            line.say("still saving what was heard before")
        case "s":
            saves.begin()
        case "q":
            session.finish()


def _tell(ended: "Path | ExtrapError | None", say: Callable[[str], None]) -> None:
    """Say what became of a save."""
    if ended:
        say(with_hint(ended) if isinstance(ended, ExtrapError) else f"saved {ended}")
