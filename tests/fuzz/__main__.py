"""`python -m tests.fuzz`: run the fuzzers and print their findings. The exit status is 1 if there are any."""

import argparse
import sys
from pathlib import Path

from tests.fuzz import audio, models, tags, texts, tunes
from tests.fuzz.fuzz import Target, fuzz

TARGETS = {
    target.name: target
    for module in (audio, models, tags, texts, tunes)
    for target in vars(module).values()
    if isinstance(target, Target)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(TARGETS))
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other inputs")
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="folder for inputs with findings")
    arguments = parser.parse_args()
    found = 0
    for name in arguments.targets or TARGETS:
        report = fuzz(TARGETS[name], arguments.count, seed=arguments.seed, keep=arguments.keep, log=True)
        found += len(report.findings)
        print(
            f"{name}: {report.inputs} inputs, {report.accepted} accepted, {report.seconds:.0f} s, "
            f"{len(report.findings)} findings",
            flush=True,
        )
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
