"""The page that `benchmark.py` writes about its measurements."""

import json
import platform
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from benchmark_sets import COLUMNS, Tracks, set_rows

from extrapcli.evaluation.bootstrap import mean_interval
from extrapcli.evaluation.measures import CONTROLS, MEASURES, Measure

Results = dict[str, dict[str, dict[str, Any]]]
"""The result files, by method and song."""

Values = Mapping[str, float | None]
"""The values of a measure, by song; None where it has none."""

PACKAGES = ("extrapcli", "numpy", "scipy", "librosa", "onnxruntime", "av", "soundfile")
RECALL, BEFORE = "recall", "recall before"
LEAST_SONGS = 2  # for a difference with an interval


PAGE = """
# Benchmark

Songs of the [corpus](../training/README.md) that were cut off in the middle of the music, each continued by models,
by PyMusicLooper and by controls: the true continuation, the last 25 s looped with hard splices, silence, and white
noise at the level of the song. **Clips**: 30 s of {clips}, continued to 90 s. **Whole songs**: the first two to four
minutes of {whole}, to twice their length. The split `extra` fills up another that has too few songs of such a length.
Settings were chosen on songs of `validation`, and `recall` was trained on those of `extra`. `recall before` is the
version of `recall` that jumps anywhere in the bar; its network is the same. No track fades out, nor has an
ending (`--ending cut`).

`make benchmark` writes this page, and resumes where it was stopped; `benchmarks/benchmark.py --split test` takes
another split. [measures.md](measures.md) explains the measures; `extrap evaluate` takes them of any track.

Intervals are of 95 %, and differences are paired: both methods continued the same songs.

## Clips

{clips_quality}

{orders}

## Whole songs

{whole_quality}

## As a set

KAD and FAD are distances between the musicnn embeddings of all continuations and those of the true ones, with
intervals by leaving out each song in turn; 0 is the same distribution. Figures from other networks can't be compared
with these. For the true continuation, the first half of each is compared with the second halves; these are fewer
embeddings, so its FAD is more biased. AUC says how often a window of a track looks less like real music to the
discriminator than one of what really followed the same songs, 0.5 where nothing tells them apart; the intervals are
those of a bootstrap over songs. PyMusicLooper may leave a song before its end.

Clips:

{clips_sets}

Whole songs, as far as the true ones go on, some of them to their end:

{whole_sets}

## The true next bar

The scores of jumps, without anything else of `recall`, as bets on what comes next
([next_bar.py](../src/extrapcli/evaluation/next_bar.py)); songs of {split}.

{bits}

## Cost

From the start of the process to a finished WAV file, one at a time, in turns. `recall` and PyMusicLooper had been
warmed up.

Clips:

{clips_costs}

Whole songs:

{whole_costs}

{machine}
"""


@dataclass(frozen=True)
class SetResults:
    """The results of a set of songs, by method and song, and the arrays of those that were continued."""

    songs: Mapping[str, str]  # the split of each
    results: Results
    tracks: Tracks

    @classmethod
    def read(cls, folder: Path, methods: list[str], songs: Mapping[str, str]) -> "SetResults":
        measured = folder / "measured"
        results = {
            method: {song: json.loads((measured / method / song / "result.json").read_text()) for song in songs}
            for method in methods
        }
        tracks = {
            method: {
                song: dict(np.load(measured / method / song / "arrays.npz"))
                for song, result in by_song.items()
                if "values" in result
            }
            for method, by_song in results.items()
        }
        return cls(songs, results, tracks)

    def counted(self) -> str:
        """Say how many songs there are of each split."""
        counts = Counter(self.songs.values()).items()
        return f"{len(self.songs)} songs ({', '.join(f'{count} of {split}' for split, count in counts)})"

    def values(self, measure: Measure) -> dict[str, dict[str, float | None]]:
        """Return a measure by method and song, as distances from the ideal if values near it are best."""
        return {
            method: {
                song: measure.badness(value) if measure.better == "middle" and value is not None else value
                for song, result in by_song.items()
                if "values" in result
                for value in [result["values"][measure.name]]
            }
            for method, by_song in self.results.items()
        }

    def levels(self) -> dict[str, dict[str, float | None]]:
        """Return by method and song how much louder than the song a continuation is, in LU."""
        return {
            method: {song: result["level"] for song, result in by_song.items() if "level" in result}
            for method, by_song in self.results.items()
        }


