"""What the user sees: results on stdout, everything else on stderr. The only user of rich."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extrapcli.jobs import Progress


def result(line: str) -> None:
    """Print one line of what was asked for."""
    print(line, flush=True)


def say(line: str) -> None:
    """Print one line about the work, on stderr."""
    print(f"extrap: {line}", file=sys.stderr, flush=True)


class _Silent:
    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None: ...


@contextmanager
def progress(quiet: bool) -> "Iterator[Progress]":
    """Show the progress of one song on stderr where that is a terminal; else give a silent twin."""
    if quiet or not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    class Shown:
        def __init__(self, bar: Bar) -> None:
            self.bar = bar
            self.task = bar.add_task("decoding", total=None, blocks="")

        def decoded(self, name: str, seconds: float) -> None:
            text = f"{escape(name)}, {seconds:.0f} s decoded"
            self.bar.update(self.task, description=text, total=1.0, blocks="0 blocks")

        def written(self, share: float, blocks: int) -> None:
            self.bar.update(self.task, completed=share, blocks=f"{blocks} blocks")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[blocks]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Shown(bar)
