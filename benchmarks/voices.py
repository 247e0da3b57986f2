"""How many jumps cut a word: `voices.py SET OUT [--extrap PROGRAM] [--against OTHER]`.

SET is a folder made by `voice_songs.py`: songs with a voice, and the times of its words. Each song of 30 s is
continued to 90 s, longer ones to twice their length, by `PROGRAM continue --json`, and what it says is kept in OUT.

A jump cuts a word where the middle of its crossfade, in the song it leaves or where it goes on, lies inside a word.
Only jumps that could have done better are counted: those with a pause within two bars of both. Prints the share with
a 95 % interval, bootstrapped over songs, and with `--against` the difference from the jumps kept in OTHER, paired by
song.
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHORT_TRACK_SECONDS = 90
PAUSE_SECONDS = 0.15  # what is shorter is no pause between words
EDGE_SECONDS = 0.04  # so much of a word may be lost at its edge
BARS, BEATS = 2, 4
DRAWS = 2000

Word = tuple[float, float]
"""Beginning and end in seconds."""


@dataclass(frozen=True)
class Counts:
    """How many jumps a track has, how many of them had a pause nearby, and how many of those cut a word."""

    jumps: int
    avoidable: int
    cut: int


def inside_a_word(words: Sequence[Word], seconds: float) -> bool:
    """Return whether a moment lies inside a word, away from its edges."""
    return any(begin + EDGE_SECONDS < seconds < end - EDGE_SECONDS for begin, end in words)


def pauses(words: Sequence[Word], end: float) -> list[Word]:
    """Return where no word sounds, from 0 to `end`, for at least 0.15 s."""
    edges = [0.0, *(edge for word in sorted(words) for edge in word), end]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return [(begin, until) for begin, until in gaps if until - begin >= PAUSE_SECONDS]


def count_cuts(words: Sequence[Word], jumps: Sequence[Word], *, end: float, bar_seconds: float) -> Counts:
    """Count the jumps, each from one moment of a song to another, that cut a word though a pause was near."""
    gaps, reach = pauses(words, end), BARS * bar_seconds

    def has_a_pause_near(seconds: float) -> bool:
        return any(begin < seconds + reach and seconds - reach < until for begin, until in gaps)

    avoidable = [jump for jump in jumps if all(has_a_pause_near(seconds) for seconds in jump)]
    cut = sum(any(inside_a_word(words, seconds) for seconds in jump) for jump in avoidable)
    return Counts(len(jumps), len(avoidable), cut)


def share(counts: Sequence[Counts], chosen: NDArray[np.integer] | None = None) -> float:
    """Return the share of avoidable jumps that cut a word, over all songs or those chosen; NaN without such jumps."""
    picked = counts if chosen is None else [counts[k] for k in chosen]
    return sum(c.cut for c in picked) / (sum(c.avoidable for c in picked) or np.nan)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the middle 95 % of values."""
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def crossfaded(report: dict[str, Any]) -> list[Word]:
    """Return where in the song each jump leaves and goes on, at the middle of its crossfade."""
    return [
        (jump["from_seconds"] - join["fade_seconds"] / 2, jump["to_seconds"] - join["fade_seconds"] / 2)
        for join in report["joins"]
        if (jump := join.get("jump"))
    ]


def continued(song: Path, out: Path, program: str) -> dict[str, Any]:
    """Continue a song, unless that was done, and return what the program says of it."""
    kept = out / f"{song.stem}.json"
    if not kept.exists():
        seconds = json.loads(song.with_suffix(".json").read_text(encoding="utf-8"))["seconds"]
        minutes = max(SHORT_TRACK_SECONDS, round(2 * seconds)) / 60
        options = ["--minutes", str(minutes), "-o", str(out), "--overwrite", "--json", "--quiet"]
        done = subprocess.run([program, "continue", song, *options], check=True, capture_output=True, text=True)
        report: dict[str, Any] = json.loads(done.stdout)
        kept.write_text(json.dumps(report), encoding="utf-8")
        Path(report["track"]).unlink()
    read: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return read


def measure(songs: Sequence[Path], out: Path, program: str) -> list[Counts]:
    """Count the cuts in the track of each song."""
    counts = []
    for song in songs:
        facts = json.loads(song.with_suffix(".json").read_text(encoding="utf-8"))
        words = [(begin, end) for _, begin, end in facts["words"]]
        jumps = crossfaded(continued(song, out, program))
        counts.append(count_cuts(words, jumps, end=facts["seconds"], bar_seconds=BEATS * facts["beat"]))
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--extrap", default="extrap", metavar="PROGRAM")
    parser.add_argument("--against", type=Path, metavar="OTHER")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    songs = sorted(arguments.set.glob("*.flac"))
    rng = np.random.default_rng(0)
    draws = rng.integers(len(songs), size=(DRAWS, len(songs)))
    counts = measure(songs, arguments.out, arguments.extrap)
    for kind in ("all", "sung", "spoken"):
        of = [c for song, c in zip(songs, counts, strict=True) if kind in ("all", song.stem.split("-")[1])]
        low, high = interval([share(of, draw) for draw in rng.integers(len(of), size=(DRAWS, len(of)))])
        avoidable, jumps = sum(c.avoidable for c in of), sum(c.jumps for c in of)
        print(
            f"{kind}: {share(of):.1%} ({low:.1%} to {high:.1%}) of {avoidable} jumps with a pause near cut a word; "
            f"{jumps} jumps in {len(of)} songs"
        )
    if arguments.against:
        before = measure(songs, arguments.against, arguments.extrap)
        low, high = interval([share(counts, draw) - share(before, draw) for draw in draws])
        print(f"difference: {share(counts) - share(before):+.1%} ({low:+.1%} to {high:+.1%})")


if __name__ == "__main__":
    main()
