"""Entry points, by which this package and others add backends and extrapolators. None is imported here."""

from importlib.metadata import Distribution, EntryPoint, distributions

FAULTS = (Exception, SystemExit)
"""Whatever another package's code may raise, SystemExit included: it must not end the program."""


def registered(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group by name. Ours can't be replaced; among others the first package wins."""
    found: dict[str, EntryPoint] = {}
    for entry in _all(group):
        found.setdefault(entry.name, entry)
    return found


def hidden(group: str) -> list[EntryPoint]:
    """Return the entry points that another one of the same name hides."""
    counting = registered(group)
    return [entry for entry in _all(group) if counting[entry.name].value != entry.value]


def package_of(entry: EntryPoint) -> str:
    """Return the name of the package that registers an entry point."""
    try:
        return entry.dist.name or "without a name" if entry.dist else "extrapcli"
    except FAULTS:  # its metadata is missing or can't be read
        return "without a name"


def _all(group: str) -> list[EntryPoint]:
    entries = [entry for package in distributions() for entry in _entry_points(package) if entry.group == group]
    return sorted(entries, key=lambda entry: (not entry.value.startswith("extrapcli."), package_of(entry)))


def _entry_points(package: Distribution) -> list[EntryPoint]:
    try:
        return list(package.entry_points)
    except FAULTS:  # its metadata can't be read, which is for pip to report
        return []
