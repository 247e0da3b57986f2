"""The page that `benchmark.py` writes about its measurements."""

import json
import platform
import textwrap
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from extrapcli.evaluation.measures import CONTROLS, MEASURES, TRUE, Measure
from extrapcli.evaluation.rank import Ranks
from extrapcli.evaluation.sets import SetDistance, fad, kad, set_distance

Results = dict[str, dict[str, dict[str, Any]]]
"""The result files, by method and song."""

Values = dict[str, dict[str, list[float]]]
"""The values of each measure on all songs, by its name and by method."""

PACKAGES = ("extrapcli", "numpy", "scipy", "librosa", "onnxruntime", "av", "soundfile")


PAGE = """
# Benchmark

Clips of 27.3 s from {songs} songs of the {split} split of the [corpus](../training/README.md), which no model was
trained or chosen on. Each was continued to 80 s by every model, by PyMusicLooper, and by four controls: the true
continuation, the clip looped with hard splices, silence, and white noise at the level of the clip. `make benchmark`
writes this page, and resumes where it was stopped. [measures.md](measures.md) explains the measures;
`extrap evaluate` takes them of any track.

## Quality

Means over the {common} songs that every method continued. A number in brackets counts the songs where a measure has a
value, if not all. "Off" marks measures that are best near a number: the table has the mean distance from it. No row
says by itself which method is best: silence has a small squared error, and a loop keeps every timbre. A good
continuation is close to the true one in all rows.

{quality}

{orders}

`recall` chooses its jumps so that little repeats within 70 s, spectral flux and level steps at its joins are small,
and the loudness stays that of the song; PyMusicLooper chooses its loop to be seamless. The rows on these show that
each does what it was designed for. No method was designed for the others.

## As a set

Distances between the musicnn embeddings of all continuations and those of the true ones, with 95 % intervals over
songs; 0 is the same distribution. Figures from other networks can't be compared with these. For the true
continuation, the first half of each is compared with the second halves; these are fewer embeddings, so its FAD is
more biased.

{sets}

## Recognising the true continuation

Whole songs of the split, cut at {cuts} positions. At each, the ten seconds that really followed and {others} other
clips of the same song are given without what comes before them. The table shows how often a model's scores rank the
true one first, with a 95 % interval as if cuts were independent, and the mean reciprocal rank. `recall` scores the
first moment of each clip; a model that predicts samples is scored by how close its prediction is to each clip, in
log-mel decibels.

{ranked}

## Cost

From the start of the process to a finished WAV file, one at a time. PyMusicLooper had been warmed up.

{costs}

{machine}
"""


def document(
    run: Path, methods: list[str], songs: list[str], ranks: dict[str, Ranks], split: str, models: list[str]
) -> str:
    """Write the page from the results in a run folder."""
    results: Results = {
        method: {song: json.loads((run / "measured" / method / song / "result.json").read_text()) for song in songs}
        for method in methods
    }
    common = [song for song in songs if all("values" in by_song[song] for by_song in results.values())]
    values = {
        measure.name: {
            method: _values(measure, [by_song[song] for song in common]) for method, by_song in results.items()
        }
        for measure in MEASURES
    }
    some = next(iter(ranks.values()))
    text = PAGE.format(
        songs=len(songs),
        split=split,
        common=len(common),
        quality=_quality(values, methods, models, len(common)),
        orders=_orders(values),
        sets=_sets(run, methods, songs, results),
        cuts=len(some.ranks),
        others=some.candidates - 1,
        ranked=_ranked(ranks),
        costs=_costs(results, [*models, "PyMusicLooper"]),
        machine=_machine(),
    )
    return wrapped(text.strip()) + "\n"


def wrapped(text: str) -> str:
    """Wrap paragraphs at 118 characters; headings and tables stay as they are."""
    return "\n\n".join(part if part[0] in "#|" else textwrap.fill(part, 118) for part in text.split("\n\n"))


