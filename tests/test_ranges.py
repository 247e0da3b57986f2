"""Every number that a user gives has a range: what is outside is refused with its name and the range, before work."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import extrapcli
from extrapcli.batch import Batch
from extrapcli.continuation import Length
from extrapcli.errors import UsageError
from extrapcli.melody.pipeline import MelodyOptions
from extrapcli.pipeline import Options
from extrapcli.ranges import minutes_of
from extrapcli.wishes import length, style
from tests.conftest import SONG, Extrap, chord

TOO_MANY = 16 * (os.cpu_count() or 1) + 1
SOUND = chord(4, 8000, 1)[:, 0]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("continue", SONG, "--threads", "100000"), "number of threads of 100000 is out of range; give 1 to "),
        (("predict", SONG, "--threads", "100000"), "number of threads"),
        (("evaluate", SONG, "--song", SONG, "--threads", "100000"), "number of threads"),
        (("melody", "--seed", "60", "--threads", "100000"), "number of threads"),
        (("batch", SONG.parent, "out", "--jobs", "100000"), "number of workers of 100000 is out of range"),
        (("batch", SONG.parent, "out", "--timeout", "nan"), "timeout of nan minutes is out of range"),
        (("batch", SONG.parent, "out", "--retry", "1000000"), "number of retries"),
        (
            ("continue", SONG, "--minutes", "1000000"),
            "length of 1000000.0 minutes is out of range; give 0.0001 to 10080",
        ),
        (("continue", SONG, "--add", "1e-300"), "length"),
        (("continue", SONG, "--crossfade", "nan"), "crossfade of nan s is out of range; give 0 to 60 s"),
        (("continue", SONG, "--variety", "nan"), "variety of nan is out of range; give 0 to 1"),
        (("continue", SONG, "--seed", "9" * 30), "seed of 999999999999999999999999999999 is out of range"),
        (("predict", SONG, "--look-back", "1000000"), "look-back of 1000000 samples is out of range; give 1 to 4096"),
        (("melody", "--seed", "60", "--temperature", "nan"), "temperature of nan is out of range; give 0 to 10"),
        (("melody", "--seed", "60", "--tempo", "inf"), "tempo"),
        (("melody", "--seed", "60", "--bars", "1000000"), "number of bars"),
        (("melody", "--seed", "60", "--random-seed", "9" * 30), "random seed"),
    ],
    ids=lambda value: "-".join(map(str, value[-2:])) if isinstance(value, tuple) else "",
)
def test_an_option_out_of_range_is_refused(
    command: tuple[str | Path, ...], told: str, extrap: Extrap, tmp_path: Path
) -> None:
    ran = extrap(*command, status=2)
    assert told in ran.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "asked",
    [
        lambda: extrapcli.load(threads=TOO_MANY),
        lambda: extrapcli.load(threads=0),
        lambda: extrapcli.load(threads=True),
        lambda: extrapcli.load(threads=1.5),  # type: ignore[arg-type]
        lambda: length(math.inf, None),
        lambda: length(None, -1),
        lambda: length("3", None),  # type: ignore[arg-type]
        lambda: length(True, None),
        lambda: Length(10**7),
        lambda: style("auto", True, None, 0),
        lambda: style("auto", 0.3, math.nan, 0),
        lambda: style("auto", 0.3, None, 1.0),  # type: ignore[arg-type]
        lambda: style("auto", 0.3, None, 2**64),
        lambda: style("auto", 0.3, None, -1),
        lambda: MelodyOptions(bars=0),
        lambda: MelodyOptions(temperature=math.nan),
        lambda: MelodyOptions(tempo=1e9),
        lambda: Batch(SONG.parent, "out", Options(), workers=0),
        lambda: Batch(SONG.parent, "out", Options(), timeout_minutes=math.nan),
        lambda: Batch(SONG.parent, "out", Options(), retry=-1),
        lambda: evaluate(head=True),
        lambda: evaluate(head=1.5),
        lambda: evaluate(threads=10**6),
        lambda: evaluate(joins=[]),
        lambda: evaluate(joins=[(2.0, 0.1)]),
        lambda: evaluate(joins=[extrapcli.Join(-1, 0)]),
        lambda: evaluate(joins=[extrapcli.Join(2, math.nan)]),
        lambda: evaluate(joins=[extrapcli.Join("2", 0)]),  # type: ignore[arg-type]
    ],
)
def test_an_argument_out_of_range_is_refused(asked: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match=r"out of range|is not a|no join|one join"):
        asked()


def evaluate(**options: Any) -> object:
    return extrapcli.evaluate(SOUND, 8000, **{"head": 16000} | options)


def test_numbers_of_numpy_are_numbers() -> None:
    assert length(np.float32(3), None) == Length(3)  # type: ignore[arg-type]
    assert style("auto", np.float64(0.5), None, np.int64(3)).seed == 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("3", 3),
        ("2.5", 2.5),
        ("3:30", 3.5),
        ("1:02:30", 62.5),
        ("45s", 0.75),
        ("1m30s", 1.5),
        ("1m30", 1.5),
        ("3m", 3),
        ("1h", 60),
    ],
)
def test_lengths_are_read(text: str, minutes: float) -> None:
    assert minutes_of(text) == pytest.approx(minutes)


@pytest.mark.parametrize(
    "text", ["", "s", "m", "h", "0s", "-1", "1:60", "1.5m", "m30", "1s30m", "30 s", "nan", "inf", "1:2:3:4"]
)
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no length; write minutes, as 3 or 2"):
        minutes_of(text)


def test_a_time_may_be_nought() -> None:
    assert minutes_of("0:00", time=True) == minutes_of("0s", time=True) == 0
