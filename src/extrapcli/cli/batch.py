"""`extrap batch`."""

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extrapcli import console
from extrapcli.atomic import named_path
from extrapcli.cli.hints import with_hint
from extrapcli.cli.options import (
    Add,
    Arc,
    Backend,
    Clip,
    Clips,
    Crossfade,
    Device,
    Ending,
    Ends,
    FormatName,
    MaxAudibility,
    Model,
    Mood,
    New,
    Preview,
    Quiet,
    Retries,
    Salvage,
    Seed,
    Variety,
    length_of,
    parse_minutes,
)
from extrapcli.cli.root import app
from extrapcli.errors import ExtrapError
from extrapcli.models import DEFAULT

if TYPE_CHECKING:
    from extrapcli.continuation import Length


class EngineName(StrEnum):
    local = "local"
    ray = "ray"


@app.command()
def batch(
    songs: Annotated[str, typer.Argument(metavar="IN", help="A folder of songs, or its URL, as s3://bucket/songs.")],
    tracks: Annotated[
        str, typer.Argument(metavar="OUT", help="The folder or URL for tracks, arranged like the songs.")
    ],
    minutes: Annotated[
        float | None,
        typer.Option(
            parser=parse_minutes, metavar="LENGTH", help="Length of the tracks: 3, 2.5 or 3:30.  [default: 3]"
        ),
    ] = None,
    add: Add = None,
    jobs: Annotated[
        int | None, typer.Option(help="Worker processes, 16 for each core at most.  [default: one for each core]")
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="This machine, or a Ray cluster.")] = EngineName.local,
    address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The Ray cluster.  [default: $RAY_ADDRESS, or a new one]")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The manifest.  [default: OUT/manifest.jsonl]", parser=named_path),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only these songs, as *.mp3 or demos/*; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Not these songs or folders; may be repeated.")
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="PATTERN", help="Names of tracks, of {stem}, {minutes}, {ext} and {model}.")
    ] = "{stem}-{minutes}.{ext}",
    model: Model = DEFAULT,
    backend: Backend = "auto",
    device: Device = "auto",
    crossfade: Crossfade = None,
    format: Annotated[
        FormatName | None, typer.Option(help="Format of the tracks.  [default: each song's, by its name, or flac]")
    ] = None,
    ending: Ends = Ending.auto,
    variety: Variety = 0.3,
    new: New = None,
    mood: Mood = None,
    arc: Arc = None,
    seed: Seed = 0,
    fit: Annotated[
        bool, typer.Option("--fit", help="Play each song in that length, shorter or longer, as extrap fit does.")
    ] = False,
    like: Annotated[
        Path | None, typer.Option(metavar="VIDEO", help="With --fit: as long as this video.", parser=named_path)
    ] = None,
    lengths: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A table with a length for each song: lines as demos/song.mp3,1:30. Other songs are left alone.",
            parser=named_path,
        ),
    ] = None,
    takes: Annotated[
        int, typer.Option(metavar="N", help="Make N different tracks of each song, and keep the best.")
    ] = 1,
    preview: Preview = False,
    max_audibility: MaxAudibility = None,
    retries: Retries = 0,
    salvage: Salvage = False,
    clip: Clips = Clip.clamp,
    retry: Annotated[int, typer.Option(help="How often to try a failed song again, 100 times at most.")] = 0,
    timeout: Annotated[
        float,
        typer.Option(metavar="MINUTES", help="Give up a song that takes longer."),
    ] = 60,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Start no more songs after one has failed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done, and the time and space it would take.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite files that no batch made.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the line of the manifest for each track.")] = False,
    quiet: Quiet = False,
) -> None:
    """Continue every song in a folder and below; a second run does only what is missing or changed.

    OUT/manifest.jsonl records what happened to each. A song that fails, or crashes its process, does not stop the
    others; the exit status is then 7.
    """
    from extrapcli.batch import Batch
    from extrapcli.continuation import clock
    from extrapcli.extrapolators.base import Fit
    from extrapcli.pipeline import Options
    from extrapcli.wishes import composing, style

    if fit and (ending != Ending.auto or variety != 0.3):
        raise typer.BadParameter("--fit keeps the song's own ending and order; leave out --ending and --variety")
    if fit and new is not None:
        raise typer.BadParameter("--fit plays the song's own bars; leave out --new")
    model = composing(model, new)
    work = Batch(
        songs,
        tracks,
        Options(
            length=_length(minutes, add, like, fit=fit, table=lengths is not None),
            model=model,
            backend=backend,
            device=device,
            style=style(ending.value, variety, crossfade, seed, mood, arc, fit=Fit() if fit else None, new=new),
            salvage=salvage,
            clip=clip.value,
            overwrite=overwrite,
            takes=takes,
            preview=preview,
            max_audibility=max_audibility,
            retries=retries,
        ),
        name=name,
        format=format.value if format else None,
        include=include or (),
        exclude=exclude or (),
        manifest=manifest,
        engine=engine.value,
        address=address,
        workers=jobs,
        timeout_minutes=timeout,
        retry=retry,
        fail_fast=fail_fast,
        lengths=lengths,
    )
    if dry_run:
        for path, reason in work.found.left_out:
            console.say(f"{songs}: {path} is left out: {reason}")
        needed = work.needed()
        for job, reason in needed:
            console.result(f"{job.source} -> {job.target}: {reason}")
        estimate = work.estimate([job for job, reason in needed if reason != "in the way"])
        console.say(
            f"{len(needed)} of {len(work.jobs)} songs; about {clock(estimate.seconds)} "
            f"with {work.workers} jobs, and {estimate.bytes / 1e6:.0f} MB"
        )
    if (summary := work.found.summary()) and not quiet:
        console.say(f"{songs}: {summary}")
    if dry_run:
        return
    with (
        console.nothing_but_results(),
        console.batch(quiet, work.counts) as progress,
        closing(work.run()) as records,
    ):
        try:
            for record in records:
                if record.state == "failed":
                    progress.say(with_hint(ExtrapError(record.error, hint=record.hint)))
                else:
                    console.result(record.to_json() if json else str(work.tracks / record.output))
                progress.ended(work.counts)
        finally:
            if (counts := work.counts).noted and not quiet:
                told = f"{counts.noted} of {counts.made + counts.kept} tracks have notes on what was lost"
                progress.say(f"{told}, changed or not reached; see them in {work.manifest_path}")


def _length(minutes: float | None, add: float | None, like: Path | None, *, fit: bool, table: bool) -> "Length":
    """Make a length of what was asked for, 3 minutes by default."""
    from extrapcli.continuation import Length
    from extrapcli.files import fitted_length

    if like and not fit:
        raise typer.BadParameter("--like needs --fit")
    if fit and add is not None:
        raise typer.BadParameter("--add and --fit exclude each other")
    if table and (minutes is not None or add is not None or like is not None):
        raise typer.BadParameter("--lengths has the lengths; leave out --minutes, --add and --like")
    if table or (minutes is None and add is None and not fit):
        return Length(any=fit)
    if not fit:
        return length_of(minutes, add)
    if (minutes is None) == (like is None):
        raise typer.BadParameter("--fit needs either --minutes LENGTH, --like VIDEO or --lengths FILE")
    return fitted_length(minutes, like)