def _values(measure: Measure, measured: list[dict[str, Any]]) -> list[float]:
    """Return the values of a measure, as distances from the ideal if values near it are best."""
    values = [one["values"][measure.name] for one in measured]
    there = [value for value in values if value is not None]
    return [measure.badness(value) for value in there] if measure.better == "middle" else there


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def _quality(values: Values, methods: list[str], models: list[str], songs: int) -> str:
    rows = []
    for measure in MEASURES:
        best = "high" if measure.better == "high" else "low"
        title = f"{measure.title}, off {measure.ideal:g}" if measure.better == "middle" else measure.title
        unit = f", {measure.unit}" if measure.unit else ""
        cells = []
        for method in methods:
            there = values[measure.name][method]
            count = f" ({len(there)})" if 0 < len(there) < songs else ""
            cells.append(f"{np.mean(there):.{measure.decimals}f}{count}" if there else "none")
        rows.append([f"{title}{unit}", best, *cells])
    return _table(["", "better", *(f"`{method}`" if method in models else method for method in methods)], rows)


def _orders(values: Values) -> str:
    wrong = []
    for measure in MEASURES:
        as_shown = replace(measure, better="low") if measure.better == "middle" else measure
        means = {name: _mean(values[measure.name][name]) for name in CONTROLS}
        wrong += [f"{measure.title} ({better} against {worse})" for better, worse in as_shown.misordered(means)]
    if not wrong:
        return "Every measure ranks the controls correctly."
    return f"Measures that rank controls wrongly here: {'; '.join(wrong)}."


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _sets(run: Path, methods: list[str], songs: list[str], results: Results) -> str:
    rows, warned = [], []
    for method in methods:
        there = [song for song in songs if "values" in results[method][song]]
        if len(there) < 2:
            rows.append([method, "none", "none", str(len(there)), "0"])
            continue
        made = [np.load(run / "measured" / method / song / "embeddings.npy") for song in there]
        true = [np.load(run / "measured" / TRUE / song / "embeddings.npy") for song in there]
        if method == TRUE:
            made, true = [one[: len(one) // 2] for one in made], [one[len(one) // 2 :] for one in true]
        near, far = set_distance(made, true, kad), set_distance(made, true, fad)
        rows.append([method, _interval(near, 2), _interval(far, 2), str(len(there)), str(near.embeddings)])
        warned += [warning for warning in (*near.warnings, *far.warnings) if warning not in warned]
    notes = "".join(f"\n\nNote: {warning}." for warning in warned)
    return _table(["", "KAD", "FAD", "songs", "embeddings"], rows) + notes


def _interval(distance: SetDistance, decimals: int) -> str:
    return f"{distance.value:.{decimals}f} ({distance.low:.{decimals}f} to {distance.high:.{decimals}f})"


def _ranked(ranks: dict[str, Ranks]) -> str:
    some = next(iter(ranks.values()))
    rows = []
    for name, found in ranks.items():
        low, high = found.interval
        rows.append([name, f"{found.first:.0%} ({low:.0%} to {high:.0%})", f"{found.mean_reciprocal:.2f}"])
    chance = np.mean([1 / rank for rank in range(1, some.candidates + 1)])
    rows.append(["chance", f"{1 / some.candidates:.0%}", f"{chance:.2f}"])
    return _table(["", "first", "mean reciprocal rank"], rows)


def _costs(results: Results, methods: list[str]) -> str:
    rows = []
    for method in methods:
        made = [one for one in results[method].values() if "values" in one]
        failures = [one["failed"] for one in results[method].values() if "failed" in one]
        seconds, megabytes = ([one[key] for one in made] for key in ("seconds", "megabytes"))
        rows.append([
            method, f"{np.median(seconds):.1f} s", f"{max(seconds):.1f} s", f"{max(megabytes):.0f} MB",
            f"{len(failures)} of {len(results[method])}" + (f" ({failures[0]})" if failures else ""),
        ])  # fmt: skip
    return _table(["", "median time", "longest", "peak memory", "failures"], rows)


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = f"{len(names)} cores of {names[0]}" if names else processor
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{processor}, {platform.system()}, Python {platform.python_version()}; {packages}; PyMusicLooper 3.6.0."
