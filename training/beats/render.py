"""Render music with known beats and bars: `python -m training.beats.render OUT [--families NAME,NAME] [--pieces N]`.

Writes OUT/NAME.flac (mono, 22,050 Hz, up to a minute) and OUT/NAME.json (see `Labels`) for each piece, and the
manifest OUT/tracks.tsv, which `extrap train OUT/tracks.tsv --recipe beats` takes. What is there is left alone.
Needs these Debian packages:

    apt-get install fluidsynth libopenmpt0 fluid-soundfont-gm timgm6mb-soundfont opl3-soundfont \
        musescore-general-soundfont-lossless csound-soundfont mma

and downloads packages of games, whose music it plays, into OUT/.packages. A piece belongs to the split train,
validation or test, as its package or tune does.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.beats import grooves, midi_files, modules, scores
from training.beats.compose import compose
from training.beats.packages import unpacked
from training.beats.piece import FONTS, SAMPLE_RATE, Labels, Messages, excerpt, synthesize, write_piece

SECONDS = 60.0
COMPOSED, FOLK_TUNES, PLAYED_SCORES = 400, 300, 200
MODULES = {
    "train": (
        "ballz-data", "bb", "biniax2-data", "black-box", "bomberclone-data", "bugsquish", "ceferino-data",
        "circuslinux-data", "criticalmass-data", "cuyo-data", "dodgindiamond2", "flobopuyo", "freedroid-data",
        "gemdropx", "gl-117-data", "gltron", "gweled", "madbomber-data", "monsterz-data", "njam-data",
        "open-invaders-data", "pachi-data", "pathogen", "penguin-command", "rafkill-data", "ri-li-data", "solarwolf",
        "tecnoballz-data", "tomatoes-data", "tuxmath-data", "vectoroids", "vodovod", "vor",
    ),
    "validation": ("pekka-kana-2-data",),
    "test": ("heroes-sound-tracks", "pingus-data"),
}  # fmt: skip
MIDI = (
    "crimson", "freedink-data", "freedoom", "kobodeluxe-data", "liquidwar-data", "openttd-openmsx", "pangzero",
    "pinball-table-hurd-data", "planetblupi-music-midi", "simutrans-data",
)  # fmt: skip
Write = Callable[[Path], None]


@dataclass(frozen=True)
class Task:
    """A piece to render, `name`, by calling `write` with the folder; it returns why it was left out, or nothing."""

    name: str
    write: Callable[[Path], str | None]


def split_of(key: str) -> str:
    """Return the split of all pieces with a key: 70 % train, 10 % validation, 20 % test."""
    number = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % 10
    return "train" if number < 7 else "validation" if number == 7 else "test"


def module_tasks(cache: Path) -> Iterator[Task]:
    """List the modules of the games' packages. All of a package are in one split."""
    known = set()
    for split, package in ((split, package) for split, packages in MODULES.items() for package in packages):
        for path in sorted(unpacked(package, cache).rglob("*")):
            if path.suffix.lower() in (".it", ".mod", ".s3m", ".xm") and path.is_file():
                content = hashlib.sha256(path.read_bytes()).digest()
                if content not in known:
                    yield Task(f"modules-{package}-{path.stem}", partial(write_module, path, package, split))
                known.add(content)


def write_module(path: Path, package: str, split: str, folder: Path) -> str | None:
    played = modules.play(path, SECONDS)
    found = modules.beats_of(played)
    if isinstance(found, str):
        return found
    times, downbeats = found
    begin, end = times[0], times[-1] + float(np.median(np.diff(times)))
    labels = Labels.of(f"modules-{package}-{path.stem}", split, f"{package}: {path.name}", times - begin, downbeats)
    write_piece(labels, played.sound[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)], folder)
    return None


def midi_tasks(cache: Path) -> Iterator[Task]:
    """List the MIDI files of the games' packages; each file belongs to a split of its own."""
    for package in MIDI:
        for path in sorted(unpacked(package, cache).rglob("*")):
            if path.suffix.lower() in (".mid", ".midi"):
                yield Task(f"midi-{package}-{path.stem}", partial(write_midi, path.read_bytes(), package, path.stem))
            elif path.suffix == ".wad":
                for name, data in midi_files.wad_songs(path):
                    yield Task(f"midi-{package}-{name}", partial(write_midi, data, package, name))


def write_midi(data: bytes, package: str, stem: str, folder: Path) -> str | None:
    found = midi_files.read_midi(data)
    if isinstance(found, str):
        return found
    messages, times, downbeats = found
    name, source = f"midi-{package}-{stem}", f"{package}: {stem}"
    rng = np.random.default_rng(list(name.encode()))
    begin = float(rng.uniform(0, max(0.0, times[-1] - SECONDS)))
    return write_performance(
        name,
        split_of(source),
        source,
        excerpt(messages, begin, begin + SECONDS),
        times - begin,
        downbeats,
        rng,
        folder,
    )


