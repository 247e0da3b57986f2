"""What the user sees: results on stdout, everything else on stderr. The only user of rich."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from extrapcli.errors import CannotWrite

if TYPE_CHECKING:
    from extrapcli.batch import Counts
    from extrapcli.maker import Progress
    from extrapcli.training.progress import Progress as TrainingProgress
    from extrapcli.training.progress import Step


_results: TextIO | None = None
_OVER_THE_BAR = "\r\x1b[2K"  # what is drawn of a bar in this line is erased; it is drawn again below


def result(line: str) -> None:
    """Print one line of what was asked for."""
    stream = _results or sys.stdout
    if stream.isatty():
        line = (_OVER_THE_BAR if _results else "") + one_line(line)
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotWrite(f"standard output: cannot be written: {error.strerror}") from None


@contextmanager
def nothing_but_results() -> Iterator[None]:
    """Keep off stdout what a library would print there."""
    global _results
    _results = sys.stdout
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        _results = None


def say(line: str) -> None:
    """Print one line about the work, on stderr."""
    print(f"extrap: {one_line(line)}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """The text with what is no sign on a screen as an escape: names of files may hold line breaks, and worse."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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
            text = f"{escape(one_line(name))}, {seconds:.0f} s decoded"
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


class BatchProgress(Protocol):
    """Shows how far a batch has come."""

    def say(self, line: str) -> None: ...

    def ended(self, counts: "Counts") -> None: ...


class _SilentBatch:
    def say(self, line: str) -> None:
        say(line)

    def ended(self, counts: "Counts") -> None: ...


@contextmanager
def batch(quiet: bool, counts: "Counts") -> Iterator[BatchProgress]:
    """Show how many songs of a batch are done on stderr where that is a terminal; errors are said in any case."""
    if quiet or not sys.stderr.isatty():
        yield _SilentBatch()
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    class Shown:
        def __init__(self, bar: Bar) -> None:
            self.bar = bar
            self.task = bar.add_task("songs", total=counts.songs)

        def say(self, line: str) -> None:
            self.bar.console.print(f"extrap: {escape(one_line(line))}", highlight=False, soft_wrap=True)

        def ended(self, counts: "Counts") -> None:
            told = f"{counts.made} made, {counts.kept} kept, {counts.failed} failed"
            self.bar.update(self.task, completed=counts.made + counts.kept + counts.failed, description=told)

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Shown(bar)


class _SilentTraining:
    def say(self, line: str) -> None: ...

    def prepared(self, count: int, of: int) -> None: ...

    def stepped(self, step: "Step") -> None: ...


class _SaidTraining(_SilentTraining):
    def say(self, line: str) -> None:
        say(line)


@contextmanager
def training(quiet: bool) -> "Iterator[TrainingProgress]":
    """Show the progress of training on stderr: lines, and below them a bar where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield _SilentTraining() if quiet else _SaidTraining()
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    class Shown:
        def __init__(self, bar: Bar) -> None:
            self.bar = bar
            self.task = bar.add_task("", total=None)

        def say(self, line: str) -> None:
            self.bar.console.print(f"extrap: {escape(one_line(line))}", highlight=False, soft_wrap=True)

        def prepared(self, count: int, of: int) -> None:
            self.bar.update(self.task, completed=count, total=of, description=f"preparing files, {count} of {of}")

        def stepped(self, step: "Step") -> None:
            hours, seconds = divmod(round(step.seconds_left), 3600)
            validation = "" if step.validation_loss is None else f"  validation {step.validation_loss:.4f}"
            self.bar.update(
                self.task,
                completed=(step.epoch - 1) * step.steps + step.step,
                total=step.epochs * step.steps,
                description=f"epoch {step.epoch}/{step.epochs}  loss {step.loss:.4f}{validation}  "
                f"{step.items_per_second:.1f} items/s  {hours}:{seconds // 60:02}:{seconds % 60:02} left",
            )

    with Bar(TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True) as bar:
        yield Shown(bar)
