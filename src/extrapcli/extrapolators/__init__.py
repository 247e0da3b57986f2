"""Extrapolators, by the name that a model's spec gives: ours and those that other packages register."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar

import numpy as np

from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend, first_line
from extrapcli.errors import ExtrapError, UnusableModel
from extrapcli.extrapolators.base import Block, Extrapolator, Style
from extrapcli.spec import AudioSpec, expect

GROUP = "extrap.extrapolators"


def registered() -> dict[str, EntryPoint]:
    """Return the entry points of all extrapolators by name, none of them imported yet; ours can't be replaced."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.module.startswith("extrapcli."))
    return {entry.name: entry for entry in found}


def extrapolator_for(backend: Backend, style: Style) -> Extrapolator:
    """Make the extrapolator that a model's spec names, and import no other.

    Raises UnusableModel where it is not installed, does not load, or needs outputs that the model does not have;
    UsageError where it does not have the style.
    """
    spec = expect(backend.spec, AudioSpec)
    entry = registered().get(spec.extrapolator)
    if entry is None:
        raise UnusableModel(
            f"model {spec.name} needs the extrapolator {spec.extrapolator!r}, which is not installed; "
            f"there are {', '.join(sorted(registered()))}; install the package that has it, or a newer extrap"
        )
    package = entry.dist.name if entry.dist else "extrapcli"
    try:
        extrapolator: type[Extrapolator] = entry.load()
    except Exception as error:  # another package's code
        raise UnusableModel(
            f"model {spec.name} needs the extrapolator {spec.extrapolator!r}, which does not load: "
            f"{first_line(error)}; install {package} again"
        ) from None
    who = f"the extrapolator {spec.extrapolator!r} of the package {package}"
    try:
        if not (missing := extrapolator.needs - spec.output_shapes.keys()):
            made = extrapolator(backend, style)
            return made if entry.module.startswith("extrapcli.") else _Foreign(made, who)
    except (ExtrapError, MemoryError):
        raise
    except Exception as error:
        raise UnusableModel(f"{who} can't be used: {first_line(error)}; tell its authors") from error
    raise UnusableModel(
        f"model {spec.name} does not give {', '.join(sorted(missing))}, "
        f"which the extrapolator {spec.extrapolator!r} needs; export it again"
    )


class _Foreign:
    """An extrapolator of another package, whose failures are not taken for ours."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, extrapolator: Extrapolator, who: str) -> None:
        self._extrapolator, self._who = extrapolator, who

    def blocks(self, song: Song, wanted: int | None) -> Iterator[Block]:
        """Yield its blocks; raise UnusableModel where it fails, or gives what is no sound."""
        try:
            for block in self._extrapolator.blocks(song, wanted):
                if not (np.ndim(block.samples) == 2 and np.shape(block.samples)[1] == song.channels):
                    raise ValueError(f"a block has the shape {np.shape(block.samples)}, not (n, {song.channels})")
                if not np.isfinite(block.samples).all():
                    raise ValueError("a block holds values that are infinite or not a number")
                yield block
        except (ExtrapError, MemoryError):
            raise
        except Exception as error:
            raise UnusableModel(f"{song.name}: {self._who} failed: {first_line(error)}; tell its authors") from error
