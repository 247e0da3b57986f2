"""Numbers and lists in sentences."""

from collections.abc import Iterable


def count(number: int, what: str) -> str:
    """Write a number of things: `1 bar`, `3 bars`."""
    return f"{number} {what}{'s' * (number != 1)}"


def listed(names: Iterable[str], *, most: int) -> str:
    """Write the first of some names, `most` of them, and how many more there are: `a, b and 3 more`."""
    *all_but_last, last = names
    if len(all_but_last) >= most:
        all_but_last, last = all_but_last[:most], f"{len(all_but_last) + 1 - most} more"
    return f"{', '.join(all_but_last)} and {last}" if all_but_last else last
