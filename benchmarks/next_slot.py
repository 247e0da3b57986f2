"""How well `compose` foresees the next slots of songs: `next_slot.py CORPUS [--model compose]`.

Two clips of each validation song; the network, the plain match that it starts from, the nearest match, and others.
Prints Markdown tables: bits and decibels of the next slot, and decibels after 4, 8 and 16 slots of running free, each
with how the network differs from it, and the 95 % interval of that, from songs drawn again and again.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli import console
from extrapcli.backends import open_model
from extrapcli.evaluation.bootstrap import mean_interval
from extrapcli.evaluation.next_slot import WAYS, Clip, by_network, foreseen, run_free
from extrapcli.models import find_model
from extrapcli.training.corpus import Corpus
from extrapcli.training.kinds.compose import FREE_AFTER, FREE_SLOTS, ComposeRecipe
from extrapcli.training.recipe import find_recipe

SHARES = 1 / 3, 2 / 3  # of a song where its clips begin


def table(title: str, columns: dict[str, dict[str, NDArray[np.float64]]]) -> None:
    """Print figures of songs, by column and way, and how the network's differ from them."""
    print(f"\n| {title} | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for way in next(iter(columns.values())):
        cells = []
        for found in columns.values():
            apart = found["network"] - found[way]
            low, high = mean_interval(apart)
            told = "" if way == "network" else f" ({apart.mean():+.2f}, {low:+.2f} to {high:+.2f})"
            cells.append(f"{found[way].mean():.2f}{told}")
        print(f"| {way} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--model", default="compose")
    asked = parser.parse_args()
    recipe = find_recipe("compose")
    assert isinstance(recipe, ComposeRecipe)
    with console.training(quiet=True) as progress:
        (songs,) = recipe.songs(Corpus.open(asked.corpus), recipe.data.validation, progress=progress)
    data = recipe.data_set(songs, batch_size=1, random=False)
    backend, head = open_model(find_model(asked.model), device="cpu"), recipe.plans.head[1]
    ways = {"network": by_network(backend), **WAYS}
    found: dict[str, dict[str, list[float]]] = {}

    def note(column: str, way: str, values: list[float]) -> None:
        found.setdefault(column, {}).setdefault(way, []).append(float(np.mean(values)))

    for song in songs:
        clips = [Clip.of(song.read(*data.span(song, share, head)), head) for share in SHARES]
        next_slots = [foreseen(clip, ways) for clip in clips]
        for way in ways:
            note("bits", way, [of[way].bits for of in next_slots])
            note("decibels", way, [of[way].decibels for of in next_slots])
        free = [run_free(clip, head + FREE_AFTER, backend, FREE_SLOTS[-1]) for clip in clips]
        for way in free[0]:
            for slots in FREE_SLOTS:
                note(f"after {slots} slots", way, [of[way][slots - 1] for of in free])
    figures = {column: {way: np.array(values) for way, values in of.items()} for column, of in found.items()}
    print(f"{len(songs)} songs")
    table("the next slot", {name: figures[name] for name in ("bits", "decibels")})
    table("running free, decibels", {name: of for name, of in figures.items() if name.startswith("after")})


if __name__ == "__main__":
    main()
