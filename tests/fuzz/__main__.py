"""`python -m tests.fuzz`: gives every target its inputs, says what was found, and fails where something was."""

import argparse
import sys
from pathlib import Path

from tests.fuzz import audio, models, texts, tunes
from tests.fuzz.fuzz import Target, fuzz

TARGETS = {
    target.name: target
    for module in (audio, models, texts, tunes)
    for target in vars(module).values()
    if isinstance(target, Target)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(TARGETS))
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each")
    parser.add_argument("--seed", type=int, default=0, help="other inputs for another number")
    parser.add_argument("--keep", type=Path, default=Path("runs/fuzz"), help="where inputs with findings go")
    asked = parser.parse_args()
    found = 0
    for name in asked.targets or TARGETS:
        report = fuzz(TARGETS[name], asked.count, seed=asked.seed, keep=asked.keep, log=True)
        found += len(report.findings)
        print(
            f"{name}: {report.inputs} inputs, {report.read} read, {report.seconds:.0f} s, "
            f"{len(report.findings)} findings",
            flush=True,
        )
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
