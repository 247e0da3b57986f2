"""`extrap melody`."""

from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import STDOUT, destination, named_path
from extrapcli.cli.options import Backend, Device, Quiet, Threads
from extrapcli.cli.root import app
from extrapcli.errors import UsageError


@app.command()
def melody(
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="SYMBOLS_OR_FILE",
            help='How the tune begins: a symbol for each sixteenth, as "67 _ 67 _ 65 _ 64 _" (MIDI numbers, r for a '
            "rest, _ to hold on), or a file: MIDI, ABC, kern or MusicXML, of which the top voice of one part "
            "is used. A seed that leaves no room in --bars is cut to half of them.",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER_OR_NAME",
            help="The part of a score or MIDI file that is the seed: 2, or violin.  [default: the part named as the "
            "melody, or the highest]",
        ),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SONG",
            help="A recording to take the seed from, in place of --seed: the four bars of its melody that are "
            "heard best in its first five minutes, fewer where --bars is below eight. The tune comes out in its key "
            "and tempo.",
            parser=named_path,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="PATH", help="The MIDI file, or - for standard output.", parser=named_path
        ),
    ] = Path("tune.mid"),
    audio: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Also write it as audio: WAV, FLAC, Ogg, Opus, MP3 or M4A.", parser=named_path
        ),
    ] = None,
    score: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Also write it as a score: a picture (.svg) or .musicxml.", parser=named_path
        ),
    ] = None,
    soundfont: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Sound font that plays --audio: .sf2.  [default: TimGM6mb]", parser=named_path
        ),
    ] = None,
    bars: Annotated[int, typer.Option(help="The most bars that the tune may have, up to 1000.")] = 16,
    temperature: Annotated[
        float, typer.Option(help="Below 1 for usual tunes, above 1, up to 10, for unusual ones.")
    ] = 1.0,
    random_seed: Annotated[int, typer.Option(help="Another seed gives another tune.")] = 0,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="G, F#, Bb, Am. The whole tune is transposed to it, with its seed.  [default: the seed's; C or Am "
            "for symbols]",
        ),
    ] = None,
    metre: Annotated[
        str | None, typer.Option(metavar="METRE", help="As 3/4 or 6/8.  [default: the seed's, or 4/4]")
    ] = None,
    tempo: Annotated[
        float | None,
        typer.Option(help="Quarters a minute, 10 to 1000.  [default: the recording's, or 100]"),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME_OR_PATH", help="A model of tunes (see extrap models).")
    ] = "melody",
    backend: Backend = "auto",
    device: Device = "auto",
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a tune that begins with a seed and goes on to where the model ends it."""
    from extrapcli.melody.outputs import Outputs
    from extrapcli.melody.pipeline import MelodyOptions, names_file, write_tune

    begin = seed if recording is None else recording
    if begin is None or (seed is not None and recording is not None):
        raise UsageError("a tune begins with a --seed or with the melody of a recording, --from; give one of them")

    midi = destination(out)
    outputs = Outputs(midi, audio, score, soundfont, overwrite)
    options = MelodyOptions(
        bars=bars,
        temperature=temperature,
        random_seed=random_seed,
        key=key,
        metre=metre,
        tempo=tempo,
        part=part,
        model=model,
        backend=backend,
        device=device,
        threads=threads,
    )
    written = write_tune(begin, outputs, options)
    if not quiet:
        name = begin if names_file(begin) else "seed"
        for remark in written.remarks:
            console.say(f"{name}: {remark}")
        if not written.ended:
            console.say(f"the tune did not end within {bars} bars and was cut there; ask for more --bars")
    if midi != STDOUT:
        for path in outputs.paths:
            console.result(str(path))
