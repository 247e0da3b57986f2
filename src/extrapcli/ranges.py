"""The ranges of the numbers that users give, whether on the command line or from Python."""

import os
import re
from math import inf
from numbers import Integral, Real

from extrapcli.errors import UsageError

LEAST_MINUTES, MOST_MINUTES = 0.0001, 10_080  # a week
MOST_CROSSFADE_SECONDS = 60
MOST_SEED = 2**64 - 1
MOST_JOINS = 1_000_000
THREADS_PER_CORE = 16
MOST_LOOK_BACK = 4096
MOST_BARS, MOST_TEMPERATURE = 1000, 10
LEAST_TEMPO, MOST_TEMPO = 10, 1000
LEAST_TIMEOUT_MINUTES, MOST_TIMEOUT_MINUTES = 0.01, 100_000
MOST_RETRIES = 100
MOST_TAKES = 100
MOST_WORKERS = 10_000  # of a cluster
MOST_TIMES = 10_000
LEAST_LOOP_SECONDS = 0.5
_LETTERED = re.compile(r"(?=.*[hms])(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def check_number(name: str, value: object, least: float, most: float, unit: str = "") -> None:
    """Raise UsageError unless a value is a number from `least` to `most`, which NaN and True are not."""
    _check(name, value, least, most, unit, isinstance(value, Real), "a number")


def check_whole(name: str, value: object, least: int, most: int, unit: str = "") -> None:
    """Raise UsageError unless a value is a whole number from `least` to `most`."""
    _check(name, value, least, most, unit, isinstance(value, Integral), "a whole number")


def check_threads(threads: object, name: str = "number of threads") -> None:
    """Raise UsageError for more threads, or processes, than 16 for each core; None leaves the number open."""
    if threads is not None:
        check_whole(name, threads, 1, THREADS_PER_CORE * (os.cpu_count() or 1))


def minutes_of(text: str, *, time: bool = False) -> float:
    """Read minutes from `3`, `2.5`, `3:30`, `1:02:30`, `45s` or `1m30s`; raise UsageError for anything else.

    A length is more than 0, a `time` may be 0.
    """
    lettered = _LETTERED.fullmatch(text.strip())
    parts = [part or "0" for part in lettered.groups()] if lettered else text.split(":")
    *large, last = parts
    try:
        numbers = [int(part) for part in large] + [float(last)]
    except ValueError:
        numbers = []
    possible = 1 <= len(numbers) <= 3 and min(numbers) >= 0 and "-" not in text
    possible = possible and (lettered is not None or all(n < 60 for n in numbers[1:]))
    if not possible or not (time or sum(numbers) > 0) or sum(numbers) == inf:
        what = "time" if time else "length"
        raise UsageError(f"{text!r} is no {what}; write minutes, as 3 or 2.5, or 3:30, or seconds, as 45s")
    if len(numbers) == 1:
        return numbers[0]
    minutes = 0.0
    for n in numbers[:-1]:
        minutes = minutes * 60 + n
    return minutes + numbers[-1] / 60


def _check(name: str, value: object, least: float, most: float, unit: str, fits: bool, wanted: str) -> None:
    unit = unit and f" {unit}"
    if not fits or isinstance(value, bool):
        raise UsageError(f"the {name} of {value!r} is not {wanted}; give {least} to {most}{unit}")
    if not least <= value <= most:  # type: ignore[operator]  # a number, as the line before has it
        raise UsageError(f"the {name} of {value}{unit} is out of range; give {least} to {most}{unit}")
