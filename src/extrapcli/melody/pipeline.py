"""From a seed to a new tune: a MIDI file, and sound and a score where they are asked for."""

import re
from dataclasses import dataclass
from pathlib import Path

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import METRES, Tune, decode, parse_symbols
from extrapcli.melody.generate import GeneratedTune, continue_tune
from extrapcli.melody.keys import (
    Key,
    c_or_a_minor,
    find_key,
    fold_into_range,
    nearest_octave,
    parse_key,
    semitones_from_c,
    semitones_to_c,
)
from extrapcli.melody.outputs import Outputs, prepare, write
from extrapcli.melody.seeds import read_seed_file, shorten
from extrapcli.melody.tune_files import SUFFIXES
from extrapcli.models import find_model
from extrapcli.ranges import (
    LEAST_TEMPO,
    MOST_BARS,
    MOST_SEED,
    MOST_TEMPERATURE,
    MOST_TEMPO,
    check_number,
    check_threads,
    check_whole,
)
from extrapcli.spec import TuneSpec, expect
from extrapcli.words import count

DEFAULT_MODEL = "melody"
DEFAULT_METRE = "4/4"
DEFAULT_TEMPO = 100.0
_NOT_SYMBOLS = re.compile(r"[^\s0-9r_]")


@dataclass(frozen=True)
class MelodyOptions:
    """How a tune is to be written. None takes what the seed has, or else C major or A minor, 4/4 and 100.

    Attributes:
        bars: the length that the tune may have, with its seed.
        temperature: below 1 the usual becomes more probable, above 1 the unusual; at 0 nothing is left to chance.
        random_seed: another number gives another tune.
        key: as `G`, `F#` or `Am`; the seed is transposed to it with the rest.
        metre: one of METRES.
        tempo: in quarters a minute.
        part: of a file of tunes, the number or name of the part that is the seed; None chooses the melody.
        model: a name or a path.
        device, threads: what the networks run on; `auto` runs the one that writes tunes on the CPU, where its small
            steps are fastest, on one thread.

    Raises UsageError for numbers that are out of range and for other metres.
    """

    bars: int = 16
    temperature: float = 1.0
    random_seed: int = 0
    key: str | None = None
    metre: str | None = None
    tempo: float | None = None
    part: str | None = None
    model: str = DEFAULT_MODEL
    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        check_whole("number of bars", self.bars, 1, MOST_BARS)
        check_number("temperature", self.temperature, 0, MOST_TEMPERATURE)
        check_whole("random seed", self.random_seed, 0, MOST_SEED)
        if self.tempo is not None:
            check_number("tempo", self.tempo, LEAST_TEMPO, MOST_TEMPO, "quarters a minute")
        if self.metre is not None and self.metre not in METRES:
            raise UsageError(f"a metre of {self.metre} is not supported; choose one of {', '.join(METRES)}")
        check_threads(self.threads)


@dataclass(frozen=True)
class Beginning:
    """A seed as it is given to a model.

    Attributes:
        tune: in C major or A minor.
        shift: the semitones from the seed's own pitch to that of `tune`.
        key: the seed's own.
        tempo: in quarters a minute; None where the seed has none that counts.
        remarks: sentences about what was heard, chosen and changed.
    """

    tune: Tune
    shift: int
    key: Key
    remarks: tuple[str, ...]
    tempo: float | None = None


def write_tune(seed: str | Path, outputs: Outputs, options: MelodyOptions) -> GeneratedTune:
    """Continue a seed, and write the tune; return it, too.

    A seed of type str is symbols in C major or A minor, or the path of a file of tunes. A Path is that of a
    recording. Raises as `prepare`, `read_seed`, `open_model`, `continue_tune` and `write` do.
    """
    font = prepare(outputs)
    key = parse_key(options.key) if options.key else None
    device = "cpu" if options.device == "auto" else options.device
    model = open_model(
        find_model(options.model), backend=options.backend, device=device, threads=options.threads or 1
    )
    begin = read_seed(seed, options, expect(model.spec, TuneSpec).symbols)
    generated = continue_tune(
        model, begin.tune, bars=options.bars, temperature=options.temperature, random_seed=options.random_seed
    )
    remarks, interval = begin.remarks, 0
    if key:
        interval = nearest_octave(semitones_from_c(key) + begin.shift)
        remarks += _transposition(begin.key, key, interval)
    tune = generated.tune.transposed(interval - begin.shift)
    written_key = c_or_a_minor(generated.tune).transposed(interval - begin.shift)
    tempo = options.tempo or begin.tempo or DEFAULT_TEMPO
    source = Path(seed) if names_file(seed) else None
    write(outputs, tune, written_key, tempo=tempo, font=font, source=source)
    return GeneratedTune(tune, generated.begun, generated.ended, remarks)


def read_seed(seed: str | Path, options: MelodyOptions, known: tuple[str, ...]) -> Beginning:
    """Read symbols, a file of tunes or a recording as the beginning of a tune, for a model that knows some symbols.

    Raises UsageError where a part is asked for that is not there, and as `parse_symbols`, `read_seed_file`
    and `read_recording` do.
    """
    if not names_file(seed):
        if options.part is not None:
            raise UsageError("a seed of symbols has no parts to choose from")
        short = shorten(Tune("", decode(parse_symbols(str(seed))), options.metre or DEFAULT_METRE), options.bars)
        return Beginning(short.tune, 0, c_or_a_minor(short.tune), short.remarks)
    tempo = None
    if isinstance(seed, str):
        taken = read_seed_file(Path(seed), bars=options.bars, part=options.part, metre=options.metre)
        tune, key, remarks = taken.tune, find_key(taken.tune), taken.remarks
    else:
        from extrapcli.melody.recording import SEED_BARS, read_recording

        if options.part is not None:
            raise UsageError("a recording has no parts to choose from")
        bars = max(1, min(SEED_BARS, options.bars // 2))
        metre = options.metre or DEFAULT_METRE
        heard = read_recording(seed, metre, bars=bars, device=options.device, threads=options.threads)
        short = shorten(heard.tune, options.bars)
        tune, key, tempo, remarks = short.tune, heard.key, heard.tempo, (str(heard), *short.remarks)
    shift = semitones_to_c(tune, key)
    home = tune.transposed(shift)
    folded = fold_into_range(home, known)
    if moved := sum(old != new for old, new in zip(home.notes, folded.notes, strict=True)):
        remarks += (f"notes beyond the model's range are moved by octaves: {moved} of {len(tune.pitches)}",)
    return Beginning(folded, shift, key, remarks, tempo)


def names_file(seed: str | Path) -> bool:
    """Tell a file, of tunes or a recording, from symbols."""
    if isinstance(seed, Path) or Path(seed).suffix.lower() in SUFFIXES:
        return True
    try:
        return bool(_NOT_SYMBOLS.search(seed)) and Path(seed).exists()
    except (OSError, ValueError):  # too long for a name, or with characters that no name has
        return False


def _transposition(found: Key, asked: Key, interval: int) -> tuple[str, ...]:
    """Say how the seed is transposed; from a major key to a minor one, it comes out in the relative major."""
    if not interval:
        return ()
    reached = found.transposed(interval)
    signature = "" if reached == asked else f", which has the key signature of {asked}"
    distance = f"{count(abs(interval), 'semitone')} {'up' if interval > 0 else 'down'}"
    return (f"transposed from {found} to {reached}{signature}: {distance}",)
