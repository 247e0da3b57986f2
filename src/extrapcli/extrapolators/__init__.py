"""Extrapolators, by the name that a model's spec gives: ours and those that other packages register."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

from extrapcli import plugins
from extrapcli.audio.song import Song
from extrapcli.backends.base import Backend, first_line
from extrapcli.errors import ExtrapError, UnusableModel
from extrapcli.extrapolators.base import Block, Extrapolator, Style
from extrapcli.spec import AudioSpec, expect

GROUP = "extrap.extrapolators"


def registered() -> dict[str, EntryPoint]:
    """Return the entry points of all extrapolators by name, none of them imported yet; ours can't be replaced."""
    return plugins.registered(GROUP)


def extrapolator_class(name: str) -> type[Extrapolator]:
    """Import a registered extrapolator; raise UnusableModel where it does not load."""
    entry = registered()[name]
    try:
        extrapolator: type[Extrapolator] = entry.load()
    except plugins.FAULTS as error:
        raise UnusableModel(
            f"the extrapolator {name!r} does not load: {first_line(error)}; install {plugins.package_of(entry)} again"
        ) from None
    return extrapolator


def extrapolator_for(backend: Backend, style: Style) -> Extrapolator:
    """Make the extrapolator that a model's spec names, and import no other.

    Raises UnusableModel where it is not installed, does not load, or needs outputs that the model does not have;
    UsageError where it does not have the style.
    """
    spec = expect(backend.spec, AudioSpec)
    if spec.extrapolator not in registered():
        raise UnusableModel(
            f"model {spec.name} needs the extrapolator {spec.extrapolator!r}, which is not installed; "
            f"there are {', '.join(sorted(registered()))}; install the package that has it, or a newer extrap"
        )
    extrapolator = extrapolator_class(spec.extrapolator)
    try:
        if not (missing := extrapolator.needs - spec.output_shapes.keys()):
            return extrapolator(backend, style)
    except ExtrapError:
        raise
    except plugins.FAULTS as error:
        package = plugins.package_of(registered()[spec.extrapolator])
        raise UnusableModel(
            f"the extrapolator {spec.extrapolator!r} of the package {package} can't be used: {first_line(error)}; "
            "tell its authors"
        ) from None
    raise UnusableModel(
        f"model {spec.name} does not give {', '.join(sorted(missing))}, "
        f"which the extrapolator {spec.extrapolator!r} needs; export it again"
    )


def blocks_of(extrapolator: Extrapolator, song: Song, wanted: int | None) -> Iterator[Block]:
    """Give the blocks that an extrapolator makes; one of another package that fails raises UnusableModel."""
    ours = type(extrapolator).__module__.startswith("extrapcli.")
    return extrapolator.blocks(song, wanted) if ours else _blocks_of_another(extrapolator, song, wanted)


def _blocks_of_another(extrapolator: Extrapolator, song: Song, wanted: int | None) -> Iterator[Block]:
    try:
        for block in extrapolator.blocks(song, wanted):
            if not isinstance(block, Block):
                raise TypeError(f"it gives {block!r}, which is no Block")
            yield block
    except ExtrapError:
        raise
    except plugins.FAULTS as error:
        name = type(extrapolator).__qualname__
        raise UnusableModel(f"the extrapolator {name} fails: {first_line(error)}; tell its authors") from None
