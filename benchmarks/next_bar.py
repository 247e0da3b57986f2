"""Measure how well scores of jumps tell which bar of a song comes next: `next_bar.py CORPUS [--split test]`.

Prints the bits for the true next bar (see extrapcli.evaluation.next_bar) as Markdown tables, with the 95 % intervals
of the differences from the plain match. The weights of the scores are fitted on songs of the training split.
"""

import argparse
from pathlib import Path

from extrapcli import console
from extrapcli.backends import open_model
from extrapcli.evaluation.next_bar import bars_of_songs, encoder_scorer, next_bar
from extrapcli.models import find_model
from extrapcli.training.corpus import Corpus
from extrapcli.training.kinds.recall import RecallRecipe
from extrapcli.training.recipe import find_recipe

FITTED = 30  # songs that the weights are fitted on, at most


def tables(corpus: Path, split: str, *, model: str = "recall", fitted: int = FITTED, most: int | None = None) -> str:
    """Measure the scores of a model on a split, or on its first `most` songs; return Markdown."""
    recipe = find_recipe("recall")
    assert isinstance(recipe, RecallRecipe)
    scorer = encoder_scorer(open_model(find_model(model), device="cpu"))
    with console.training(quiet=False) as progress:
        train, measured = recipe.songs(Corpus.open(corpus), ("train",), (split,), progress=progress)
    fitted_on, measured_on = (
        list(bars_of_songs((shard.read() for shard in shards), scorer))
        for shards in (train[:: -(-len(train) // fitted)], measured[:most])
    )
    parts = []
    for earlier, title in ((False, "of all bars"), (True, "of those before the cut")):
        found = next_bar(fitted_on, measured_on, earlier=earlier)
        rows = [f"| bits for the true next bar, {title} | | against the plain match | weights |", "|---|---|---|---|"]
        for way in found.bits:
            value, low, high = found.difference(way)
            weights = ", ".join(f"{name} {weight:.2f}" for name, weight in found.weights[way].items())
            rows.append(f"| {way} | {found.mean(way):.2f} | {value:+.2f} ({low:+.2f} to {high:+.2f}) | {weights} |")
        counts = f"{found.cuts} cuts, {len(measured_on)} songs; weights fitted on {len(fitted_on)} songs."
        parts += ["\n".join(rows), counts]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--model", default="recall")
    parser.add_argument("--fitted", type=int, default=FITTED, help="songs that the weights are fitted on, at most")
    asked = parser.parse_args()
    print(tables(asked.corpus, asked.split, model=asked.model, fitted=asked.fitted))


if __name__ == "__main__":
    main()
