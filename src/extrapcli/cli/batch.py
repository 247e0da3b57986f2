"""`extrap batch`."""

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.cli.app import app
from extrapcli.cli.options import (
    Add,
    Backend,
    Crossfade,
    Device,
    Ending,
    Ends,
    Format,
    Minutes,
    Model,
    Quiet,
    Seed,
    Variety,
    length_of,
)
from extrapcli.errors import UsageError
from extrapcli.models import DEFAULT


class EngineName(StrEnum):
    local = "local"
    ray = "ray"


@app.command()
def batch(
    songs: Annotated[str, typer.Argument(metavar="IN", help="A folder of songs, or its URL, as s3://bucket/songs.")],
    tracks: Annotated[
        str, typer.Argument(metavar="OUT", help="The folder or URL for tracks, in folders as songs are.")
    ],
    minutes: Minutes = None,
    add: Add = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.  [default: one for each core]")] = None,
    engine: Annotated[EngineName, typer.Option(help="This machine, or a Ray cluster.")] = EngineName.local,
    address: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The Ray cluster.  [default: $RAY_ADDRESS, or a new one]")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The manifest.  [default: OUT/manifest.jsonl]")
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
        Format | None, typer.Option(help="Format of the tracks.  [default: each song's, by its name, or flac]")
    ] = None,
    ending: Ends = Ending.auto,
    variety: Variety = 0.3,
    seed: Seed = 0,
    retry: Annotated[int, typer.Option(min=0, max=100, help="How often a song that failed is tried again.")] = 0,
    timeout: Annotated[
        float, typer.Option(min=0.01, max=1e5, metavar="MINUTES", help="Give up a song that takes longer.")
    ] = 60,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Begin no more songs once one has failed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, how long it takes and how much room.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files in the way that no batch has made.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the line of the manifest for each track.")] = False,
    quiet: Quiet = False,
) -> None:
    """Continue every song below a folder; run again, it does only what is missing or changed.

    OUT/manifest.jsonl says what became of each. One song that fails, or takes its process with it, does not stop the
    others; the exit status is then 7.
    """
    from extrapcli.atomic import make_folder
    from extrapcli.batch.batch import Batch
    from extrapcli.batch.engine import Engine, LocalEngine
    from extrapcli.batch.manifest import Manifest, manifest_path
    from extrapcli.batch.places import place
    from extrapcli.batch.plan import Naming, plan
    from extrapcli.continuation import clock
    from extrapcli.extrapolators.base import Style
    from extrapcli.pipeline import Options, Pipeline

    if address and engine is not EngineName.ray:
        raise UsageError(f"--address {address}: is of a Ray cluster; say --engine ray, too")
    source, target = place(songs), place(tracks)
    if str(target).startswith("memory:"):
        raise UsageError(f"{target}: each worker would write to a memory of its own; name a folder or a store")
    if engine is EngineName.ray:  # its workers are elsewhere
        source, target = source.absolute(), target.absolute()
    lines = manifest_path(target, manifest)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = jobs or (1 if engine is EngineName.ray else cores)
    at_once = workers if engine is EngineName.ray else min(workers, cores)
    options = Options(
        length=length_of(minutes, add),
        model=model,
        backend=backend,
        device=device,
        style=Style(fade_seconds=crossfade, ending=ending.value, variety=variety, seed=seed),
        threads=max(1, cores // workers) if engine is EngineName.local else 1,
        overwrite=overwrite,
    )
    naming = Naming(options.length, model, name, format.value if format else None)
    works = plan(source, target, naming, include=include or (), exclude=exclude or ())
    here = options if engine is EngineName.local else replace(options, device="auto")
    Pipeline(here)  # so that what is wrong with the model or the options is said before any work
    known = Manifest(lines)
    work = Batch(works, known, options, retry=retry, fail_fast=fail_fast)
    if dry_run:
        from extrapcli.batch.estimate import estimate, needed

        wanted = list(needed(work, works))
        for song, why in wanted:
            console.result(f"{song.source} -> {song.target}: {why}")
        took = estimate([song for song, why in wanted if why != "in the way"], work, known, options)
        console.say(
            f"{len(wanted)} of {len(works)} songs; about {clock(took.seconds / at_once)} "
            f"with {workers} jobs, and {took.bytes / 1e6:.0f} MB"
        )
        return
    make_folder(lines.parent)
    at_work: Engine
    if engine is EngineName.ray:
        from extrapcli.batch.cluster import RayEngine

        at_work = RayEngine(options, jobs, address=address, timeout_minutes=timeout)
    else:
        at_work = LocalEngine(options, workers, timeout_minutes=timeout)
    with console.nothing_but_results(), console.batch(quiet, work.counts) as progress, at_work:
        for record in work.run(at_work, progress):
            if record.state == "failed":
                progress.say(record.error)
            elif json:
                console.result(record.to_json())
            else:
                console.result(str(target / record.output))
