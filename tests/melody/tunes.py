"""Reading tunes as seeds, whole."""

from pathlib import Path

from extrapcli.melody.encoding import Tune
from extrapcli.melody.seeds import read_seed_file


def read_tune(path: Path, part: str | None = None) -> Tune:
    return read_seed_file(path, bars=1000, part=part).tune
