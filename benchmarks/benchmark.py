"""Compare every model with the `recall` before, PyMusicLooper and the controls: `benchmark.py CORPUS RUN [-o PAGE]`.

Two sets of songs that were cut off: clips, and whole songs, which only `recall`, PyMusicLooper and two controls
continue. RUN holds the tracks of clips and the measurements, by set, method and song. Anything already there is not
done again, so remove RUN after changing a model or a measure. The `recall` before is run from .venv-before and
PyMusicLooper from .venv-looper, once to warm up before they are timed.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import next_bar
import numpy as np
import soundfile
from benchmark_songs import Excerpt, clip, excerpts, whole_song
from benchmark_tables import BEFORE, RECALL, document
from numpy.typing import NDArray

from extrapcli.audio import loudness
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Samples, Song
from extrapcli.continuation import Join
from extrapcli.evaluation import controls
from extrapcli.evaluation.controls import LOOP_SECONDS, MUSIC_FADE_SECONDS, MUSIC_JOIN_SECONDS
from extrapcli.evaluation.discriminator import Discriminator
from extrapcli.evaluation.head import match_format
from extrapcli.evaluation.measures import LOOP, NOISE, SILENCE, TRUE
from extrapcli.evaluation.reference import Reference, mono
from extrapcli.evaluation.report import read_joins
from extrapcli.evaluation.self_repetition import RATE
from extrapcli.evaluation.tagger import Tagger

Command = list[str | Path]

ROOT = Path(__file__).parents[1]
EXTRAP: Command = [Path(sys.executable).with_name("extrap")]
EXTRAP_BEFORE: Command = [ROOT / ".venv-before" / "bin" / "python", "-I", "-m", "extrapcli"]
LOOPER = ROOT / ".venv-looper" / "bin" / "pymusiclooper"
START = """
import json, os, sys, time
began = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
facts = {"status": status, "seconds": time.monotonic() - began, "kilobytes": usage.ru_maxrss}
with open("usage.json", "w") as file:
    json.dump(facts, file)
