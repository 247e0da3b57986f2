"""Measure whether generated tunes end as folk songs do, and whether the model quotes songs: `tunes.py TUNES`.

The model continues the first two bars of tunes that it was not trained on, to at most as many bars as these have.
Prints what the last notes are, beside those of the tunes themselves and of tunes cut short, and how many tunes share
a run of twelve notes, by intervals and lengths, with a training tune. TUNES is a folder for `extrap train`
(`extrap train essen` makes one).
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import mean
from time import process_time

import numpy as np

from extrapcli import console
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.melody.encoding import METRES, Tune, bar_position, decode
from extrapcli.melody.generate import GeneratedTune, continue_tune
from extrapcli.melody.keys import c_or_a_minor
from extrapcli.models import find_model
from extrapcli.spec import TuneSpec, expect
from extrapcli.training.kinds.melody import EncodedTune, MelodyRecipe, read_collection
from extrapcli.training.recipe import find_recipe

SEED_BARS = 2
RUN = 12  # notes
STRONG = {"2/4": 8, "3/4": 12, "4/4": 8, "6/8": 6, "3/8": 6, "6/4": 12, "3/2": 24, "2/2": 8}
"""The distance of strong beats in steps, from the bar line on."""
BEGINNINGS = {bar_position(metre, upbeat, 0): (metre, upbeat) for metre in METRES for upbeat in range(METRES[metre])}

ENDINGS: dict[str, Callable[[Tune], bool]] = {
    "on the tonic": lambda tune: interval(tune) == 0,
    "on a note of its chord": lambda tune: interval(tune) in ((0, 3, 7) if c_or_a_minor(tune).minor else (0, 4, 7)),
    "begun on a strong beat": lambda tune: (
        (tune.steps - tune.notes[-1].steps - tune.upbeat) % STRONG[tune.metre] == 0
    ),
    "longer than the four before": lambda tune: tune.notes[-1].steps > mean(n.steps for n in tune.notes[-5:-1]),
}


def interval(tune: Tune) -> int:
    """Return the semitones from the tonic up to the last note, within an octave."""
    return (tune.pitches[-1] - c_or_a_minor(tune).tonic) % 12


def tune_of(piece: EncodedTune, vocabulary: tuple[str, ...]) -> Tune:
    metre, upbeat = BEGINNINGS.get(int(piece.beats[0]), ("", 0))
    return Tune("", decode([vocabulary[number] for number in piece.symbols[1:]]), metre, upbeat)


def cut(tune: Tune, bars: int) -> Tune:
    """Keep the upbeat and the first bars, without a note that is held over their end."""
    steps = np.cumsum([note.steps for note in tune.notes])
    return replace(tune, notes=tune.notes[: int((steps <= tune.upbeat + bars * METRES[tune.metre]).sum())])


def bars_of(tune: Tune) -> int:
    return -(-(tune.steps - tune.upbeat) // METRES[tune.metre])


def runs(tune: Tune) -> set[tuple[tuple[int | None, int], ...]]:
    """Return every run of twelve notes: for each, the length of the note before and the interval from it."""
    steps = [
        (None if one.pitch is None or other.pitch is None else other.pitch - one.pitch, one.steps)
        for one, other in pairwise(tune.notes)
    ]
    return {tuple(steps[place : place + RUN]) for place in range(len(steps) - RUN + 1)}


def generate(backend: Backend, tunes: list[Tune], temperature: float) -> list[GeneratedTune]:
    """Continue the beginning of each tune to at most its own number of bars."""
    return [
        continue_tune(backend, cut(tune, SEED_BARS), bars=bars_of(tune), temperature=temperature, random_seed=number)
        for number, tune in enumerate(tunes)
    ]


def table(rows: dict[str, list[Tune]]) -> Iterator[str]:
    yield f"| the last note is | {' | '.join(rows)} |"
    yield f"|---|{'---|' * len(rows)}"
    for name, is_so in ENDINGS.items():
        shares = [f"{np.mean([is_so(tune) for tune in tunes]):.0%}" if tunes else "" for tunes in rows.values()]
        yield f"| {name} | {' | '.join(shares)} |"
    yield f"| tunes | {' | '.join(str(len(tunes)) for tunes in rows.values())} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tunes", type=Path)
    parser.add_argument("--model", default="melody")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=1.0)
    asked = parser.parse_args()
    backend = open_model(find_model(asked.model), device="cpu", threads=1)
    vocabulary, recipe = expect(backend.spec, TuneSpec).symbols, find_recipe("melody")
    assert isinstance(recipe, MelodyRecipe)
    with console.training(quiet=False) as progress:
        collection = read_collection(asked.tunes, vocabulary, recipe.tunes.validation, progress)
    known = set().union(*(runs(tune_of(piece, vocabulary)) for piece in collection.training))
    tunes = [
        tune
        for piece in collection.validation
        if (tune := tune_of(piece, vocabulary)).metre and bars_of(tune) > 2 * SEED_BARS
    ]
    tunes = [tunes[place] for place in np.random.default_rng(0).permutation(len(tunes))[: asked.count]]
    began = process_time()
    new = generate(backend, tunes, asked.temperature)
    speed = sum(one.tune.steps for one in new) / (process_time() - began)
    rows = {
        "folk songs": tunes,
        "folk songs, cut at half their bars": [cut(tune, bars_of(tune) // 2) for tune in tunes],
        "written": [one.tune for one in new if one.ended],
        "written, cut at the limit": [one.tune for one in new if not one.ended],
    }
    print("\n".join(table(rows)))
    shares = {name: np.mean([bool(runs(tune) & known) for tune in tunes]) for name, tunes in rows.items() if tunes}
    print(
        "\nA run of twelve notes from a training tune is in",
        ", ".join(f"{share:.0%} of {name}" for name, share in shares.items()),
    )
    lengths = [one.tune.steps / tune.steps for one, tune in zip(new, tunes, strict=True)]
    print(f"\nThe median tune is {np.median(lengths):.2f} times as long as the song it was started from.")
    print(f"\n{speed:,.0f} steps per second of one core; each tune is the best of sixteen.")


if __name__ == "__main__":
    main()
