"""Extrapolators, by the name that a model's spec gives: ours and those that other packages register."""

from importlib.metadata import EntryPoint

from extrapcli import plugins
from extrapcli.backends.base import Backend, first_line
from extrapcli.errors import UnusableModel
from extrapcli.extrapolators.base import Extrapolator, Style
from extrapcli.spec import AudioSpec, expect

GROUP = "extrap.extrapolators"


def registered() -> dict[str, EntryPoint]:
    """Return the entry points of all extrapolators by name, none of them imported yet; ours can't be replaced."""
    return plugins.registered(GROUP)


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
    package = plugins.package_of(entry)
    try:
        extrapolator: type[Extrapolator] = entry.load()
    except plugins.FAULTS as error:
        raise UnusableModel(
            f"model {spec.name} needs the extrapolator {spec.extrapolator!r}, which does not load: "
            f"{first_line(error)}; install {package} again"
        ) from None
    try:
        if not (missing := extrapolator.needs - spec.output_shapes.keys()):
            return extrapolator(backend, style)
    except (AttributeError, TypeError) as error:
        raise UnusableModel(
            f"the extrapolator {spec.extrapolator!r} of the package {package} can't be used: {first_line(error)}; "
            "tell its authors"
        ) from None
    raise UnusableModel(
        f"model {spec.name} does not give {', '.join(sorted(missing))}, "
        f"which the extrapolator {spec.extrapolator!r} needs; export it again"
    )
