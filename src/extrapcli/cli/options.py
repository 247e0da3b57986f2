"""Options that several commands have."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extrapcli.atomic import named_path

if TYPE_CHECKING:
    from extrapcli.continuation import Length


class FormatName(StrEnum):
    wav = "wav"
    flac = "flac"
    ogg = "ogg"
    opus = "opus"
    mp3 = "mp3"
    m4a = "m4a"


class Ending(StrEnum):
    auto = "auto"
    song = "song"
    fade = "fade"
    cut = "cut"
    loop = "loop"


def parse_minutes(text: str) -> float:
    """Minutes from `3`, `2.5`, `3:30` or `1:02:30`."""
    return _minutes(text, time=False)


def parse_time(text: str) -> float:
    """Seconds from `0:42` or `0.7` minutes."""
    return 60 * _minutes(text, time=True)


def parse_stretch(text: str) -> tuple[float, float]:
    """Two times in seconds from `0:30-0:45`."""
    begin, dash, end = text.partition("-")
    if not dash:
        raise typer.BadParameter(f"{text!r} is no part of a song; write its beginning and end, as 0:30-0:45")
    return parse_time(begin.strip()), parse_time(end.strip())


def _minutes(text: str, *, time: bool) -> float:
    from extrapcli.errors import UsageError
    from extrapcli.ranges import minutes_of

    try:
        return minutes_of(text, time=time)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None


Songs = Annotated[
    list[Path],
    typer.Argument(metavar="SONG", help="Audio files, folders of them, or - for standard input.", parser=named_path),
]
Out = Annotated[
    str | None,
    typer.Option("--out", "-o", metavar="PATH", help="The track, a folder/, or - for standard output."),
]
Format = Annotated[FormatName | None, typer.Option(help="Format of the track.  [default: the song's, or flac]")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a track that exists.")]
Json = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each track.")]

Minutes = Annotated[
    float | None,
    typer.Option(
        parser=parse_minutes,
        metavar="LENGTH",
        help="Length of the track: 3, 2.5 or 3:30.  [default: 3, or twice the song]",
    ),
]
Add = Annotated[
    float | None,
    typer.Option(parser=parse_minutes, metavar="LENGTH", help="Length to add to the song, instead of --minutes."),
]


Model = Annotated[str, typer.Option(metavar="NAME_OR_PATH", help="A model (see extrap models).")]
Backend = Annotated[str, typer.Option(metavar="NAME", help="auto, onnx, tensorflow, or another that is installed.")]
Device = Annotated[
    str, typer.Option(metavar="NAME", help="Where the model runs: auto, cpu, cuda, or another that the backend has.")
]
Crossfade = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Length of each crossfade, 60 s at most.  [default: the model's]"),
]
Ends = Annotated[
    Ending,
    typer.Option(
        help="How the track ends; song lands on the song's own ending, loop leads back to after the first bars."
    ),
]
Variety = Annotated[float, typer.Option(help="From 0, the safest continuation, to 1, the most surprising.")]
New = Annotated[
    float | None,
    typer.Option(
        help="How many of the added bars are new, made of the song's own sounds: 0 none, 0.5 every second one, "
        "1 all.  [default: 0; 1 with --model compose]"
    ),
]
Seed = Annotated[
    int, typer.Option(help="The same seed gives the same track, another seed another one, if there is any variety.")
]
Another = Annotated[
    list[int] | None,
    typer.Option(
        "--another-way",
        metavar="JOIN",
        help="Keep everything before join JOIN, and continue differently from there. Repeat it for yet another way.",
    ),
]
Mood = Annotated[
    str | None,
    typer.Option(
        metavar="MOOD",
        help="calm, lively, keep (the mood at the song's end), or a number from 0, calm, to 1, lively.",
    ),
]
Arc = Annotated[
    str | None,
    typer.Option(
        metavar="MOODS",
        help="How the mood changes: calm:lively over all that is added, or '0:30 keep, 2:00 lively' by times of the "
        "track.",
    ),
]
Takes = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Make N different tracks; -take1 has the best mix of joins that are hardly heard and little repetition.",
    ),
]
Preview = Annotated[
    bool,
    typer.Option("--preview", help="Write only what is around the first three joins, as song-3m00s-preview.mp3."),
]
MaxAudibility = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        help="Make no track with a join that stands out from more of the song's own beats (see --retries).",
    ),
]
Retries = Annotated[int, typer.Option(help="With --max-audibility: try up to this many more seeds.")]
Threads = Annotated[
    int | None,
    typer.Option(help="CPU threads the model may use, 16 for each core at most.  [default: all cores]"),
]


class Clip(StrEnum):
    clamp = "clamp"
    limit = "limit"
    rescale = "rescale"


Salvage = Annotated[
    bool, typer.Option("--salvage", help="Take what can be decoded of a damaged song, and say how much is lost.")
]
Clips = Annotated[
    Clip,
    typer.Option(
        "--clip",
        help="For sound beyond full scale that the format can't hold: cut it off (clamp), turn it down for a moment "
        "(limit), or turn the whole track down (rescale).",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


def length_of(minutes: float | None, add: float | None) -> "Length":
    """Make a length from --minutes and --add."""
    from extrapcli.wishes import length

    if minutes is not None and add is not None:
        raise typer.BadParameter("--minutes and --add exclude each other")
    return length(minutes, add)
