"""How near is what follows a jump to what really followed? `retrieval.py CORPUS [--split test]`.

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
        ("to any place of the song", "to places before the cut"),
        retrieval(backend, [shard.read() for shard in shards], cuts=asked.cuts),
        strict=True,
    ):
        print(f"| jumps {title} | next 2 s | next 10 s |\n|---|---|---|")
        for way, (soon, late) in table.means().items():
            print(f"| {way} | {soon:.3f} | {late:.3f} |")
        count = len(next(iter(table.rows.values())))
        print(f"\n{count} cuts; the network goes {table.way_to_oracle('network'):.0%} of the way to the oracle\n")


if __name__ == "__main__":
    main()
