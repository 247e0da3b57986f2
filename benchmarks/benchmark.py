"""Every model beside PyMusicLooper and the controls: `benchmark.py CORPUS RUN [--split test] [-o docs/benchmark.md]`.

A clip of 27.3 s from a third of the way into each song is grown to 80 s. That is no round number of beats at the
usual tempos, so that a loop is in time by chance alone. RUN holds the tracks, by way and song, and what was measured
of each: what is there already is not done again, so remove RUN after changing a model or a measure. PyMusicLooper is
run from .venv-looper, once to warm up before it is timed.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from benchmark_tables import document
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.evaluation import controls
from extrapcli.evaluation.circles import RATE
from extrapcli.evaluation.evaluate import MUSIC_FADE_SECONDS, MUSIC_JOIN_SECONDS, matched
from extrapcli.evaluation.judge import Joins, Judge, mono
from extrapcli.evaluation.rank import Ranks, alike, pointing, predicting, true_continuation_ranks
from extrapcli.evaluation.tagger import Tagger
from extrapcli.models import folders

EXTRAP = Path(sys.executable).with_name("extrap")
LOOPER = Path(__file__).parents[1] / ".venv-looper" / "bin" / "pymusiclooper"
CLIP_SECONDS, TRACK_SECONDS = 27.3, 80
SPAN_SECONDS = TRACK_SECONDS + 2
CUTS = 4
START = """
import json, os, sys, time
began = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
facts = {"status": status, "seconds": time.monotonic() - began, "kilobytes": usage.ru_maxrss}
with open("usage.json", "w") as file:
    json.dump(facts, file)
"""
MODELS = [folder.name for folder in folders()]


@dataclass(frozen=True)
class Clip:
    """What is continued, as a file and as samples `(n, channels)`, and the song from its beginning on."""

    name: str
    path: Path
    sample_rate: int
    head: NDArray[np.float32]
    whole: NDArray[np.float32]

    @property
    def wanted(self) -> int:
        return TRACK_SECONDS * self.sample_rate


@dataclass(frozen=True)
class Made:
    """A track, where its joins are, and what making it took; controls take nothing."""

    track: NDArray[np.float32]
    joins: Joins
    seconds: float | None = None
    megabytes: float | None = None


class Failed(Exception):
    """A program made no track; the text is what it said."""


def clips(corpus: Path, split: str, run: Path) -> Iterator[Clip]:
    """Cut a clip from each song that is long enough."""
    (run / "clips").mkdir(parents=True, exist_ok=True)
    for source in sorted(p for p in (corpus / split).iterdir() if p.is_file()):
        song = decode(source)
        if song.seconds < SPAN_SECONDS:
            continue
        begin = round((song.seconds - SPAN_SECONDS) / 3) * song.sample_rate
        whole = song.samples[begin : begin + TRACK_SECONDS * song.sample_rate].astype(np.float32)
        head = whole[: round(CLIP_SECONDS * song.sample_rate)]
        path = run / "clips" / f"{source.stem}.wav"
        soundfile.write(path, head, song.sample_rate, subtype="FLOAT")
        yield Clip(source.stem, path, song.sample_rate, head, whole)


def run(command: list[str | Path], folder: Path) -> tuple[str, float, float]:
    """Run a program: its standard output, wall seconds and peak megabytes; raise Failed where it fails.

    A small process starts it, because a child's peak begins with what its parent holds.
    """
    words = [str(word) for word in command]
    started = subprocess.run([sys.executable, "-S", "-c", START, *words], capture_output=True, text=True, cwd=folder)
    facts = json.loads((folder / "usage.json").read_text())
    if facts["status"]:
        raise Failed(" ".join((started.stderr or started.stdout).split())[-200:])
    return started.stdout, facts["seconds"], facts["kilobytes"] * 1024 / 1e6


def continued(model: str, clip: Clip, folder: Path) -> Made:
    track = folder / "track.wav"
    length = f"{TRACK_SECONDS // 60}:{TRACK_SECONDS % 60:02}"
    said, seconds, megabytes = run(
        [EXTRAP, "continue", clip.path, "--minutes", length, "--model", model, "--device", "cpu", "--json",
         "--overwrite", "-o", track],
        folder,
    )  # fmt: skip
    joins = [(join["seconds"], join["fade_seconds"]) for join in json.loads(said)["joins"]]
    return Made(read(track, clip), joins, seconds, megabytes)


def looped(clip: Clip, folder: Path) -> Made:
    """Let PyMusicLooper extend a clip; it says where it loops in a second run, which is not timed."""
    where = ["--path", clip.path, "--output-dir", folder]
    said, seconds, megabytes = run(
        [LOOPER, "extend", *where, "--extended-length", str(TRACK_SECONDS), "--format", "WAV"], folder
    )
    made = list(folder.glob("*extended*.wav"))
    if not made:
        raise Failed(" ".join(said.split())[-200:])
    points = run([LOOPER, "export-points", *where, "--export-to", "stdout"], folder)[0]
    begin, end = (int(re.findall(rf"LOOP_{name}: (\d+)", points)[0]) / clip.sample_rate for name in ("START", "END"))
    joins = [(float(second), 0.0) for second in np.arange(end, TRACK_SECONDS - 1, end - begin)]
    return Made(read(made[0], clip), joins, seconds, megabytes)


def control(function: Callable[..., NDArray[np.float32]], clip: Clip) -> Made:
    size = clip.wanted - len(clip.head)
    every = len(clip.head) if function is controls.loop else size
    joins = [((len(clip.head) + k) / clip.sample_rate, 0.0) for k in range(0, size, every)]
    return Made(np.concatenate([clip.head, function(clip.head, size)]), joins)


def truth(clip: Clip) -> Made:
    """The song itself; moments in it stand for joins."""
    moments = np.arange(CLIP_SECONDS, TRACK_SECONDS - 1, MUSIC_JOIN_SECONDS)
    return Made(clip.whole, [(float(moment), MUSIC_FADE_SECONDS) for moment in moments])


def read(track: Path, clip: Clip) -> NDArray[np.float32]:
    made = matched(decode(track), Song(clip.name, clip.head, clip.sample_rate, "f32", "wav"))
    return made.samples.astype(np.float32)


WAYS: dict[str, Callable[[Clip, Path], Made]] = {
    **{name: lambda clip, folder, name=name: continued(name, clip, folder) for name in MODELS},  # type: ignore[misc]
    "PyMusicLooper": looped,
    "true continuation": lambda clip, folder: truth(clip),
    "loop": lambda clip, folder: control(controls.loop, clip),
    "silence": lambda clip, folder: control(controls.silence, clip),
    "noise": lambda clip, folder: control(controls.noise, clip),
}


def measure(way: str, clip: Clip, run: Path, tagger: Tagger) -> None:
    """Make a track and measure it; the result appears when all of it is there."""
    folder, tracks = run / "measured" / way / clip.name, run / "tracks" / way
    folder.mkdir(parents=True, exist_ok=True)
    tracks.mkdir(parents=True, exist_ok=True)
    result = folder / "result.json"
    if result.exists():
        return
    try:
        made = WAYS[way](clip, folder)
    except Failed as failure:
        keep(result, {"failed": str(failure)})
        return
    head = round(made.joins[0][0] * clip.sample_rate)
    values, _ = Judge(clip.head, clip.sample_rate, tagger).judge(made.track, head, made.joins, clip.whole[head:])
    sound = mono(made.track[len(clip.head) :], clip.sample_rate)
    np.save(folder / "embeddings.npy", tagger.hear(sound, RATE).embeddings)
    for wav in folder.glob("*.wav"):
        wav.unlink()
    if way not in ("silence", "noise"):
        track = tracks / f"{clip.name}.flac"
        soundfile.write(track, made.track, clip.sample_rate, subtype="PCM_16")
        track.with_suffix(".json").write_text(json.dumps({"head_seconds": made.joins[0][0]}) + "\n")
    facts = {"values": values, "seconds": made.seconds, "megabytes": made.megabytes, "joins": len(made.joins)}
    keep(result, facts)
    print(f"{way}: {clip.name}", file=sys.stderr, flush=True)


def keep(path: Path, facts: dict[str, Any]) -> None:
    """Write facts under their name when they are whole."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(facts) + "\n")
    partial.replace(path)


