"""The page that `benchmark.py` writes, from what it measured."""

import json
import platform
import textwrap
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from extrapcli.evaluation.evaluation import CONTROLS, Measure
from extrapcli.evaluation.measures import MEASURES
from extrapcli.evaluation.rank import Ranks
from extrapcli.evaluation.sets import SetDistance, between, fad, kad

Results = dict[str, dict[str, dict[str, Any]]]
"""What was measured, by way and song."""

Values = dict[str, dict[str, list[float]]]
"""The values of each measure, by its name and by way."""

TRUE = CONTROLS[0]
PACKAGES = ("extrapcli", "numpy", "scipy", "onnxruntime", "av", "soundfile")


def document(
    run: Path, ways: list[str], songs: list[str], ranks: dict[str, Ranks], split: str, models: list[str]
) -> str:
    results: Results = {
        way: {song: json.loads((run / "measured" / way / song / "result.json").read_text()) for song in songs}
        for way in ways
    }
    common = [song for song in songs if all("values" in by_song[song] for by_song in results.values())]
    values = {
        measure.name: {way: _values(measure, [by_song[song] for song in common]) for way, by_song in results.items()}
        for measure in MEASURES
    }
    parts = [
        "# Benchmark",
        f"Clips of 27.3 s from {len(songs)} songs of the {split} split of the [corpus](../training/README.md), on "
        "which nothing was trained or chosen, each grown to 80 s by every model, by PyMusicLooper, and by four "
        "controls: what really followed in the song, the clip looped with hard splices, silence, and white noise of "
        "the clip's level. `make benchmark` makes this page, and goes on where it was stopped. What each measure is: "
        "[measures.py](../src/extrapcli/evaluation/measures.py); `extrap evaluate` takes them of any track.",
        "## Quality",
        f"Means over the {len(common)} songs that all ways continued; where a measure has no value on some, the "
        "number of songs it has one on stands beside it. Where good is near a number, the mean distance from "
        "that number is "
        "given. No single row says which is best: silence has a small squared error, and a loop keeps "
        "every timbre. A continuation is good where it is near the true one in all of them.",
        _quality(values, ways, models, len(common)),
        _orders(values),
        "`recall` chooses where to jump so that little comes back within 70 s, attacks and steps of level at its "
        "joins are small, and it stays as loud as the song; PyMusicLooper, so that its loop is seamless. Such rows "
        "say that they do what they were made to; the others are nobody's aim.",
        "## As a set",
        "Distances between the embeddings, by the tagger musicnn, of all continuations and of what really followed, "
        "with 95 % intervals over songs; 0 is the same distribution. No figure from another network stands beside "
        "these. Of the true continuation the first half of each is measured against the second halves, which are "
        "fewer: its FAD is the more biased for that.",
        _sets(run, ways, songs, results),
        "## True continuation",
        _ranked(ranks),
        "## Cost",
        "From the start of the process to a finished WAV file, one at a time. PyMusicLooper had compiled itself.",
        _costs(results, [*models, "PyMusicLooper"]),
        _machine(),
    ]
    return "\n\n".join(wrapped(part) for part in parts) + "\n"


def wrapped(text: str) -> str:
    """Paragraphs in lines of 118 characters; headings and tables as they are."""
    return "\n\n".join(part if part[0] in "#|" else textwrap.fill(part, 118) for part in text.split("\n\n"))


def _values(measure: Measure, measured: list[dict[str, Any]]) -> list[float]:
    """What a measure has of the songs, as distances from the ideal where good is near a number."""
    values = [one["values"][measure.name] for one in measured]
    there = [value for value in values if value is not None]
    return [measure.badness(value) for value in there] if measure.better == "middle" else there


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def _quality(values: Values, ways: list[str], models: list[str], songs: int) -> str:
    rows = []
    for measure in MEASURES:
        best = "high" if measure.better == "high" else "low"
        title = f"{measure.title}, off {measure.ideal:g}" if measure.better == "middle" else measure.title
        unit = f", {measure.unit}" if measure.unit else ""
        told = []
        for way in ways:
            there = values[measure.name][way]
            count = f" ({len(there)})" if 0 < len(there) < songs else ""
            told.append(f"{np.mean(there):.{measure.decimals}f}{count}" if there else "none")
        rows.append([f"{title}{unit}", best, *told])
    return _table(["", "good is", *(f"`{way}`" if way in models else way for way in ways)], rows)


