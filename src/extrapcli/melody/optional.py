"""The packages that only tunes need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from extrapcli.errors import MissingDependency


def missing(package: str) -> MissingDependency:
    """Make the error that says how to install a package."""
    return MissingDependency(f'tunes need {package}: pip install "extrapcli[melody]"')


@contextmanager
def needs(package: str) -> Iterator[None]:
    """Raise MissingDependency where the package that is imported inside is not installed."""
    try:
        yield
    except ModuleNotFoundError:
        raise missing(package) from None


def load_music21() -> Any:
    """Import music21; raise MissingDependency where it is not installed."""
    with needs("music21"):
        import music21
    music21.environment.Environment.warn = _ignore  # type: ignore[method-assign]  # no setting turns it off
    return music21


def _ignore(*_: Any, **__: Any) -> None: ...
