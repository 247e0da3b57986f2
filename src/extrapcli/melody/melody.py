"""The use case: a seed in, a new tune out, as a MIDI file, as sound and as a score."""

from dataclasses import dataclass
from pathlib import Path

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import METRES, Tune, decode, parse
from extrapcli.melody.generate import Written, go_on
from extrapcli.melody.keys import find_key, from_home, home_key, parse_key, to_home
from extrapcli.melody.outputs import Outputs, prepare, write
from extrapcli.melody.scores import SUFFIXES, read_tune
from extrapcli.models import find_model

DEFAULT = "melody"
DEFAULT_METRE = "4/4"


@dataclass(frozen=True)
class Wish:
    """What is asked for; a key and a metre of None are those of the seed, or else C major or A minor, and 4/4."""

    bars: int = 16
    temperature: float = 1.0
    random_seed: int = 0
    key: str | None = None
    metre: str | None = None
    tempo: float = 100.0  # quarters a minute


def write_tune(seed: str, outputs: Outputs, wish: Wish, *, model: str = DEFAULT, backend: str = "auto") -> Written:
    """Go on from a seed, symbols or the path of a file of tunes, and write the tune.

    Symbols are in C major or A minor, as the model is. Raises as `prepare`, `parse`, `read_tune`, `open_model`,
    `go_on` and `write` do.
    """
    font = prepare(outputs)
    home, back = read_seed(seed, wish.metre)
    if wish.key:
        back = from_home(parse_key(wish.key))
    written = go_on(
        open_model(find_model(model), backend=backend, device="cpu", threads=1),
        home,
        bars=wish.bars,
        temperature=wish.temperature,
        random_seed=wish.random_seed,
    )
    tune = written.tune.moved(back)
    key = home_key(written.tune).moved(back)
    write(outputs, tune, key, tempo=wish.tempo, font=font, source=Path(seed))
    return Written(tune, written.ended)


def read_seed(seed: str, metre: str | None) -> tuple[Tune, int]:
    """The tune to go on from in C major or A minor, and the semitones back to where it was."""
    if metre is not None and metre not in METRES:
        raise UsageError(f"no tune is counted in {metre}; choose one of {', '.join(METRES)}")
    if Path(seed).suffix.lower() not in SUFFIXES:
        return Tune("", decode(parse(seed)), metre or DEFAULT_METRE), 0
    tune = read_tune(Path(seed))
    if metre:
        tune = Tune(tune.title, tune.notes, metre)
    shift = to_home(tune, find_key(tune))
    return tune.moved(shift), -shift