def _orders(values: Values) -> str:
    wrong = []
    for measure in MEASURES:
        as_shown = replace(measure, better="low") if measure.better == "middle" else measure
        means = {name: _mean(values[measure.name][name]) for name in CONTROLS}
        wrong += [f"{measure.title} ({better} against {worse})" for better, worse in as_shown.out_of_order(means)]
    if not wrong:
        return "All measures order the controls as they must."
    return f"Measures that do not order the controls as they must here: {'; '.join(wrong)}."


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _sets(run: Path, ways: list[str], songs: list[str], results: Results) -> str:
    rows, warned = [], []
    for way in ways:
        there = [song for song in songs if "values" in results[way][song]]
        if len(there) < 2:
            rows.append([way, "none", "none", str(len(there)), "0"])
            continue
        made = [np.load(run / "measured" / way / song / "embeddings.npy") for song in there]
        true = [np.load(run / "measured" / TRUE / song / "embeddings.npy") for song in there]
        if way == TRUE:
            made, true = [one[: len(one) // 2] for one in made], [one[len(one) // 2 :] for one in true]
        near, far = between(made, true, kad), between(made, true, fad)
        rows.append([way, _interval(near, 2), _interval(far, 2), str(len(there)), str(near.embeddings)])
        warned += [warning for warning in (*near.warnings, *far.warnings) if warning not in warned]
    notes = "".join(f"\n\nBeware: {warning}." for warning in warned)
    return _table(["", "KAD", "FAD", "songs", "embeddings"], rows) + notes


def _interval(distance: SetDistance, decimals: int) -> str:
    return f"{distance.value:.{decimals}f} ({distance.low:.{decimals}f} to {distance.high:.{decimals}f})"


def _ranked(ranks: dict[str, Ranks]) -> str:
    some = next(iter(ranks.values()))
    rows = []
    for name, found in ranks.items():
        low, high = found.interval
        rows.append([name, f"{found.first:.0%} ({low:.0%} to {high:.0%})", f"{found.mean_reciprocal:.2f}"])
    chance = np.mean([1 / place for place in range(1, some.among + 1)])
    rows.append(["chance", f"{1 / some.among:.0%}", f"{chance:.2f}"])
    return (
        f"Whole songs of the split, cut at {len(some.places)} places: the ten seconds that really followed and "
        f"{some.among - 1} other stretches of the same song are given without what comes before them. How often a "
        "model's scores put the real one first, with a 95 % interval as if cuts were independent, and the mean of "
        "1 / place. A model that points scores the first moment of each; one that predicts samples, by how near its "
        "prediction is to each in log-mel decibels.\n\n" + _table(["", "first", "1 / place"], rows)
    )


def _costs(results: Results, ways: list[str]) -> str:
    rows = []
    for way in ways:
        made = [one for one in results[way].values() if "values" in one]
        failures = [one["failed"] for one in results[way].values() if "failed" in one]
        seconds, megabytes = ([one[key] for one in made] for key in ("seconds", "megabytes"))
        rows.append([
            way, f"{np.median(seconds):.1f} s", f"{max(seconds):.1f} s", f"{max(megabytes):.0f} MB",
            f"{len(failures)} of {len(results[way])}" + (f" ({failures[0]})" if failures else ""),
        ])  # fmt: skip
    return _table(["", "median time", "longest", "most memory", "failures"], rows)


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = f"{len(names)} cores of {names[0]}" if names else processor
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{processor}, {platform.system()}, Python {platform.python_version()}; {packages}; PyMusicLooper 3.6.0."
