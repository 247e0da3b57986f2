"""Makes music longer: continues any song to the length you ask for.

    import extrapcli

    model = extrapcli.load("recall")
    track = model.continue_song(samples, sample_rate, minutes=3, seed=0)
    extrapcli.continue_file("song.mp3", "long.flac", minutes=3)
    extrapcli.fit_file("song.mp3", "short.flac", minutes=0.5)  # the same song, exactly that long
    extrapcli.loop_file("song.mp3", "loop.flac")  # a passage that repeats without a seam
    analysis = extrapcli.analyse(samples, sample_rate)  # beats, sections, key, chords, loudness
    report = extrapcli.evaluate(track.samples, sample_rate, head=track.head_samples, joins=track.joins)

What fails raises a kind of `ExtrapError`, whose text is one sentence. Nothing is printed. Importing this package
loads none of the libraries it works with; they are loaded when they are first needed.
"""

from extrapcli.errors import (
    CannotWrite,
    ExtrapError,
    MissingDependency,
    NotGoodEnough,
    SomeFailed,
    UnreadableAudio,
    UnusableModel,
    UsageError,
)

TYPE_CHECKING = False  # importing it from typing takes as long as all the rest here
if TYPE_CHECKING:
    from extrapcli.analysis import Analysis, analyse
    from extrapcli.analysis.beats import BarBeat, Beats
    from extrapcli.analysis.harmony import Chords, Key
    from extrapcli.analysis.sections import Section
    from extrapcli.analysis.voice import Voice
    from extrapcli.continuation import Join
    from extrapcli.evaluation import evaluate
    from extrapcli.evaluation.results import Evaluation
    from extrapcli.extrapolators.base import Jump, Loop, Sound
    from extrapcli.files import continue_file, fit_file
    from extrapcli.loop import LoopFile, loop_file
    from extrapcli.model import Model, load
    from extrapcli.mood.meter import Mood
    from extrapcli.rating import Rating
    from extrapcli.track import Track
    from extrapcli.track_file import TrackFile

__all__ = [
    "Analysis",
    "BarBeat",
    "Beats",
    "CannotWrite",
    "Chords",
    "Evaluation",
    "ExtrapError",
    "Join",
    "Jump",
    "Key",
    "Loop",
    "LoopFile",
    "MissingDependency",
    "Model",
    "Mood",
    "NotGoodEnough",
    "Rating",
    "Section",
    "SomeFailed",
    "Sound",
    "Track",
    "TrackFile",
    "UnreadableAudio",
    "UnusableModel",
    "UsageError",
    "Voice",
    "analyse",
    "continue_file",
    "evaluate",
    "fit_file",
    "load",
    "loop_file",
]

_MODULES = {
    "Analysis": "analysis",
    "BarBeat": "analysis.beats",
    "Beats": "analysis.beats",
    "Chords": "analysis.harmony",
    "Evaluation": "evaluation.results",
    "Join": "continuation",
    "Jump": "extrapolators.base",
    "Key": "analysis.harmony",
    "Loop": "extrapolators.base",
    "LoopFile": "loop",
    "Model": "model",
    "Mood": "mood.meter",
    "Rating": "rating",
    "Section": "analysis.sections",
    "Sound": "extrapolators.base",
    "Track": "track",
    "TrackFile": "track_file",
    "Voice": "analysis.voice",
    "analyse": "analysis",
    "continue_file": "files",
    "evaluate": "evaluation",
    "fit_file": "files",
    "load": "model",
    "loop_file": "loop",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"extrapcli.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
