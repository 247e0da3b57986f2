"""The figures of sets of tracks: how far they are from what really followed, and how easily they are told from it."""

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from extrapcli.evaluation.bootstrap import interval
from extrapcli.evaluation.discriminator import WindowScores, told_apart
from extrapcli.evaluation.measures import TRUE
from extrapcli.evaluation.sets import SetDistance, fad, kad, set_difference, set_distance

Arrays = Mapping[str, NDArray[np.floating]]
"""What is known of a track: `embeddings`, and scores: `made_at_join`, `made_later`, `true_at_join`, `true_later`."""

Tracks = Mapping[str, Mapping[str, Arrays]]
"""By method and song; songs that a method failed on are left out."""

COLUMNS = ["", "KAD", "FAD", "AUC at the first join", "AUC at the worst place", "AUC anywhere", "songs"]
LEAST_SONGS = 2


def set_rows(tracks: Tracks, one: str, other: str) -> tuple[list[list[str]], list[str]]:
    """Return the rows of a table, the last of which has the differences of two methods, and notes on them."""
    rows: list[list[str]] = []
    notes: dict[str, None] = {}
    for method, made in tracks.items():
        if len(made) < LEAST_SONGS:
            rows.append([method, *["none"] * (len(COLUMNS) - 2), str(len(made))])
            continue
        ours, true = _embeddings(made.values()), _embeddings(tracks[TRUE][song] for song in made)
        if method == TRUE:
            ours, true = [one[: len(one) // 2] for one in ours], [one[len(one) // 2 :] for one in ours]
        near, far = (set_distance(ours, true, distance) for distance in (kad, fad))
        notes |= dict.fromkeys((*near.warnings, *far.warnings))
        told = told_apart(_scores(made.values(), "made"), _scores(made.values(), "true")).values()
        rows.append([method, _distance(near), _distance(far), *(f"{auc:.2f}" for auc in told), str(len(made))])
    return [*rows, _difference(tracks, one, other)], list(notes)


def _difference(tracks: Tracks, one: str, other: str) -> list[str]:
    """Return how much higher the figures of a method are than those of another, on the songs that both continued."""
    title = f"{one} less {other}"
    songs = [song for song in tracks[one] if song in tracks[other]]
    if len(songs) < LEAST_SONGS:
        return [title, *["none"] * (len(COLUMNS) - 2), str(len(songs))]
    ours, theirs = ([tracks[method][song] for song in songs] for method in (one, other))
    true = _embeddings(tracks[TRUE][song] for song in songs)
    far = [set_difference(_embeddings(ours), _embeddings(theirs), true, distance) for distance in (kad, fad)]
    scored = [[_scores(of, name) for name in ("made", "true")] for of in (ours, theirs)]

    def difference(place: str, drawn: NDArray[np.int_]) -> float:
        told = [told_apart(*([of[k] for k in drawn] for of in pair))[place] for pair in scored]
        return told[0] - told[1]

    everything = np.arange(len(songs))
    cells = []
    for place in told_apart(*scored[0]):
        low, high = interval(partial(difference, place), len(songs))
        cells.append(f"{difference(place, everything):+.2f} ({low:+.2f} to {high:+.2f})")
    return [title, *(_distance(one, sign="+") for one in far), *cells, str(len(songs))]


def _embeddings(tracks: Iterable[Arrays]) -> list[NDArray[np.floating]]:
    return [one["embeddings"] for one in tracks]


def _scores(tracks: Iterable[Arrays], of: str) -> list[WindowScores]:
    return [WindowScores(float(one[f"{of}_at_join"]), one[f"{of}_later"]) for one in tracks]


def _distance(found: SetDistance, sign: str = "") -> str:
    return f"{found.value:{sign}.2f} ({found.low:{sign}.2f} to {found.high:{sign}.2f})"
