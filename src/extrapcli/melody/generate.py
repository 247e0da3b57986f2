"""A tune from its first notes on, one step of a model at a time."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.melody.encoding import DELIMITER, HOLD, METRES, Tune, beat, decode, encode
from extrapcli.spec import TuneSpec, expect

TRIES = 16
DEFAULT_BAR = 16  # steps of what counts as a bar in a tune without a metre
Chances = NDArray[np.float32]


@dataclass(frozen=True)
class Written:
    """`ended` says whether the model ended the tune itself; else it was cut where the last bar ends."""

    tune: Tune
    ended: bool


def go_on(backend: Backend, seed: Tune, *, bars: int, temperature: float, random_seed: int) -> Written:
    """A tune of `bars` bars at most that begins with the notes of `seed`, which is in C major or A minor.

    Chances are raised to the power 1 / temperature before a symbol is drawn; at 0 the likeliest is taken. Of
    sixteen ways to go on, drawn at once, that one is kept whose own end has the greatest chance, times the square of
    how much of the length asked for it has; where none ends, the one whose last note begins first.

    Raises UsageError where the model does not know a symbol of the seed or the seed is too long, UnusableModel where
    it is no model of tunes.
    """
    spec = expect(backend.spec, TuneSpec)
    begun = encode(seed.notes)
    bar = METRES.get(seed.metre, DEFAULT_BAR)
    room = seed.upbeat + bars * bar - len(begun)
    if room <= 0:
        raise UsageError(f"the seed fills {bars} bars already; ask for more with --bars, or give less of it")
    numbers = {symbol: number for number, symbol in enumerate(spec.symbols)}
    if unknown := [symbol for symbol in begun if symbol not in numbers]:
        pitches = [int(symbol) for symbol in spec.symbols if symbol.isdigit()]
        raise UsageError(
            f"seed: model {spec.name} knows the notes {min(pitches)} to {max(pitches)}, not {unknown[0]}"
        )
    rng = np.random.default_rng(random_seed)
    walk = _Walk(backend, partial(beat, seed.metre, seed.upbeat))
    for symbol in [DELIMITER, *begun]:
        chances = walk.step(np.array([numbers[symbol]]))
    walk.state, chances = np.repeat(walk.state, TRIES, axis=0), np.repeat(chances, TRIES, axis=0)
    drawn = np.empty((TRIES, room + 1), np.int64)
    lengths = np.full(TRIES, room + 1)  # of each way, were it not cut
    certain = np.zeros(TRIES)  # the chance that the model gave the end of each
    for place in range(room + 1):
        drawn[:, place] = draw(chances, temperature, rng.random(TRIES))
        ends = (drawn[:, place] == numbers[DELIMITER]) & (lengths > room)
        lengths[ends], certain[ends] = place, chances[ends, numbers[DELIMITER]]
        if place == room or (lengths <= room).all():
            break
        chances = walk.step(drawn[:, place])
    ended = bool((lengths <= room).any())
    if ended:
        best = int(np.argmax(certain * (lengths / room) ** 2))
    else:
        held = (drawn[:, :room][:, ::-1] != numbers[HOLD]).argmax(axis=1)
        best = int(held.argmax())
    following = [spec.symbols[number] for number in drawn[best, : min(lengths[best], room)]]
    return Written(replace(seed, notes=decode([*begun, *following])), ended)


def draw(chances: Chances, temperature: float, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """A number for each row of chances `(n, symbols)`, by one in [0, 1) for each."""
    if temperature == 0:
        likeliest: NDArray[np.int64] = chances.argmax(axis=1)
        return likeliest
    with np.errstate(divide="ignore"):
        logs = np.log(chances.astype(np.float64)) / temperature
    sums = np.exp(logs - logs.max(axis=1, keepdims=True)).cumsum(axis=1)
    below = (sums <= (uniform * sums[:, -1])[:, None]).sum(axis=1)
    numbers: NDArray[np.int64] = np.minimum(below, chances.shape[1] - 1)
    return numbers


class _Walk:
    """The model's state, on its way through several tunes of the same beat."""

    def __init__(self, backend: Backend, beat_of: "partial[int]") -> None:
        self.backend, self.beat_of, self.steps = backend, beat_of, 0
        self.state = np.zeros((1, expect(backend.spec, TuneSpec).state), np.float32)

    def step(self, symbols: NDArray[np.int64]) -> Chances:
        """The chances of what follows these symbols."""
        context = np.empty((len(symbols), 1, 2 + self.state.shape[1]), np.float32)
        context[:, 0, 0] = symbols
        context[:, 0, 1] = self.beat_of(self.steps)
        context[:, 0, 2:] = self.state
        given = self.backend.run({"context": context})
        self.state = given["state"]
        self.steps += 1
        return given["next"]
