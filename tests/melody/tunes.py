"""Reading tunes as seeds, whole."""

from pathlib import Path

from extrapcli.melody.encoding import Tune
from extrapcli.melody.seeds import take_seed
from extrapcli.melody.tune_files import read_score


def read_tune(path: Path, part: str | None = None) -> Tune:
    return take_seed(read_score(path), bars=1000, part=part).tune