def document(
    run: Path, methods: Mapping[str, list[str]], splits: Mapping[str, Mapping[str, str]], asked: list[str], bits: str
) -> str:
    """Write the page from the results in a run folder; `splits` has the split of each song of each set."""
    sets = {name: SetResults.read(run / name, methods[name], songs) for name, songs in splits.items()}
    parts = {}
    for name, found in sets.items():
        parts[name] = found.counted()
        parts[f"{name}_quality"] = _quality(found)
        parts[f"{name}_sets"] = _sets(found)
        parts[f"{name}_costs"] = _costs(found.results)
    text = PAGE.format(**parts, orders=_orders(sets["clips"]), split=asked[0], bits=bits, machine=_machine())
    return wrapped(text.strip()) + "\n"


def wrapped(text: str) -> str:
    """Wrap paragraphs at 118 characters; headings and tables stay as they are."""
    return "\n\n".join(part if part[0] in "#|" else textwrap.fill(part, 118) for part in text.split("\n\n"))


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def _quality(found: SetResults) -> str:
    """Write a table of the means over the songs that every method continued, and of the differences from before."""
    methods = list(found.results)
    common = [song for song in found.songs if all("values" in result[song] for result in found.results.values())]
    rows = [_quality_row("Level against the song, LU", "0", "+.1f", found.levels(), common)]
    for measure in MEASURES:
        best = "high" if measure.better == "high" else "low"
        title = f"{measure.title}, off {measure.ideal:g}" if measure.better == "middle" else measure.title
        unit = f", {measure.unit}" if measure.unit else ""
        rows.append(_quality_row(title + unit, best, f".{measure.decimals}f", found.values(measure), common))
    head = ["", "better", *methods, f"{RECALL} less {BEFORE}"]
    note = (
        f"Means over the {len(common)} songs that every method continued; the last column is over all songs that "
        "both continued. A number in brackets counts the songs where a measure has a value, if not all. "
        '"Off" marks measures that are best near a number: the table has the mean distance from it. No row says by '
        "itself which method is best: silence has a small squared error, and a loop keeps every timbre. A good "
        "continuation is close to the true one in all rows."
    )
    return f"{note}\n\n{_table(head, rows)}"


def _quality_row(title: str, best: str, form: str, values: Mapping[str, Values], common: list[str]) -> list[str]:
    cells = []
    for of in values.values():
        there = [value for song in common if (value := of[song]) is not None]
        count = f" ({len(there)})" if 0 < len(there) < len(common) else ""
        cells.append(f"{np.mean(there):{form}}{count}" if there else "none")
    return [title, best, *cells, difference(values[RECALL], values[BEFORE], form)]


def difference(one: Values, other: Values, form: str) -> str:
    """Write the mean difference of two methods over the songs where both have a value, with its interval."""
    pairs = [(value, there) for song, value in one.items() if (there := other.get(song)) is not None]
    differences = np.array([value - there for value, there in pairs if value is not None])
    if len(differences) < LEAST_SONGS:
        return "none"
    low, high = mean_interval(differences)
    form = f"+{form.removeprefix('+')}"
    return f"{differences.mean():{form}} ({low:{form}} to {high:{form}})"


def _orders(found: SetResults) -> str:
    wrong = []
    for measure in MEASURES:
        as_shown = replace(measure, better="low") if measure.better == "middle" else measure
        values = found.values(measure)
        means = {name: _mean(values[name]) for name in CONTROLS}
        wrong += [f"{measure.title} ({better} against {worse})" for better, worse in as_shown.misordered(means)]
    if not wrong:
        return "Every measure ranks the controls correctly."
    return f"Measures that rank controls wrongly here: {'; '.join(wrong)}."


def _mean(values: Values) -> float | None:
    there = [value for value in values.values() if value is not None]
    return float(np.mean(there)) if there else None


def _sets(found: SetResults) -> str:
    rows, notes = set_rows(found.tracks, RECALL, BEFORE)
    return "\n\n".join([_table(COLUMNS, rows), *(f"Note: {note}." for note in notes)])


def _costs(results: Results) -> str:
    """Write a table of what programs took; controls took nothing."""
    rows = []
    for method, by_song in results.items():
        timed = [result for result in by_song.values() if result.get("seconds") is not None]
        failures = [result["failed"] for result in by_song.values() if "failed" in result]
        if not timed and not failures:
            continue
        seconds, megabytes = ([result[key] for result in timed] for key in ("seconds", "megabytes"))
        costs = (
            [f"{np.median(seconds):.1f} s", f"{max(seconds):.1f} s", f"{max(megabytes):.0f} MB"]
            if timed
            else ["none"] * 3
        )
        failed = f"{len(failures)} of {len(by_song)}" + (f" ({failures[0]})" if failures else "")
        rows.append([method, *costs, failed])
    return _table(["", "median time", "longest", "peak memory", "failures"], rows)


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = f"{len(names)} cores of {names[0]}" if names else processor
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{processor}, {platform.system()}, Python {platform.python_version()}; {packages}; PyMusicLooper 3.6.0."
