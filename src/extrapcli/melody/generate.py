"""Continuing a tune with a model, step by step."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import DEFAULT_BAR, DELIMITER, HOLD, METRES, Tune, bar_position, decode, encode
from extrapcli.spec import TuneSpec, expect
from extrapcli.words import count

CANDIDATES = 16


@dataclass(frozen=True)
class GeneratedTune:
    """`begun` counts the steps at its beginning that are the seed's.

    `ended` says whether the model ended the tune; otherwise it was cut at the end of the last bar.

    `remarks` are sentences about what was heard in the seed, chosen from it, and changed.
    """

    tune: Tune
    begun: int
    ended: bool
    remarks: tuple[str, ...] = ()


def continue_tune(backend: Backend, seed: Tune, *, bars: int, temperature: float, random_seed: int) -> GeneratedTune:
    """Write a tune of at most `bars` bars that begins with the notes of `seed`, which is in C major or A minor.

    Probabilities are raised to the power 1 / temperature before a symbol is drawn; at 0 the most probable is taken.
    Of sixteen candidates, drawn together, the one is kept whose ending has the highest probability times the square
    of its share of the length asked for. Where none ends, the one whose last note begins first is kept.

    Raises UsageError where the model does not know a symbol of the seed or the seed is too long, UnusableModel where
    the model does not write tunes.
    """
    spec = expect(backend.spec, TuneSpec)
    begun = encode(seed.notes)
    room = seed.upbeat + bars * METRES.get(seed.metre, DEFAULT_BAR) - len(begun)
    if room <= 0:
        raise UsageError(f"the seed leaves no room in a tune of {count(bars, 'bar')}", hint="bars")
    numbers = {symbol: number for number, symbol in enumerate(spec.symbols)}
    if unknown := [symbol for symbol in begun if symbol not in numbers]:
        pitches = [int(symbol) for symbol in spec.symbols if symbol.isdigit()]
        raise UsageError(
            f"seed: model {spec.name} knows the notes {min(pitches)} to {max(pitches)}, not {unknown[0]}"
        )
    rng = np.random.default_rng(random_seed)
    decoder = _Decoder(backend, seed)
    for symbol in [DELIMITER, *begun]:
        probabilities = decoder.step(np.array([numbers[symbol]]))
    decoder.state = np.repeat(decoder.state, CANDIDATES, axis=0)
    probabilities = np.repeat(probabilities, CANDIDATES, axis=0)
    drawn = np.empty((CANDIDATES, room + 1), np.int64)
    lengths = np.full(CANDIDATES, room + 1)  # room + 1 until a candidate ends
    ending = np.zeros(CANDIDATES)  # the probability that the model gave to the end of each
    for step in range(room + 1):
        drawn[:, step] = draw_symbols(probabilities, temperature, rng.random(CANDIDATES))
        ends = (drawn[:, step] == numbers[DELIMITER]) & (lengths > room)
        lengths[ends], ending[ends] = step, probabilities[ends, numbers[DELIMITER]]
        if step == room or (lengths <= room).all():
            break
        probabilities = decoder.step(drawn[:, step])
    ended = bool((lengths <= room).any())
    if ended:
        best = int(np.argmax(ending * (lengths / room) ** 2))
    else:
        held = (drawn[:, :room][:, ::-1] != numbers[HOLD]).argmax(axis=1)  # steps since the last note began
        best = int(held.argmax())
    following = [spec.symbols[number] for number in drawn[best, : min(lengths[best], room)]]
    return GeneratedTune(replace(seed, notes=decode([*begun, *following])), len(begun), ended)


def draw_symbols(
    probabilities: NDArray[np.float32], temperature: float, uniform: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Draw a symbol's number from each row of `(n, symbols)`, given a uniform number in [0, 1) for each."""
    if temperature == 0:
        most_probable: NDArray[np.int64] = probabilities.argmax(axis=1)
        return most_probable
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities.astype(np.float64)) / temperature
    sums = np.exp(logs - logs.max(axis=1, keepdims=True)).cumsum(axis=1)
    below = (sums <= (uniform * sums[:, -1])[:, None]).sum(axis=1)
    numbers: NDArray[np.int64] = np.minimum(below, probabilities.shape[1] - 1)
    return numbers


class _Decoder:
    """Runs the model one step at a time, for several tunes in parallel, and keeps its state."""

    def __init__(self, backend: Backend, seed: Tune) -> None:
        self.backend, self.seed, self.steps = backend, seed, 0
        self.state = np.zeros((1, expect(backend.spec, TuneSpec).state), np.float32)

    def step(self, symbols: NDArray[np.int64]) -> NDArray[np.float32]:
        """Take the next symbol of each tune, `(n,)`, and give the probabilities of those after, `(n, symbols)`."""
        context = np.empty((len(symbols), 1, 2 + self.state.shape[1]), np.float32)
        context[:, 0, 0] = symbols
        context[:, 0, 1] = bar_position(self.seed.metre, self.seed.upbeat, self.steps)
        context[:, 0, 2:] = self.state
        outputs = self.backend.run({"context": context})
        self.state = outputs["state"]
        self.steps += 1
        return outputs["next"]
