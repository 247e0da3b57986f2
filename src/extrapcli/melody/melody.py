"""The use case: a seed in, a new tune out, as a MIDI file, as sound and as a score."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import METRES, Tune, decode, parse
from extrapcli.melody.generate import Written, go_on
from extrapcli.melody.keys import find_key, from_home, home_key, parse_key, to_home
from extrapcli.melody.outputs import Outputs, prepare, write
from extrapcli.melody.scores import SUFFIXES, read_tune
from extrapcli.models import find_model
from extrapcli.spec import TuneSpec, expect

if TYPE_CHECKING:
    from extrapcli.melody.recording import Recorded

DEFAULT = "melody"
DEFAULT_METRE = "4/4"
DEFAULT_TEMPO = 100.0


@dataclass(frozen=True)
class Wish:
    """What is asked for; None stands for what the seed has, or else C major or A minor, 4/4 and 100."""

    bars: int = 16
    temperature: float = 1.0
    random_seed: int = 0
    key: str | None = None
    metre: str | None = None
    tempo: float | None = None  # quarters a minute


def write_tune(
    seed: str | Path,
    outputs: Outputs,
    wish: Wish,
    *,
    model: str = DEFAULT,
    backend: str = "auto",
    tell: "Callable[[Recorded], None]" = lambda heard: None,
) -> Written:
    """Go on from a seed and write the tune.

    The seed is symbols or the path of a file of tunes, as text, or the path of a recording, as a Path; `tell` is
    called with what was heard in that. Symbols are in C major or A minor, as the model is. Raises as `prepare`,
    `parse`, `read_tune`, `read_recording`, `open_model`, `go_on` and `write` do.
    """
    if wish.metre is not None and wish.metre not in METRES:
        raise UsageError(f"no tune is counted in {wish.metre}; choose one of {', '.join(METRES)}")
    font = prepare(outputs)
    asked = parse_key(wish.key) if wish.key else None
    opened = open_model(find_model(model), backend=backend, device="cpu", threads=1)
    tempo = wish.tempo
    if isinstance(seed, Path):
        from extrapcli.melody.recording import SEED_BARS, read_recording, within

        heard = read_recording(seed, wish.metre or DEFAULT_METRE, bars=max(1, min(SEED_BARS, wish.bars // 2)))
        tell(heard)
        tempo = tempo or heard.tempo
        shift = to_home(heard.tune, heard.key)
        home, back = within(heard.tune.moved(shift), expect(opened.spec, TuneSpec).symbols), -shift
    else:
        home, back = read_seed(seed, wish.metre)
    if asked:
        back = from_home(asked)
    written = go_on(
        opened,
        home,
        bars=wish.bars,
        temperature=wish.temperature,
        random_seed=wish.random_seed,
    )
    tune = written.tune.moved(back)
    key = home_key(written.tune).moved(back)
    write(outputs, tune, key, tempo=tempo or DEFAULT_TEMPO, font=font, source=Path(seed))
    return Written(tune, written.ended)


def read_seed(seed: str, metre: str | None) -> tuple[Tune, int]:
    """The tune to go on from in C major or A minor, and the semitones back to where it was."""
    if Path(seed).suffix.lower() not in SUFFIXES:
        return Tune("", decode(parse(seed)), metre or DEFAULT_METRE), 0
    tune = read_tune(Path(seed))
    if metre:
        tune = Tune(tune.title, tune.notes, metre)
    shift = to_home(tune, find_key(tune))
    return tune.moved(shift), -shift
