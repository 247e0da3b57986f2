"""What worker processes do with tunes: read seeds, write the rest, and files of it."""

from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extrapcli.errors import UsageError
from extrapcli.ranges import MOST_BARS
from extrapcli.serve.bench import Bench
from extrapcli.serve.jobs import SCORE, SEED, Job, Task
from extrapcli.serve.listening import SOUND
from extrapcli.serve.requests import FileRequest, TuneRequest

if TYPE_CHECKING:
    from extrapcli.melody.generate import GeneratedTune
    from extrapcli.melody.outputs import Outputs

TUNE = "tune.mid"


def read(bench: Bench, task: Task) -> dict[str, Any]:
    """Read a file of tunes that is to be a seed."""
    from extrapcli.melody.encoding import encode
    from extrapcli.melody.keys import find_key
    from extrapcli.melody.seeds import read_seed_file

    taken = read_seed_file(_uploaded(bench, task.job), bars=MOST_BARS)
    return {
        "symbols": " ".join(encode(taken.tune.notes)),
        "key": str(find_key(taken.tune)),
        "metre": taken.tune.metre,
        "remarks": list(taken.remarks),
    }


def tune(bench: Bench, task: Task) -> dict[str, Any]:
    """Write a tune as `extrap melody` does: as MIDI, as a score, and as sound."""
    from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER
    from extrapcli.melody.outputs import Outputs

    folder, request = bench.folder(task.job), TuneRequest(**task.job.request)
    written = _write(bench, task.job, Outputs(folder / TUNE, folder / SOUND, folder / SCORE, overwrite=True))
    seconds_per_step = 60 / request.tempo / STEPS_PER_QUARTER
    notes, begin = [], 0
    for note in written.tune.notes:
        if note.pitch is not None:
            notes.append([note.pitch, begin * seconds_per_step, note.steps * seconds_per_step])
        begin += note.steps
    metre = written.tune.metre
    return {
        "seconds": begin * seconds_per_step,
        "metre": metre,
        "bars": metre and ceil((begin - written.tune.upbeat) / METRES[metre]),
        "begun": written.begun * seconds_per_step,
        "notes": notes,
        "remarks": list(written.remarks),
        "ended": written.ended,
    }


def tune_file(bench: Bench, task: Task) -> dict[str, Any]:
    """Write the file that `extrap melody` writes with the same options."""
    from extrapcli.melody.outputs import AUDIO_SUFFIXES, SCORE_SUFFIXES, Outputs

    (made,), folder = task.ancestors[:1], bench.folder(task.job)
    format = FileRequest(**task.job.request).format
    path = folder / f"tune.{format}"
    outputs = Outputs(folder / TUNE, overwrite=True)
    if path.suffix in SCORE_SUFFIXES:
        outputs = replace(outputs, score=path)
    elif path.suffix in AUDIO_SUFFIXES:
        outputs = replace(outputs, audio=path)
    _write(bench, made, outputs)
    return {"file": path.name, "name": f"tune-{made.number}.{format}", "notes": []}


def _write(bench: Bench, job: Job, outputs: "Outputs") -> "GeneratedTune":
    from extrapcli.melody.encoding import Note, Tune
    from extrapcli.melody.midi import midi_file
    from extrapcli.melody.pipeline import MelodyOptions, write_tune

    request = TuneRequest(**job.request)
    options = MelodyOptions(
        bars=request.bars,
        temperature=request.temperature,
        random_seed=request.random_seed,
        metre=request.metre,
        tempo=request.tempo,
    )
    if job.parent:
        source = _uploaded(bench, replace(job, id=job.parent))
    elif any(pitch is not None for pitch, _ in request.notes):
        source = bench.folder(job) / "Tune.mid"  # its name is the title of the score
        notes = tuple(Note(pitch, steps) for pitch, steps in request.notes)
        midi_file(Tune("", notes, request.metre or ""), tempo=request.tempo).save(source)
    else:
        raise UsageError("a tune begins with a note at least; play some")
    return write_tune(str(source), outputs, options)


def _uploaded(bench: Bench, job: Job) -> Path:
    """Return the file of tunes that was uploaded; its suffix says what it is."""
    return next(bench.folder(job).glob(f"{SEED}.*"))
