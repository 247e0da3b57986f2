"""Extrapolators, by the name that a model's spec gives: ours and those that other packages register."""

from collections.abc import Iterator
from functools import partial
from importlib.metadata import EntryPoint

import numpy as np

from extrapcli import plugins
from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend, first_line
from extrapcli.errors import ExtrapError, UnusableModel, UsageError
from extrapcli.extrapolators.base import Block, Extrapolator, FindsLoops, Style
from extrapcli.spec import AudioSpec, expect

GROUP = "extrap.extrapolators"


def registered() -> dict[str, EntryPoint]:
    """Return the entry points of all extrapolators by name, none of them imported yet; ours can't be replaced."""
    return plugins.registered(GROUP)


def extrapolator_class(entry: EntryPoint) -> type[Extrapolator]:
    """Import a registered extrapolator; raise UnusableModel where it does not load."""
    try:
        extrapolator: type[Extrapolator] = entry.load()
    except plugins.FAULTS as error:
        raise UnusableModel(
            f"the extrapolator {entry.name!r} does not load: {first_line(error)}; "
            f"install {plugins.package_of(entry)} again"
        ) from None
    return extrapolator


def extrapolator_for(backend: Backend, style: Style) -> Extrapolator:
    """Make the extrapolator that a model's spec names, and import no other.

    Raises UnusableModel where it is not installed, does not load, or needs outputs that the model does not have;
    UsageError where it does not have the style.
    """
    spec = expect(backend.spec, AudioSpec)
    known = registered()
    entry = known.get(spec.extrapolator)
    if entry is None:
        raise UnusableModel(
            f"model {spec.name} needs the extrapolator {spec.extrapolator!r}, which is not installed; "
            f"there are {', '.join(sorted(known))}; install the package that has it, or a newer extrap"
        )
    extrapolator = extrapolator_class(entry)
    who, instead = ("new bars", "leave out one or the other") if style.new else (spec.name, "use recall")
    if style.arc and not extrapolator.steers:
        raise UsageError(f"{who} can't be steered to a mood; {instead}")
    if style.ending == "loop" and not issubclass(extrapolator, FindsLoops):
        raise UsageError(f"{who} can't make a track whose end leads back; {instead}")
    if style.fit and not extrapolator.fits:
        raise UsageError(f"{who} can't fit a song to a length; {instead}")
    if style.another and not getattr(extrapolator, "branches", False):
        raise UsageError(f"{who} can't go another way from a join; {instead}")
    if style.new and not getattr(extrapolator, "composes", False):
        raise UsageError(f"{spec.name} writes no new bars; use compose")
    try:
        if not (missing := extrapolator.needs - spec.output_shapes.keys()):
            return extrapolator(backend, style)
    except (ExtrapError, MemoryError):
        raise
    except plugins.FAULTS as error:
        raise UnusableModel(
            f"the extrapolator {entry.name!r} of the package {plugins.package_of(entry)} can't be used: "
            f"{first_line(error)}; tell its authors"
        ) from None
    raise UnusableModel(
        f"model {spec.name} does not give {', '.join(sorted(missing))}, "
        f"which the extrapolator {spec.extrapolator!r} needs; export it again"
    )


def blocks_of(extrapolator: Extrapolator, song: Song, analysis: Analysis, wanted: int | None) -> Iterator[Block]:
    """Give the blocks that an extrapolator makes; one of another package that fails raises UnusableModel."""
    ours = type(extrapolator).__module__.startswith("extrapcli.")
    blocks = extrapolator.blocks if ours else partial(_blocks_of_another, extrapolator)
    return blocks(song, analysis, wanted)


def _blocks_of_another(
    extrapolator: Extrapolator, song: Song, analysis: Analysis, wanted: int | None
) -> Iterator[Block]:
    try:
        for block in extrapolator.blocks(song, analysis, wanted):
            if not isinstance(block, Block):
                raise TypeError(f"it gives {block!r}, which is no Block")
            if np.ndim(block.samples) != 2 or np.shape(block.samples)[1] != song.channels:
                raise ValueError(f"it gives samples {np.shape(block.samples)}, not (n, {song.channels})")
            if not np.isfinite(block.samples).all():
                raise ValueError("it gives values that are infinite or not a number")
            yield block
    except (ExtrapError, MemoryError):
        raise
    except plugins.FAULTS as error:
        name = type(extrapolator).__qualname__
        raise UnusableModel(
            f"{song.name}: the extrapolator {name} fails: {first_line(error)}; tell its authors"
        ) from error