"""
PYMUSICLOOPER = "PyMusicLooper"
MODELS = [RECALL, BEFORE, "seq2seq", "study"]  # those whose continuations are music
SETS = {
    "clips": (clip, [*MODELS, PYMUSICLOOPER, TRUE, LOOP, SILENCE, NOISE]),
    "whole": (whole_song, [RECALL, BEFORE, PYMUSICLOOPER, TRUE, LOOP]),
}
COUNTS = [48, 16]


@dataclass(frozen=True)
class Made:
    """A track, its joins, and the time and memory it took to make; None for controls."""

    track: NDArray[np.float32]
    joins: list[Join]
    seconds: float | None = None
    megabytes: float | None = None


class Failed(Exception):
    """A program made no track; the text is the end of its output."""


def run(command: Command, folder: Path) -> tuple[str, float, float]:
    """Run a program; return its standard output, wall seconds and peak megabytes, or raise Failed.

    A small process starts it, because a child's peak begins with the memory of its parent.
    """
    words = [str(word) for word in command]
    started = subprocess.run([sys.executable, "-S", "-c", START, *words], capture_output=True, text=True, cwd=folder)
    facts = json.loads((folder / "usage.json").read_text())
    if facts["status"]:
        raise Failed(" ".join((started.stderr or started.stdout).split())[-200:])
    return started.stdout, facts["seconds"], facts["kilobytes"] * 1024 / 1e6


def continued(extrap: Command, model: str, excerpt: Excerpt, folder: Path) -> Made:
    """Continue a song with a model, without an ending, which would count as a difference in level."""
    track, joins = folder / "track.wav", folder / "joins.json"
    output, seconds, megabytes = run(
        [*extrap, "continue", excerpt.path, "--minutes", f"{excerpt.track_seconds / 60:.6f}", "--model", model,
         "--device", "cpu", "--ending", "cut", "--json", "--overwrite", "-o", track],
        folder,
    )  # fmt: skip
    joins.write_text(output)
    return Made(read(track, excerpt), read_joins(joins), seconds, megabytes)


def looped(excerpt: Excerpt, folder: Path) -> Made:
    """Extend a song with PyMusicLooper, without the end of 5 s that fades; it takes no fade of 0 s.

    A second run, which is not timed, prints where it loops.
    """
    where: Command = ["--path", excerpt.path, "--output-dir", folder]
    wanted = excerpt.track_seconds
    output, seconds, megabytes = run(
        [LOOPER, "extend", *where, "--extended-length", str(wanted), "--fade-length", "0.01", "--format", "WAV"],
        folder,
    )
    made = list(folder.glob("*extended*.wav"))
    if not made:
        raise Failed(" ".join(output.split())[-200:])
    points = run([LOOPER, "export-points", *where, "--export-to", "stdout"], folder)[0]
    begin, end = (
        int(re.findall(rf"LOOP_{name}: (\d+)", points)[0]) / excerpt.sample_rate for name in ("START", "END")
    )
    joins = [Join(float(second), 0.0) for second in np.arange(end, wanted - 1, end - begin)]
    return Made(read(made[0], excerpt), joins, seconds, megabytes)


def control(function: Callable[[Samples, int], Samples], excerpt: Excerpt) -> Made:
    """Make a control; a loop is that of the last 25 s, because a longer one is not heard as one."""
    size, past = excerpt.wanted - len(excerpt.head), excerpt.head[-LOOP_SECONDS * excerpt.sample_rate :]
    every = len(past) if function is controls.loop else size
    joins = [Join((len(excerpt.head) + k) / excerpt.sample_rate, 0.0) for k in range(0, size, every)]
    return Made(np.concatenate([excerpt.head, function(past, size).astype(np.float32)]), joins)


def truth(excerpt: Excerpt) -> Made:
    """Take the music itself; moments in it stand for joins."""
    moments = np.arange(excerpt.seconds, len(excerpt.true) / excerpt.sample_rate - 1, MUSIC_JOIN_SECONDS)
    return Made(excerpt.true, [Join(float(moment), MUSIC_FADE_SECONDS) for moment in moments])


def read(track: Path, excerpt: Excerpt) -> NDArray[np.float32]:
    made = match_format(decode(track), Song(excerpt.name, excerpt.head, excerpt.sample_rate, "f32", "wav"))
    return made.samples.astype(np.float32)


METHODS: dict[str, Callable[[Excerpt, Path], Made]] = {
    RECALL: lambda excerpt, folder: continued(EXTRAP, RECALL, excerpt, folder),
    BEFORE: lambda excerpt, folder: continued(EXTRAP_BEFORE, RECALL, excerpt, folder),
    "seq2seq": lambda excerpt, folder: continued(EXTRAP, "seq2seq", excerpt, folder),
    "study": lambda excerpt, folder: continued(EXTRAP, "study", excerpt, folder),
    PYMUSICLOOPER: looped,
    TRUE: lambda excerpt, folder: truth(excerpt),
    LOOP: lambda excerpt, folder: control(controls.loop, excerpt),
    SILENCE: lambda excerpt, folder: control(controls.silence, excerpt),
    NOISE: lambda excerpt, folder: control(controls.noise, excerpt),
}


class Judge:
    """Measures the tracks of one song, which is analysed when the first of them is there."""

    def __init__(self, excerpt: Excerpt, tagger: Tagger, discriminator: Discriminator) -> None:
        self.excerpt, self.tagger, self.discriminator = excerpt, tagger, discriminator

    @cached_property
    def reference(self) -> Reference:
        return Reference(self.excerpt.head, self.excerpt.sample_rate, self.tagger)

    def measure(self, made: Made) -> tuple[dict[str, Any], dict[str, NDArray[np.floating]]]:
        """Take every measure of a track; return values, and arrays for the figures of sets.

        For those, a track counts up to where the true music ends. The discriminator judges both at the same times.
        """
        excerpt, join = self.excerpt, made.joins[0]
        rate, size = excerpt.sample_rate, len(excerpt.head)
        head = round(join.seconds * rate)
        values = self.reference.measure(made.track, head, made.joins, excerpt.true[head:]).values
        track, true = (mono(sound[: len(excerpt.true)], rate) for sound in (made.track, excerpt.true))
        begin = round(excerpt.seconds * RATE)
        scores = {
            name: self.discriminator.score(sound, excerpt.seconds, join.seconds + join.fade_seconds / 2)
            for name, sound in (("made", track), ("true", true))
        }
        arrays: dict[str, NDArray[np.floating]] = {"embeddings": self.tagger.tag(track[begin:], RATE).embeddings}
        for name, score in scores.items():
            arrays |= {f"{name}_at_join": np.array(score.at_join), f"{name}_later": score.later}
        loud, song = (
            loudness.integrated(loudness.momentary(sound, rate))
            for sound in (made.track[size : len(excerpt.true)], excerpt.head)
        )
        return {"values": values, "level": loud - song}, arrays


def measure(method: str, judge: Judge, run: Path, *, keep_track: bool = False) -> None:
    """Make a track and measure it; the result appears when it is complete."""
    excerpt = judge.excerpt
    folder = run / "measured" / method / excerpt.name
    result = folder / "result.json"
    if result.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        made = METHODS[method](excerpt, folder)
    except Failed as failure:
        keep(result, {"failed": str(failure)})
        return
    facts, arrays = judge.measure(made)
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    for wav in folder.glob("*.wav"):
        wav.unlink()
    if keep_track:
        track = run / "tracks" / method / f"{excerpt.name}.flac"
        track.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(track, made.track, excerpt.sample_rate, subtype="PCM_16")
        track.with_suffix(".json").write_text(json.dumps({"head_seconds": made.joins[0].seconds}) + "\n")
    keep(result, {**facts, "seconds": made.seconds, "megabytes": made.megabytes, "joins": len(made.joins)})
    print(f"{method}: {excerpt.name}", file=sys.stderr, flush=True)


def keep(path: Path, facts: Any) -> None:
    """Write facts to a file that appears when it is complete."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(facts) + "\n")
    partial.replace(path)


