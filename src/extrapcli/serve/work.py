"""What worker processes do: each kind of job, by the functions that the commands call."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from extrapcli.analysis import Analysis
from extrapcli.analysis.beats import BarBeat
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.analysis.summary import brief, facts
from extrapcli.audio.formats import FORMATS, stem_of
from extrapcli.audio.spooled import chunks
from extrapcli.beginning import begin_soon
from extrapcli.continuation import Join, Length
from extrapcli.errors import CannotWrite, ExtrapError
from extrapcli.loop import LoopMaker
from extrapcli.models import DEFAULT
from extrapcli.naming import choose_format, take_path, track_ending
from extrapcli.pipeline import Options, Pipeline
from extrapcli.progress import NoProgress
from extrapcli.serve.bench import Bench, Events
from extrapcli.serve.jobs import Job, Task, unwritten
from extrapcli.serve.listening import listening
from extrapcli.serve.requests import FileRequest, LoopsRequest, TrackRequest
from extrapcli.serve.tunes import read, tune, tune_file
from extrapcli.takes import Take
from extrapcli.track_file import TrackFile

ENERGY_STEP = 4  # of the moments of the analysis
MADE, PAGE = "made", "made.html"

Made = dict[str, Any]


class Worker:
    """Does one job after another."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def __call__(self, task: Task) -> Made | ExtrapError:
        """Return what is known of what was made, or the error."""
        try:
            return KINDS[task.job.kind](self.bench, task)
        except (CannotWrite, OSError) as error:
            return unwritten(error)
        except ExtrapError as error:
            return self._without_paths(error, task.job)
        except MemoryError:
            return ExtrapError("there is not enough memory for this")
        except Exception as error:
            return ExtrapError(f"a bug in extrap ({type(error).__name__}: {error})")

    def _without_paths(self, error: ExtrapError, job: Job) -> ExtrapError:
        """Return an error that names what people gave, in the place of the file where it is kept."""
        kept = re.escape(str(self.bench.root)) + r"[/\\][0-9a-f]{32}[/\\][^:\s]*"
        return type(error)(re.sub(kept, lambda _: job.name, str(error)))


def song(bench: Bench, task: Task) -> Made:
    """Decode a song, and tell what is known of it."""
    folder, decoded = bench.folder(task.job), bench.song(task.job)
    say, sound = Events(folder), decoded.song
    with listening(folder, sound, len(sound.samples)) as heard:
        for piece in chunks(sound.samples):
            heard.write(piece)
    known = {
        "seconds": sound.seconds,
        "sample_rate": sound.sample_rate,
        "channels": sound.channels,
        "notes": [*sound.notes, *sound.tags.notes],
    }
    say("decoded", **known)
    found = analysed(decoded.analysis)
    say("analysis", analysis=found)
    return known | {"analysis": found}


def track(bench: Bench, task: Task) -> Made:
    """Make a track that can be heard while it is made."""
    folder, request = bench.folder(task.job), TrackRequest(**task.job.request)
    decoded, say = bench.song(task.ancestors[0]), Events(folder)
    asked, wanted = request.style(), bench.wanted(request.track_length(), decoded.song)
    rate, told, done = decoded.song.sample_rate, 0, 0
    model = bench.model(request.chosen_model)
    model.extrapolator(asked)
    take = Take.of(partial(begin_soon, lambda: model), decoded.song, decoded.analysis, wanted, asked)
    known = {"seconds": wanted / rate, "song_seconds": decoded.song.seconds}
    with listening(folder, decoded.song, wanted) as heard:
        say("begun", **known)
        for piece in take:
            heard.write(piece)
            done += len(piece)
            for number, join in enumerate(take.joins[told:], start=told + 1):
                say("join", join=described(number, join))
            told = len(take.joins)
            say("made", seconds=done / rate)
    for note in take.notes:
        say("note", note=note)
    rating = take.rating
    return known | {
        "joins": [described(number, join) for number, join in enumerate(take.joins, start=1)],
        "notes": take.notes,
        "rating": rating and asdict(rating) | {"cost": rating.cost},
        "seed": request.seed,
        "mood": take.mood and asdict(take.mood),
    }


def loops(bench: Bench, task: Task) -> Made:
    """Find the loops of a song."""
    decoded, wish = bench.song(task.ancestors[0]), LoopsRequest(**task.job.request).wish()
    found = bench.model(DEFAULT).loops(decoded.analysis, Options().style, wish.query)
    return {
        "loops": [
            {
                "number": number,
                "begin": loop.begin / loop.sample_rate,
                "end": loop.end / loop.sample_rate,
                "seconds": loop.seconds,
                "bars": loop.bars,
                "audibility": loop.audibility,
            }
            for number, loop in enumerate(found)
        ]
    }


def file(bench: Bench, task: Task) -> Made:
    """Make a file of a track, a loop or a tune, to be downloaded."""
    return FILES[task.ancestors[0].kind](bench, task)


def track_file(bench: Bench, task: Task) -> Made:
    """Make the file that `extrap continue` makes with the same options."""
    made, origin = task.ancestors
    format = FileRequest(**task.job.request).format
    written = _write_track(bench, made, origin, bench.folder(task.job) / MADE, format)
    return {"file": MADE, "name": _name(made, written), "notes": written.notes}


