"""Measure how close the music after a jump is to the real continuation: `retrieval.py CORPUS [--split test]`.

Prints the distances over the next 2 and 10 seconds (see extrapcli.evaluation.retrieval) as Markdown tables.
"""

import argparse
from pathlib import Path

from extrapcli import console
from extrapcli.backends import open_model
from extrapcli.evaluation.retrieval import retrieval
from extrapcli.models import find_model
from extrapcli.training.corpus import Corpus
from extrapcli.training.recipe import find_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--model", default="recall")
    parser.add_argument("--cuts", type=int, default=8, help="of each song")
    asked = parser.parse_args()
    backend = open_model(find_model(asked.model), device="cpu")
    with console.training(quiet=False) as progress:
        (shards,) = find_recipe("recall").songs(Corpus.open(asked.corpus), (asked.split,), progress=progress)
    for title, table in zip(
        ("to any position of the song", "to positions before the cut"),
        retrieval(backend, [shard.read() for shard in shards], cuts=asked.cuts),
        strict=True,
    ):
        print(f"| jumps {title} | next 2 s | next 10 s |\n|---|---|---|")
        for choice, (soon, late) in table.means().items():
            print(f"| {choice} | {soon:.3f} | {late:.3f} |")
        count = len(next(iter(table.rows.values())))
        share = table.share_of_oracle("network")
        print(f"\n{count} cuts; the network gets {share:.0%} of the way from the plain match to the oracle\n")


if __name__ == "__main__":
    main()
