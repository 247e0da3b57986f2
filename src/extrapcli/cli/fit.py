"""`extrap fit`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from extrapcli.atomic import named_path
from extrapcli.cli.options import (
    Backend,
    Clip,
    Clips,
    Crossfade,
    Device,
    Format,
    Json,
    MaxAudibility,
    Model,
    Out,
    Overwrite,
    Preview,
    Quiet,
    Retries,
    Salvage,
    Songs,
    Threads,
    parse_minutes,
    parse_stretch,
    parse_time,
)
from extrapcli.cli.root import app
from extrapcli.cli.tracks import make_tracks
from extrapcli.models import DEFAULT


@app.command()
def fit(
    songs: Songs,
    minutes: Annotated[
        float | None,
        typer.Option(parser=parse_minutes, metavar="LENGTH", help="Length of the track: 1.5 or 1:30."),
    ] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="VIDEO", help="As long as this video, instead.", parser=named_path)
    ] = None,
    out: Out = None,
    keep: Annotated[
        list[Any] | None,
        typer.Option(
            parser=parse_stretch,
            metavar="FROM-TO",
            help="Cut nothing in this part of the song, as 0:30-0:45 in minutes and seconds; it may be repeated. "
            "Several are possible.",
        ),
    ] = None,
    hit: Annotated[
        list[float] | None,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            help="Let a downbeat, or the beginning of a section, fall on this time of the track, as 0:42 in minutes "
            "and seconds. Several are possible.",
        ),
    ] = None,
    model: Model = DEFAULT,
    backend: Backend = "auto",
    device: Device = "auto",
    crossfade: Crossfade = None,
    format: Format = None,
    mood: Annotated[
        str | None,
        typer.Option(metavar="MOOD", help="calm, lively, keep (the mood of the song's beginning), or 0 to 1."),
    ] = None,
    arc: Annotated[
        str | None,
        typer.Option(
            metavar="MOODS",
            help="How the mood changes: calm:lively, or '0:30 keep, 1:00 lively' by times of the track.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="0 is the best version, 1, 2, ... are others.")] = 0,
    takes: Annotated[
        int,
        typer.Option(metavar="N", help="Make N different versions; -take1 is the one that the search finds best."),
    ] = 1,
    preview: Preview = False,
    max_audibility: MaxAudibility = None,
    retries: Retries = 0,
    salvage: Salvage = False,
    clip: Clips = Clip.clamp,
    threads: Threads = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Play songs in another length, shorter or longer, from their own beginning to their own ending.

    Bars are left out or repeated, with as few joins as can be. Without -o the track goes beside its song, as
    song-1m30s.mp3.
    """
    from extrapcli.files import fitted_length
    from extrapcli.pipeline import Options
    from extrapcli.wishes import fit as fitted
    from extrapcli.wishes import style

    if minutes is None and like is None:
        raise typer.BadParameter("say how long the track should be: --minutes LENGTH, or --like VIDEO")
    if minutes is not None and like is not None:
        raise typer.BadParameter("--minutes and --like exclude each other")
    options = Options(
        length=fitted_length(minutes, like),
        model=model,
        backend=backend,
        device=device,
        style=style("auto", 0, crossfade, seed, mood, arc, fit=fitted(keep or (), hit or ())),
        format=format.value if format else None,
        threads=threads,
        salvage=salvage,
        clip=clip.value,
        overwrite=overwrite,
        takes=takes,
        preview=preview,
        max_audibility=max_audibility,
        retries=retries,
    )
    make_tracks(songs, out, options, json=json, quiet=quiet)