def loop_file(bench: Bench, task: Task) -> Made:
    """Make the files that `extrap loop` makes with the same options; several of them in one ZIP file."""
    found, origin = task.ancestors
    folder, request, decoded = bench.folder(task.job), FileRequest(**task.job.request), bench.song(origin)
    wish = LoopsRequest(**found.request).wish(**request.loop())
    if wish.minutes:
        bench.wanted(Length(wish.minutes, any=True), decoded.song)
    maker = LoopMaker(Options(format=request.format, overwrite=True), wish, bench.model(DEFAULT))
    out = folder / f"{MADE}{FORMATS[request.format].suffixes[0]}"
    made = maker.write(decoded.song, decoded.source, out, NoProgress(), analysis=decoded.analysis)
    stem = stem_of(Path(origin.name))
    if len(made.paths) == 1:
        what = "looped" if request.what == "marked" else "loop" if request.what == "loop" else ""
        ending = f"-{what}{out.suffix}" if what else track_ending(request.format, made.samples[0] / made.sample_rate)
        return {"file": out.name, "name": stem + ending, "notes": made.notes}
    packed = folder / f"{MADE}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as files:
        for path in made.paths:
            files.write(path, stem + path.name.removeprefix(MADE))
            path.unlink()
    return {"file": packed.name, "name": f"{stem}-loop.zip", "notes": made.notes}


def report(bench: Bench, task: Task) -> Made:
    """Measure a track, as `extrap continue --report` does."""
    from extrapcli.evaluation.report import write_report

    made, origin = task.ancestors
    folder, song = bench.folder(task.job), bench.song(origin).song
    format = choose_format(None, None, song)
    path = folder / f"{MADE}{FORMATS[format].suffixes[0]}"
    written = _write_track(bench, made, origin, path, format)
    _, (page, json_file) = write_report(
        path, song, out=folder / PAGE, joins=written.joins, mood=written.mood, overwrite=True
    )
    for needless in (path, json_file):
        needless.unlink()
    return {"file": page.name, "name": f"{_name(made, written)}.html"}


KINDS: dict[str, Callable[[Bench, Task], Made]] = {
    "song": song,
    "track": track,
    "loops": loops,
    "file": file,
    "report": report,
    "tune": tune,
    "seed": read,
}
FILES = {"track": track_file, "loops": loop_file, "tune": tune_file}


def described(number: int, join: Join) -> Made:
    """Describe a join of a track."""
    jump = join.jump
    return {
        "number": number,
        "seconds": join.seconds,
        "fade_seconds": join.fade_seconds,
        "layer": jump and jump.layer,
        "from_seconds": jump and jump.from_seconds,
        "to_seconds": jump.to_seconds if jump else _plays_from(join),
        "from": jump and _counted(jump.from_beat),
        "to": jump and _counted(jump.to_beat),
        "is_new": join.is_new,
        "audible": bool(jump and jump.audible),
        "audibility": jump and max(jump.flux_percentile, jump.level_percentile),
    }


def _plays_from(join: Join) -> float | None:
    """Return the second of the song that all layers play after a join, if they play the same."""
    return None if join.is_new or not join.sounds else join.sounds[0].song_seconds


def analysed(analysis: Analysis) -> Made:
    """Tell of a song what is drawn of it."""
    beats, known = analysis.beats, facts(analysis)
    return {name: known[name] for name in ("seconds", "bpm", "metre", "has_pulse", "sections", "music")} | {
        "summary": brief(analysis),
        "key": analysis.key and analysis.key.name,
        "beats": known["beats"] if beats.has_pulse else [],
        "downbeats": np.round(beats.downbeats, 3).tolist() if beats.has_pulse else [],
        "energy": np.round(analysis.energy[::ENERGY_STEP], 3).tolist(),
        "energy_step": ENERGY_STEP / MOMENTS_PER_SECOND,
        "cut_off": not analysis.bounds.ends_by_itself,
    }


def _counted(beat: BarBeat | None) -> str | None:
    return f"bar {beat.bar}, beat {beat.beat}" if beat else None


def _write_track(bench: Bench, made: Job, origin: Job, path: Path, format: str) -> TrackFile:
    """Write a track to a file, as `extrap continue` does."""
    request, decoded = TrackRequest(**made.request), bench.song(origin)
    bench.wanted(request.track_length(), decoded.song)
    model, asked = request.chosen_model, request.style()
    options = Options(request.track_length(), model, style=asked, format=format, overwrite=True)
    pipeline = Pipeline(options, bench.model(model))
    return pipeline.write(decoded.song, decoded.source, path, format, NoProgress(), analysis=decoded.analysis)


def _name(made: Job, written: TrackFile) -> str:
    """Return the name that a track would have beside its song, with the number of the take after the first."""
    ending = track_ending(written.format, written.samples / written.sample_rate)
    name = stem_of(Path(made.name)) + ending
    return take_path(Path(name), made.number).name if made.number > 1 else name
