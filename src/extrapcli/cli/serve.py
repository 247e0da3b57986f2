"""`extrap serve`."""

from pathlib import Path
from typing import Annotated

import typer

from extrapcli import console
from extrapcli.atomic import named_path
from extrapcli.cli.root import app
from extrapcli.errors import MissingDependency, UnreadableAudio

PORT = 8321


@app.command()
def serve(
    library: Annotated[
        Path | None, typer.Argument(metavar="[SONGS]", help="A folder of songs to choose from.", parser=named_path)
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for other machines, too.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for any that is free.")] = PORT,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="EXTRAP_TOKEN",
            show_envvar=False,
            help="What to sign in with, or $EXTRAP_TOKEN.  [default: none; a random one for other machines]",
        ),
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Another name by which browsers know this machine.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where songs and tracks are kept.", parser=named_path, show_default=False
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option("--jobs", "-j", help="How many things to make at a time.")] = None,
    max_minutes: Annotated[float, typer.Option(help="Longest song and track, in minutes.")] = 60,
    max_upload: Annotated[int, typer.Option(metavar="MB", help="Largest song that can be sent.")] = 500,
    max_size: Annotated[float, typer.Option(metavar="GB", help="How much is kept in all.")] = 10,
    keep_days: Annotated[float, typer.Option(metavar="DAYS", help="How long it is kept.")] = 7,
) -> None:
    """Open a page in the browser to make music longer: hear tracks while they are made, compare, download.

    It needs no network, and lets only this machine in, unless you say --host. It runs until Ctrl-C.
    """
    try:
        from extrapcli.serve.server import EVERYWHERE, Server, default_folder
    except ModuleNotFoundError as error:
        reason = f"extrap serve needs {error.name}"
        raise MissingDependency(f'{reason}: pip install "extrapcli[web]"') from None
    from extrapcli.serve.jobs import Limits

    if library is not None and not library.is_dir():
        raise UnreadableAudio(f"{library}: no such folder; name one with songs")
    limits = Limits(max_upload * 2**20, max_minutes, max_size * 2**30, keep_days)
    server = Server(
        data or default_folder(),
        limits,
        host=host,
        port=port,
        workers=workers,
        library=library,
        token=token,
        names=tuple(name or ()),
    )
    console.result(server.address)
    if host in EVERYWHERE:
        console.say(f"others reach it as http://{server.machine}:{server.port}/")
    if server.token and token is None:
        console.say(f"the token to sign in with: {server.token}")
    console.say("Ctrl-C ends it")
    server.run(browser=browser)