def ranks(corpus: Path, split: str, run: Path) -> dict[str, Ranks]:
    """How often each model's scores put the real continuation first, on whole songs."""
    found = run / "ranks.json"
    if not found.exists():
        sounds = [decode(source) for source in sorted(p for p in (corpus / split).iterdir() if p.is_file())]
        songs = [mono(song.samples, song.sample_rate) for song in sounds]
        scorers = {"first two seconds like the last two": alike(RATE)}
        for folder in folders():
            backend = open_model(folder, device="cpu")
            scorers[folder.name] = (pointing if backend.spec.extrapolator == "recall" else predicting)(backend)
        placed = {name: true_continuation_ranks(songs, RATE, scorer, cuts=CUTS) for name, scorer in scorers.items()}
        keep(found, {name: [one.among, one.places] for name, one in placed.items()})
    return {name: Ranks(tuple(places), among) for name, (among, places) in json.loads(found.read_text()).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--songs", type=int, help="the first so many, to try things out")
    parser.add_argument("-o", "--out", type=Path, help="the page; else it is printed")
    asked = parser.parse_args()
    asked.run = asked.run.resolve()
    tagger, names = Tagger(), []
    for clip in clips(asked.corpus, asked.split, asked.run):
        if not (asked.run / "measured" / "PyMusicLooper").exists():
            with suppress(Failed):
                looped(clip, asked.run / "clips")  # compiles itself
        names.append(clip.name)
        for way in WAYS:
            measure(way, clip, asked.run, tagger)
        if len(names) == asked.songs:
            break
    text = document(asked.run, list(WAYS), names, ranks(asked.corpus, asked.split, asked.run), asked.split, MODELS)
    if asked.out:
        asked.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