def write_performance(
    name: str,
    split: str,
    source: str,
    messages: Messages,
    times: NDArray[np.float64],
    downbeats: NDArray[np.bool_],
    rng: np.random.Generator,
    folder: Path,
) -> str | None:
    """Play messages on a sound font drawn from `rng`, and write the piece up to its last beat."""
    sounding = [time for time, message in messages if message.type == "note_on" and message.velocity]
    end = min(SECONDS, max(sounding) + 1.0) if sounding else 0.0
    kept = (times >= 0) & (times < end)
    if kept.sum() < 16 or downbeats[kept].sum() < 4:
        return "too short"
    labels = Labels.of(name, split, source, times[kept], downbeats[kept])
    write_piece(labels, synthesize(messages, str(rng.choice(FONTS)), end), folder)
    return None


def composed_tasks(cache: Path) -> Iterator[Task]:
    """List the songs by the program, one for each seed."""
    for seed in range(COMPOSED):
        yield Task(f"composed-{seed:04}", partial(write_composed, seed))


def write_composed(seed: int, folder: Path) -> str | None:
    style, messages, times, downbeats = compose(seed, SECONDS)
    name = f"composed-{seed:04}"
    return write_performance(
        name, split_of(name), style, messages, times, downbeats, np.random.default_rng(seed), folder
    )


def groove_tasks(cache: Path) -> Iterator[Task]:
    """List MMA's files of grooves; each belongs to a split of its own."""
    for path in _shuffled(grooves.groove_files()):
        yield Task(f"grooves-{path.parent.name}-{path.stem}", partial(write_groove, path))


def write_groove(path: Path, folder: Path) -> str | None:
    name = f"grooves-{path.parent.name}-{path.stem}"
    rng = np.random.default_rng(list(name.encode()))
    data, groove = grooves.groove_song(path, rng, SECONDS)
    found = midi_files.read_midi(data)
    if isinstance(found, str):
        return found
    messages, times, downbeats = found
    later = float(rng.uniform(0.05, 0.8))
    messages = [(time + later, message) for time, message in messages]
    return write_performance(name, split_of(name), groove, messages, times + later, downbeats, rng, folder)


def folk_tasks(cache: Path) -> Iterator[Task]:
    """List folk tunes in an order by chance, as there are thousands."""
    for path, number in _shuffled(list(scores.folk_tunes()))[:FOLK_TUNES]:
        name = f"folk-{path.stem}" + (f"-{number}" if number else "")
        yield Task(name, partial(write_score, path, number, name, scores.perform_folk))


def score_tasks(cache: Path) -> Iterator[Task]:
    """List scores in an order by chance."""
    for path in _shuffled([path for pattern in scores.SCORES for path in sorted(scores.folder().glob(pattern))])[
        :PLAYED_SCORES
    ]:
        name = f"scores-{path.relative_to(scores.folder()).with_suffix('').as_posix().replace('/', '-')}"
        yield Task(name, partial(write_score, path, None, name, scores.perform_score))


def write_score(
    path: Path,
    number: int | None,
    name: str,
    play: Callable[[scores.Part, int, float], scores.Performance],
    folder: Path,
) -> str | None:
    part = scores.read_part(path, number)
    if isinstance(part, str):
        return part
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    style, messages, times, downbeats = play(part, seed, SECONDS)
    source = f"{path.name}{f' {number}' if number else ''}, {style}"
    return write_performance(
        name, split_of(name), source, messages, times, downbeats, np.random.default_rng(seed), folder
    )


def _shuffled(items: Sequence[Any]) -> list[Any]:
    return [items[index] for index in np.random.default_rng(0).permutation(len(items))]


FAMILIES: dict[str, Callable[[Path], Iterator[Task]]] = {
    "modules": module_tasks,
    "midi": midi_tasks,
    "grooves": groove_tasks,
    "folk": folk_tasks,
    "scores": score_tasks,
    "composed": composed_tasks,
}


def run(folder: Path, task: Task) -> str:
    """Do a task; return a line that says what became of it."""
    try:
        return f"{task.name}: {task.write(folder) or 'rendered'}"
    except Exception as error:  # a broken file is left out
        return f"{task.name}: {type(error).__name__} {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--pieces", type=int, default=10_000, help="render this many of each family at most")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    for family in asked.families.split(","):
        tasks = list(FAMILIES[family](asked.out / ".packages"))[: asked.pieces]
        missing = [task for task in tasks if not (asked.out / f"{task.name}.json").exists()]
        with ProcessPoolExecutor(asked.processes) as pool:
            for line in pool.map(partial(run, asked.out), missing):
                print(line, flush=True)
    write_manifest(asked.out)


def write_manifest(folder: Path) -> None:
    """List the pieces of a folder and their splits in its `tracks.tsv`, as `extrap train` reads it."""
    labels = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    rows = [f"{of['split']}\t{of['name']}.flac\n" for of in labels]
    (folder / "tracks.tsv").write_text("".join(["split\tfile\n", *rows]))


if __name__ == "__main__":
    main()
