"""Measures of how well a track continues its song, and the report on them.

`track` evaluates one track: `reference` measures it against its song, `controls` makes and measures the controls, and
`measures` says how each measure is presented and how the controls must rank. `next_bar`, `prediction`, `sets` and
`discriminator` measure models, over many songs, and `bootstrap` says how sure that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import inf
from numbers import Real
from typing import TYPE_CHECKING

from extrapcli.errors import MissingDependency, UsageError
from extrapcli.ranges import check_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from extrapcli.continuation import Join
    from extrapcli.evaluation.results import Evaluation

PACKAGES = ("scipy", "librosa", "matplotlib", "mir_eval")


def check_installed() -> None:
    """Raise MissingDependency where the extra `report` is not installed."""
    if missing := [package for package in PACKAGES if not find_spec(package)]:
        raise MissingDependency(f'measuring a track needs {", ".join(missing)}: pip install "extrapcli[report]"')


def evaluate(
    samples: NDArray[np.floating],
    sample_rate: int,
    *,
    head: int,
    joins: Sequence[Join] | None = None,
    truth: NDArray[np.floating] | None = None,
    device: str = "cpu",
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Measure how well a track continues its song, beside controls made from the same song.

    Needs `pip install "extrapcli[report]"`. The first call may take half a minute, in which librosa compiles.

    Args:
        samples: the track, `(n,)` or `(n, channels)`, float, full scale -1 to 1.
        sample_rate: in Hz.
        head: how many samples at its start are the song.
        joins: those of the track, in order; None for a single one at the end of the head.
        truth: the whole that the song was cut from, in the same form as `samples`, if there is one.
        device: `cpu`, `cuda` or `auto`, for the network that tags music.
        threads: the threads that network may use; None leaves it to the backend.
        progress: is called with a few words on each step as it begins.

    Raises:
        UsageError: for a head, joins or a truth that don't fit, a song or continuation of less than a second, and
            arrays of another type or shape.
        UnreadableAudio: for samples that are silent or not finite.
        MissingDependency: where the extra `report` is not installed.

    Examples:
        >>> import numpy as np
        >>> import extrapcli
        >>> rate = 22050
        >>> song = np.random.default_rng(0).normal(0, 0.1, 4 * rate)
        >>> report = extrapcli.evaluate(np.tile(song, 3), rate, head=len(song))
        >>> report.measures["loop_share"].value > 90  # percent
        True
    """
    check_installed()
    from dataclasses import replace

    from extrapcli.audio.decode import song_from_samples
    from extrapcli.continuation import Join
    from extrapcli.evaluation.track import evaluate_track

    track = song_from_samples(samples, sample_rate, "the track")
    check_whole("head", head, 1, len(track.samples) - 1, "samples")
    if joins is not None:
        _check_joins(joins)
    return evaluate_track(
        track,
        replace(track, name="the song", samples=track.samples[:head]),
        joins=[Join(head / sample_rate, 0.0)] if joins is None else joins,
        truth=None if truth is None else song_from_samples(truth, sample_rate, "the truth"),
        device=device,
        threads=threads,
        progress=progress,
    )


def _check_joins(joins: Sequence[Join]) -> None:
    from extrapcli.continuation import Join

    if not joins:
        raise UsageError("a track has one join at least; give None for a single one at the end of its song")
    for join in joins:
        times = (join.seconds, join.fade_seconds) if isinstance(join, Join) else ("",)
        if not all(isinstance(time, Real) and 0 <= time < inf for time in times):
            raise UsageError(f"{join!r} is no join of a track; give each as a Join, at 0 seconds or later")
