"""Terminal output: results on stdout, everything else on stderr. The only module that uses rich."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from extrapcli.errors import CannotWrite

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress as Bar

    from extrapcli.batch import Counts
    from extrapcli.progress import Progress
    from extrapcli.training.progress import Progress as TrainingProgress
    from extrapcli.training.progress import Step


SILENT_SECONDS = 30
"""How long work may go on without a word where there is no terminal for a bar."""

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
    """Discard what libraries print on stdout."""
    global _results
    _results = sys.stdout
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        _results = None


def say(line: str) -> None:
    """Print one line about the work, on stderr. Where that can't be written to, there is nobody to tell."""
    with suppress(OSError):
        print(f"extrap: {one_line(line)}", file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Escape all unprintable characters: file names may hold line breaks and terminal control codes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def _bar(*, remaining: bool = True) -> "Iterator[Bar | None]":
    """A progress bar on stderr, with or without the time that remains; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}")
    shown = (*columns, TimeRemainingColumn()) if remaining else columns
    with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        yield bar


class _Bar:
    """One task in a bar, and lines above it."""

    def __init__(self, bar: "Bar") -> None:
        self.bar = bar
        self.task = bar.add_task("", total=None, note="")

    def say(self, line: str) -> None:
        self.bar.console.print(f"extrap: {one_line(line)}", markup=False, highlight=False, soft_wrap=True)

    def show(self, text: str, *, done: float | None = None, total: float | None = None, note: str = "") -> None:
        from rich.markup import escape

        self.bar.update(self.task, description=escape(one_line(text)), completed=done, total=total, note=note)


class _Lines:
    """Without a terminal: lines, and of work that takes long one now and then."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.said = quiet, monotonic()

    def say(self, line: str) -> None:
        if not self.quiet:
            say(line)
            self.said = monotonic()

    def say_if_due(self, line: str) -> None:
        if monotonic() - self.said >= SILENT_SECONDS:
            self.say(line)


class _SongLines(_Lines):
    name = ""

    def decoded(self, name: str, seconds: float) -> None:
        self.name = name

    def written(self, share: float, blocks: int) -> None:
        self.say_if_due(f"{self.name}: {share:.0%} done")

    def doing(self, what: str) -> None:
        self.say_if_due(what)


class _SongBar(_Bar):
    name = ""

    def decoded(self, name: str, seconds: float) -> None:
        self.name = f"{name}, {seconds:.0f} s decoded"
        self.written(0, 0)

    def written(self, share: float, blocks: int) -> None:
        self.show(self.name, done=share, total=1, note=f"{blocks} blocks")

    def doing(self, what: str) -> None:
        self.show(what)


@contextmanager
def progress(quiet: bool) -> "Iterator[Progress]":
    """Show the progress of one song on stderr: a bar where that is a terminal, else a line twice a minute."""
    with nullcontext() if quiet else _bar() as bar:
        if bar:
            shown = _SongBar(bar)
            shown.doing("decoding")
            yield shown
        else:
            yield _SongLines(quiet)


class StatusLine:
    """A line that changes, and lines above it; only the latter where stderr is no terminal."""

    def __init__(self, live: "Live | None", quiet: bool) -> None:
        self.live, self.quiet = live, quiet

    def say(self, line: str) -> None:
        if self.live:
            with suppress(OSError):
                self.live.console.print(f"extrap: {one_line(line)}", markup=False, highlight=False, soft_wrap=True)
        elif not self.quiet:
            say(line)

    def show(self, line: str) -> None:
        if self.live:
            from rich.text import Text

            with suppress(OSError):
                self.live.update(Text(one_line(line), no_wrap=True, overflow="ellipsis"), refresh=True)


@contextmanager
def status_line(quiet: bool) -> Iterator[StatusLine]:
    """Show on stderr a line that changes, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield StatusLine(None, quiet)
        return
    from rich.console import Console
    from rich.live import Live

    live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
    live.start()
    try:
        yield StatusLine(live, quiet)
    finally:
        with suppress(OSError):  # of a terminal that was closed
            live.stop()


class _BatchLines:
    def say(self, line: str) -> None:
        say(line)

    def ended(self, counts: "Counts") -> None: ...


class _BatchBar(_Bar):
    def ended(self, counts: "Counts") -> None:
        done = counts.made + counts.kept + counts.failed
        told = f"{counts.made} made, {counts.kept} kept, {counts.failed} failed"
        self.show(told, done=done, total=counts.songs, note=f"{done}/{counts.songs}")


@contextmanager
def batch(quiet: bool, counts: "Counts") -> Iterator[_BatchLines | _BatchBar]:
    """Show how many songs of a batch are done on stderr where that is a terminal; errors are printed in any case."""
    with nullcontext() if quiet else _bar() as bar:
        if bar:
            shown = _BatchBar(bar)
            shown.show("songs", done=0, total=counts.songs, note=f"0/{counts.songs}")
            yield shown
        else:
            yield _BatchLines()


class _TrainingLines(_Lines):
    def prepared(self, count: int, of: int) -> None:
        self.say_if_due(f"{count} of {of}")

    def stepped(self, step: "Step") -> None:
        self.say_if_due(f"epoch {step.epoch}/{step.epochs}, step {step.step}/{step.steps}  loss {step.loss:.4f}")


class _TrainingBar(_Bar):
    def prepared(self, count: int, of: int) -> None:
        self.show(f"{count} of {of}", done=count, total=of)

    def stepped(self, step: "Step") -> None:
        hours, seconds = divmod(round(step.seconds_left), 3600)
        validation = "" if step.validation_loss is None else f"  validation {step.validation_loss:.4f}"
        self.show(
            f"epoch {step.epoch}/{step.epochs}  loss {step.loss:.4f}{validation}",
            done=(step.epoch - 1) * step.steps + step.step,
            total=step.epochs * step.steps,
            note=f"{step.items_per_second:.1f} items/s  {hours}:{seconds // 60:02}:{seconds % 60:02} left",
        )


@contextmanager
def training(quiet: bool) -> "Iterator[TrainingProgress]":
    """Show the progress of training on stderr: lines, and below them a bar where that is a terminal."""
    with nullcontext() if quiet else _bar(remaining=False) as bar:
        yield _TrainingBar(bar) if bar else _TrainingLines(quiet)
