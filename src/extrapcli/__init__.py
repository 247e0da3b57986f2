"""Makes music longer: continues any song to the length you ask for.

    import extrapcli

    model = extrapcli.load("recall")
    track = model.continue_song(samples, sample_rate, minutes=3, seed=0)
    extrapcli.continue_file("song.mp3", "long.flac", minutes=3)
    analysis = extrapcli.analyse(samples, sample_rate)  # beats, sections, key, chords, loudness
    report = extrapcli.evaluate(track.samples, sample_rate, head=track.head_samples, joins=track.joins)

What fails raises a kind of `ExtrapError`, whose text is one sentence. Nothing is printed. Importing this package
loads none of the libraries it works with; they are loaded when they are first needed.
"""

from extrapcli.errors import (
    CannotWrite,
    ExtrapError,
    MissingDependency,
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
    from extrapcli.extrapolators.base import Jump
    from extrapcli.model import Model, Track, load
    from extrapcli.mood.meter import Mood
    from extrapcli.pipeline import TrackFile, continue_file

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
    "MissingDependency",
    "Model",
    "Mood",
    "Section",
    "SomeFailed",
    "Track",
    "TrackFile",
    "UnreadableAudio",
    "UnusableModel",
    "UsageError",
    "Voice",
    "analyse",
    "continue_file",
    "evaluate",
    "load",
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
    "Model": "model",
    "Mood": "mood.meter",
    "Section": "analysis.sections",
    "Track": "model",
    "TrackFile": "pipeline",
    "Voice": "analysis.voice",
    "analyse": "analysis",
    "continue_file": "pipeline",
    "evaluate": "evaluation",
    "load": "model",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"extrapcli.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
