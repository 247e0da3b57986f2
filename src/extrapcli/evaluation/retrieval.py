"""How good is a jump? The distance between what really followed a cut and what follows the place jumped to.

Songs are cut at evenly spaced points. Every other place of the song, two seconds away from the cut and ten from
the song's end at least, may be jumped to. Spectra are log-mel (64 bands, 25 a second, 93 ms windows), standardised
over each song; distances are mean absolute differences. They are made here, not by the network that is judged.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from extrapcli.backends.base import Backend
from extrapcli.evaluation.spectra import PER_SECOND, mel_energies
from extrapcli.extrapolators.recall import Encoder

Array = NDArray[np.float32]
NEAR, SOON, LATE = 2 * PER_SECOND, 2 * PER_SECOND, 10 * PER_SECOND
MATCHES = {"0.5 s": 13, "1 s": 25, "2 s": 50, "4 s": 100, "7 s": 175}
PLAIN = "last 2 s most alike"
RANGE_DECIBELS = 90.0


@dataclass
class Table:
    """The distances over the next 2 s and the next 10 s, a pair for each cut, by the way of choosing."""

    rows: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, way: str, soon: float, late: float) -> None:
        self.rows.setdefault(way, []).append((float(soon), float(late)))

    def means(self) -> dict[str, tuple[float, float]]:
        return {way: tuple(np.mean(pairs, axis=0).round(4).tolist()) for way, pairs in self.rows.items()}

    def way_to_oracle(self, way: str) -> float:
        """How far a way gets from the plain match to the oracle over 10 s: 0 to 1."""
        means = self.means()
        plain, best = means[PLAIN][1], means["oracle"][1]
        return (plain - means[way][1]) / (plain - best)


def retrieval(backend: Backend, songs: list[NDArray[np.int16]], *, cuts: int) -> tuple[Table, Table]:
    """Try the plain matches, the network, chance and an oracle on every cut of mono int16 songs `(n,)`.

    The second table lets only places be jumped to that end ten seconds before the cut or earlier, as when the
    song stops there.
    """
    encoder = Encoder(backend)
    anywhere, earlier = Table(), Table()
    for song in songs:
        sound = song.astype(np.float32)
        sound = (sound - sound.mean()) / (sound.std() or 1.0)
        sound = sound[: len(sound) // encoder.rate * encoder.rate]
        spectra = standard_spectra(sound, encoder.rate)
        encoding = encoder.encode(sound)
        n = len(spectra)
        for cut in np.linspace(16 * PER_SECOND, n - LATE - 1, cuts + 2)[1:-1].astype(int):
            if cut < 4 * PER_SECOND or cut + LATE > n:
                continue
            apart = _aligned(spectra[:n], int(cut), -max(MATCHES.values()), LATE)
            past, future = apart[: max(MATCHES.values())], apart[max(MATCHES.values()) :]
            soon, late = future[:SOON].mean(axis=0), future.mean(axis=0)
            index = np.arange(n)
            allowed = np.isfinite(late) & np.isfinite(past[-NEAR:].mean(axis=0)) & (np.abs(index - cut) > NEAR)
            scores = encoding.keys @ encoding.queries[cut - 1]
            for table, among in ((anywhere, allowed), (earlier, allowed & (index <= cut - LATE))):
                at = np.flatnonzero(among)
                if len(at) < NEAR:
                    continue
                table.add("at random", soon[at].mean(), late[at].mean())
                for name, length in MATCHES.items():
                    distance = np.nan_to_num(past[-length:].mean(axis=0), nan=np.inf)
                    chosen = at[np.argmin(distance[at])]
                    table.add(f"last {name} most alike", soon[chosen], late[chosen])
                chosen = at[np.argmax(scores[at])]
                table.add("network", soon[chosen], late[chosen])
                table.add("oracle", soon[at].min(), late[at].min())
    return anywhere, earlier


def standard_spectra(sound: Array, rate: int) -> Array:
    """Spectra `(n, 64)` of a song, in decibels down to 90 below its loudest point, standardised as a whole."""
    level = 10 * np.log10(mel_energies(sound, rate) + 1e-9)
    level = np.maximum(level, level.max() - RANGE_DECIBELS)
    standard: Array = ((level - level.mean()) / level.std()).astype(np.float32)
    return standard


def _aligned(spectra: Array, cut: int, begin: int, end: int) -> Array:
    """`[k, j]`: the distance of the spectra k hops from the cut and k hops from j, for k from begin to end."""
    n = len(spectra)
    aligned = np.full((end - begin, n), np.nan, np.float32)
    offsets = np.array([k for k in range(begin, end) if 0 <= cut + k < n])
    apart = cdist(spectra[cut + offsets], spectra, "cityblock") / spectra.shape[1]
    for k, row in zip(offsets, apart, strict=True):
        first, last = max(0, -k), min(n, n - k)
        aligned[k - begin, first:last] = row[first + k : last + k]
    return aligned