def warm_up(excerpt: Excerpt, folder: Path) -> None:
    """Let programs compile themselves, unless they were timed before."""
    for method in (RECALL, BEFORE, PYMUSICLOOPER):
        if not (folder / "measured" / method).exists():
            with TemporaryDirectory() as scratch, suppress(Failed):
                METHODS[method](excerpt, Path(scratch))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", nargs="+", default=["validation", "extra"], help="the second fills up the first")
    parser.add_argument(
        "--songs", type=int, nargs=2, default=COUNTS, metavar=("CLIPS", "WHOLE"), help="how many songs in each set"
    )
    parser.add_argument("-o", "--out", type=Path, help="the page to write; without, it is printed")
    asked = parser.parse_args()
    tagger, discriminator = Tagger(), Discriminator()
    splits: dict[str, dict[str, str]] = {}
    for (name, (choose, methods)), count in zip(SETS.items(), asked.songs, strict=True):
        folder, splits[name] = asked.run.resolve() / name, {}
        for excerpt in excerpts(asked.corpus, asked.split, count, choose, folder / "songs"):
            if not splits[name]:
                warm_up(excerpt, folder)
            splits[name][excerpt.name] = excerpt.split
            judge = Judge(excerpt, tagger, discriminator)
            for method in methods:
                measure(method, judge, folder, keep_track=name == "clips" and method not in (SILENCE, NOISE))
    bits = asked.run / "next_bar.json"
    if not bits.exists():
        keep(bits, next_bar.tables(asked.corpus, asked.split[0], most=asked.songs[0]))
    methods_of = {name: methods for name, (_, methods) in SETS.items()}
    text = document(asked.run, methods_of, splits, asked.split, json.loads(bits.read_text()))
    if asked.out:
        asked.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
