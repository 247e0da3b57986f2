"""Measure how well beats and bars are found in rendered music, of which they are known.

Usage: beats.py RENDERED SCORES.json [--model NAME=FOLDER]... [--split test] [--families NAME,NAME]

RENDERED is the folder that training/beats/render.py made. Each model is a folder with a model of the kind `beats`:
the released one, or the mean of BeatNet's networks, which training/beats/import_beatnet.py makes.

Prints a table by family: beat and downbeat F measures at 70 ms, the share of pieces with the right metre, and of
those at half or double of the tempo; then each model's differences to the first, piece by piece. All have 95 %
intervals of a bootstrap over pieces. What is in SCORES.json is not measured again.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.analysis.beats import Beats, find_beats
from extrapcli.backends import open_model
from extrapcli.evaluation.beats import BeatScore, score_beats
from extrapcli.models import find_model

MEASURES = tuple(field.name for field in fields(BeatScore))
RESAMPLED = 2000  # times, for the intervals
Scores = dict[str, dict[str, dict[str, float]]]
"""By the name of a model and of a piece, its measures."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rendered", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--split", default="test")
    parser.add_argument("--families")
    asked = parser.parse_args()
    pieces = labelled(asked.rendered, asked.split, asked.families.split(",") if asked.families else None)
    models = dict(model.split("=", 1) for model in asked.model) or {"released": str(find_model("beats"))}
    scores: Scores = json.loads(asked.scores.read_text()) if asked.scores.exists() else {}
    for name, folder in models.items():
        network = open_model(Path(folder), device="cpu", threads=1)
        measure(pieces, partial(find_beats, network=network), scores.setdefault(name, {}))
        asked.scores.write_text(json.dumps(scores, indent=1))
    print(table({name: scores[name] for name in models}, pieces))


def labelled(folder: Path, split: str, families: list[str] | None) -> dict[Path, dict[str, Any]]:
    """Return the labels of the pieces of a split, in some families or in all, by the path of their sound."""
    read = {path.with_suffix(".flac"): json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return {
        path: of for path, of in read.items() if of["split"] == split and (not families or of["family"] in families)
    }


def measure(
    pieces: dict[Path, dict[str, Any]],
    tracker: Callable[[NDArray[np.float32]], Beats],
    scores: dict[str, dict[str, float]],
) -> None:
    """Add the scores of a tracker in all pieces that have none yet."""
    for path, of in pieces.items():
        if path.stem not in scores:
            sound, _ = soundfile.read(path, dtype="float32")
            found = tracker(sound)
            score = score_beats(
                found.times, found.downbeats, found.metre, of["beats"], of["downbeats"], int(of["metre"])
            )
            scores[path.stem] = asdict(score)


def table(scores: Scores, pieces: dict[Path, dict[str, Any]]) -> str:
    """Write a table in Markdown: each model in each family, and each model less the first one."""
    lines = ["| family | pieces | model | " + " | ".join(MEASURES) + " |", "|---" * (3 + len(MEASURES)) + "|"]
    first = next(iter(scores))
    families = sorted({str(of["family"]) for of in pieces.values()})
    for family in ["all", *families]:
        names = [path.stem for path, of in pieces.items() if family in ("all", of["family"])]
        for model, measured in scores.items():
            rows = np.array([[measured[name][each] for each in MEASURES] for name in names])
            lines.append(_line(family, model, rows))
            if model != first:
                before = np.array([[scores[first][name][each] for each in MEASURES] for name in names])
                lines.append(_line(family, f"{model} - {first}", rows - before))
    return "\n".join(lines)


def _line(family: str, model: str, rows: NDArray[np.float64]) -> str:
    """Write means and their intervals; `rows` is `(pieces, measures)`."""
    drawn = np.random.default_rng(0).integers(len(rows), size=(RESAMPLED, len(rows)))
    low, high = np.percentile(rows[drawn].mean(axis=1), (2.5, 97.5), axis=0)
    cells = (f"{m:.2f} ({a:.2f} to {b:.2f})" for m, a, b in zip(rows.mean(axis=0), low, high, strict=True))
    return f"| {family} | {len(rows)} | {model} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
