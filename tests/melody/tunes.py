"""Reading files of tunes."""

from pathlib import Path

from extrapcli.melody.encoding import RejectReason, Tune
from extrapcli.melody.seeds import read_seed_file
from extrapcli.melody.tune_files import read_tunes


def read_tune(path: Path, part: str | None = None) -> Tune:
    """Read a tune as a seed, whole."""
    return read_seed_file(path, bars=1000, part=part).tune


def only_tune(path: Path) -> Tune | RejectReason:
    """Read the only tune of a file, as training does."""
    (tune,) = read_tunes(path)
    return tune
