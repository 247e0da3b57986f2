"""From a seed to a new tune: a MIDI file, and sound and a score where they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from extrapcli.backends import open_model
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import METRES, Tune, decode, parse_symbols
from extrapcli.melody.generate import GeneratedTune, continue_tune
from extrapcli.melody.keys import c_or_a_minor, find_key, parse_key, semitones_from_c, semitones_to_c
from extrapcli.melody.outputs import Outputs, prepare, write
from extrapcli.melody.tune_files import SUFFIXES, read_tune
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

if TYPE_CHECKING:
    from extrapcli.melody.recording import RecordedMelody

DEFAULT_MODEL = "melody"
DEFAULT_METRE = "4/4"
DEFAULT_TEMPO = 100.0


@dataclass(frozen=True)
class MelodyOptions:
    """How a tune is to be written. None takes what the seed has, or else C major or A minor, 4/4 and 100.

    Attributes:
        bars: the length that the tune may have, with its seed.
        temperature: below 1 the usual becomes more probable, above 1 the unusual; at 0 nothing is left to chance.
        random_seed: another number gives another tune.
        key: as `G`, `F#` or `Am`.
        metre: one of METRES.
        tempo: in quarters a minute.
        model: a name or a path.
        device, threads: what the networks run on; `auto` runs the one that writes tunes on the CPU, where its small
            steps are fastest, on one thread.

    Raises UsageError for numbers that are out of range.
    """

    bars: int = 16
    temperature: float = 1.0
    random_seed: int = 0
    key: str | None = None
    metre: str | None = None
    tempo: float | None = None
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
        check_threads(self.threads)


def write_tune(
    seed: str | Path,
    outputs: Outputs,
    options: MelodyOptions,
    *,
    on_melody: "Callable[[RecordedMelody], None]" = lambda melody: None,
) -> GeneratedTune:
    """Continue a seed, and write the tune; return it, too.

    A seed of type str is symbols in C major or A minor, or the path of a file of tunes. A Path is that of a
    recording; `on_melody` is called with the melody that is heard in it. Raises as `prepare`, `parse_symbols`,
    `read_tune`, `read_recording`, `open_model`, `continue_tune` and `write` do.
    """
    metre, tempo = options.metre, options.tempo
    if metre is not None and metre not in METRES:
        raise UsageError(f"a metre of {metre} is not supported; choose one of {', '.join(METRES)}")
    font = prepare(outputs)
    key = parse_key(options.key) if options.key else None
    device = "cpu" if options.device == "auto" else options.device
    model = open_model(
        find_model(options.model), backend=options.backend, device=device, threads=options.threads or 1
    )
    if isinstance(seed, Path):
        from extrapcli.melody.recording import SEED_BARS, fold_into_range, read_recording

        bars = max(1, min(SEED_BARS, options.bars // 2))
        heard = read_recording(
            seed, metre or DEFAULT_METRE, bars=bars, device=options.device, threads=options.threads
        )
        on_melody(heard)
        tempo = tempo or heard.tempo
        shift = semitones_to_c(heard.tune, heard.key)
        begin = fold_into_range(heard.tune.transposed(shift), expect(model.spec, TuneSpec).symbols)
    else:
        begin, shift = read_seed(seed, metre)
    generated = continue_tune(
        model, begin, bars=options.bars, temperature=options.temperature, random_seed=options.random_seed
    )
    back = semitones_from_c(key) if key else -shift
    tune = generated.tune.transposed(back)
    written_key = c_or_a_minor(generated.tune).transposed(back)
    source = Path(seed) if isinstance(seed, Path) or _is_file_name(seed) else None
    write(outputs, tune, written_key, tempo=tempo or DEFAULT_TEMPO, font=font, source=source)
    return GeneratedTune(tune, generated.ended)


def read_seed(seed: str, metre: str | None) -> tuple[Tune, int]:
    """Read symbols or a file as a tune in C major or A minor; return the semitones of its transposition, too."""
    if not _is_file_name(seed):
        return Tune("", decode(parse_symbols(seed)), metre or DEFAULT_METRE), 0
    tune = read_tune(Path(seed))
    if metre:
        tune = replace(tune, metre=metre, upbeat=0)
    shift = semitones_to_c(tune, find_key(tune))
    return tune.transposed(shift), shift


def _is_file_name(seed: str) -> bool:
    return Path(seed).suffix.lower() in SUFFIXES
