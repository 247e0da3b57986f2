"""Compare every model with PyMusicLooper and the controls: `benchmark.py CORPUS RUN [--split test] [-o PAGE]`.

A clip of 27.3 s from a third of the way into each song is continued to 80 s. At the usual tempos 27.3 s is no whole
number of beats, so a loop is in time only by chance. RUN holds the tracks, by method and song, and their
measurements. Anything already there is not done again, so remove RUN after changing a model or a measure.
PyMusicLooper is run from .venv-looper, once to warm up before it is timed.
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
from extrapcli.continuation import Join
from extrapcli.evaluation import controls
from extrapcli.evaluation.controls import MUSIC_FADE_SECONDS, MUSIC_JOIN_SECONDS
from extrapcli.evaluation.head import match_format
from extrapcli.evaluation.rank import (
    Ranks,
    encoder_scorer,
    similarity_scorer,
    true_continuation_ranks,
    waveform_scorer,
)
from extrapcli.evaluation.reference import Reference, mono
from extrapcli.evaluation.self_repetition import RATE
from extrapcli.evaluation.tagger import Tagger
from extrapcli.models import find_model
from extrapcli.spec import WaveformSpec

EXTRAP = Path(sys.executable).with_name("extrap")
LOOPER = Path(__file__).parents[1] / ".venv-looper" / "bin" / "pymusiclooper"
CLIP_SECONDS, TRACK_SECONDS = 27.3, 80
SPAN_SECONDS = TRACK_SECONDS + 2
CUTS = 4
SIMILARITY = "similarity of the first 2 s to the last 2 s"
START = """
import json, os, sys, time
began = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
facts = {"status": status, "seconds": time.monotonic() - began, "kilobytes": usage.ru_maxrss}
with open("usage.json", "w") as file:
    json.dump(facts, file)
"""
MODELS = ["recall", "seq2seq", "study"]  # those whose continuations are music


@dataclass(frozen=True)
class Clip:
    """The start of a song, as a file and as samples `(n, channels)`, and the whole that it was cut from."""

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
    """A track, its joins, and the time and memory it took to make; None for controls."""

    track: NDArray[np.float32]
    joins: list[Join]
    seconds: float | None = None
    megabytes: float | None = None


class Failed(Exception):
    """A program made no track; the text is the end of its output."""


def clips(corpus: Path, split: str, run: Path) -> Iterator[Clip]:
    """Cut a clip from each song of a split that is long enough."""
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
    """Run a program; return its standard output, wall seconds and peak megabytes, or raise Failed.

    A small process starts it, because a child's peak begins with the memory of its parent.
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
    output, seconds, megabytes = run(
        [EXTRAP, "continue", clip.path, "--minutes", length, "--model", model, "--device", "cpu", "--json",
         "--overwrite", "-o", track],
        folder,
    )  # fmt: skip
    joins = [Join(join["seconds"], join["fade_seconds"]) for join in json.loads(output)["joins"]]
    return Made(read(track, clip), joins, seconds, megabytes)


def looped(clip: Clip, folder: Path) -> Made:
    """Extend a clip with PyMusicLooper; a second run, which is not timed, prints where it loops."""
    where = ["--path", clip.path, "--output-dir", folder]
    output, seconds, megabytes = run(
        [LOOPER, "extend", *where, "--extended-length", str(TRACK_SECONDS), "--format", "WAV"], folder
    )
    made = list(folder.glob("*extended*.wav"))
    if not made:
        raise Failed(" ".join(output.split())[-200:])
    points = run([LOOPER, "export-points", *where, "--export-to", "stdout"], folder)[0]
    begin, end = (int(re.findall(rf"LOOP_{name}: (\d+)", points)[0]) / clip.sample_rate for name in ("START", "END"))
    joins = [Join(float(second), 0.0) for second in np.arange(end, TRACK_SECONDS - 1, end - begin)]
    return Made(read(made[0], clip), joins, seconds, megabytes)


def control(function: Callable[..., NDArray[np.float32]], clip: Clip) -> Made:
    size = clip.wanted - len(clip.head)
    every = len(clip.head) if function is controls.loop else size
    joins = [Join((len(clip.head) + k) / clip.sample_rate, 0.0) for k in range(0, size, every)]
    return Made(np.concatenate([clip.head, function(clip.head, size)]), joins)


