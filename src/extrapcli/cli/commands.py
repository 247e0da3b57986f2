"""The root of the command with all commands below it, which register themselves when they are imported."""

from extrapcli.cli import batch, continue_, evaluate, fit, loop, melody, models, mood, play, predict, serve, training
from extrapcli.cli.root import app

__all__ = [
    "app",
    "batch",
    "continue_",
    "evaluate",
    "fit",
    "loop",
    "melody",
    "models",
    "mood",
    "play",
    "predict",
    "serve",
    "training",
]