def truth(clip: Clip) -> Made:
    """Take the song itself; moments in it stand for joins."""
    moments = np.arange(CLIP_SECONDS, TRACK_SECONDS - 1, MUSIC_JOIN_SECONDS)
    return Made(clip.whole, [Join(float(moment), MUSIC_FADE_SECONDS) for moment in moments])


def read(track: Path, clip: Clip) -> NDArray[np.float32]:
    made = match_format(decode(track), Song(clip.name, clip.head, clip.sample_rate, "f32", "wav"))
    return made.samples.astype(np.float32)


METHODS: dict[str, Callable[[Clip, Path], Made]] = {
    **{name: lambda clip, folder, name=name: continued(name, clip, folder) for name in MODELS},  # type: ignore[misc]
    "PyMusicLooper": looped,
    "true continuation": lambda clip, folder: truth(clip),
    "loop": lambda clip, folder: control(controls.loop, clip),
    "silence": lambda clip, folder: control(controls.silence, clip),
    "noise": lambda clip, folder: control(controls.noise, clip),
}


def measure(method: str, clip: Clip, run: Path, tagger: Tagger) -> None:
    """Make a track and measure it; the result appears when it is complete."""
    folder, tracks = run / "measured" / method / clip.name, run / "tracks" / method
    folder.mkdir(parents=True, exist_ok=True)
    tracks.mkdir(parents=True, exist_ok=True)
    result = folder / "result.json"
    if result.exists():
        return
    try:
        made = METHODS[method](clip, folder)
    except Failed as failure:
        keep(result, {"failed": str(failure)})
        return
    head = round(made.joins[0].seconds * clip.sample_rate)
    reference = Reference(clip.head, clip.sample_rate, tagger)
    values = reference.measure(made.track, head, made.joins, clip.whole[head:]).values
    sound = mono(made.track[len(clip.head) :], clip.sample_rate)
    np.save(folder / "embeddings.npy", tagger.tag(sound, RATE).embeddings)
    for wav in folder.glob("*.wav"):
        wav.unlink()
    if method not in ("silence", "noise"):
        track = tracks / f"{clip.name}.flac"
        soundfile.write(track, made.track, clip.sample_rate, subtype="PCM_16")
        track.with_suffix(".json").write_text(json.dumps({"head_seconds": made.joins[0].seconds}) + "\n")
    facts = {"values": values, "seconds": made.seconds, "megabytes": made.megabytes, "joins": len(made.joins)}
    keep(result, facts)
    print(f"{method}: {clip.name}", file=sys.stderr, flush=True)


def keep(path: Path, facts: dict[str, Any]) -> None:
    """Write facts to a file that appears when it is complete."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(facts) + "\n")
    partial.replace(path)


def ranks(corpus: Path, split: str, run: Path) -> dict[str, Ranks]:
    """Rank the true continuation by each model's scores, on whole songs."""
    found = run / "ranks.json"
    if not found.exists():
        sounds = [decode(source) for source in sorted(p for p in (corpus / split).iterdir() if p.is_file())]
        songs = [mono(song.samples, song.sample_rate) for song in sounds]
        scorers = {SIMILARITY: similarity_scorer(RATE)}
        for name in MODELS:
            backend = open_model(find_model(name), device="cpu")
            waveform = isinstance(backend.spec, WaveformSpec)
            scorers[name] = waveform_scorer(backend) if waveform else encoder_scorer(backend)
        made = {name: true_continuation_ranks(songs, RATE, scorer, cuts=CUTS) for name, scorer in scorers.items()}
        keep(found, {name: [one.candidates, one.ranks] for name, one in made.items()})
    kept = json.loads(found.read_text())
    return {name: Ranks(tuple(ranks), candidates) for name, (candidates, ranks) in kept.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--songs", type=int, help="only the first so many songs, to try things out")
    parser.add_argument("-o", "--out", type=Path, help="the page to write; without, it is printed")
    asked = parser.parse_args()
    asked.run = asked.run.resolve()
    tagger, names = Tagger(), []
    for clip in clips(asked.corpus, asked.split, asked.run):
        if not (asked.run / "measured" / "PyMusicLooper").exists():
            with suppress(Failed):
                looped(clip, asked.run / "clips")  # compiles itself
        names.append(clip.name)
        for method in METHODS:
            measure(method, clip, asked.run, tagger)
        if len(names) == asked.songs:
            break
    text = document(asked.run, list(METHODS), names, ranks(asked.corpus, asked.split, asked.run), asked.split, MODELS)
    if asked.out:
        asked.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
