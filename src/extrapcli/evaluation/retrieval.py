"""How good a jump is: how far the music after its target is from what really followed the cut.

Songs are cut at evenly spaced points. A jump may go to any other position of the song that is two seconds away from
the cut and ten seconds before the song's end, at least. Spectra are log-mel (64 bands, 25 frames a second, windows of
93 ms), standardised over each song, and computed here, not by the network that is measured. Distances are mean
absolute differences.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from extrapcli.backends.base import Backend
from extrapcli.evaluation.spectra import FRAMES_PER_SECOND, mel_power
from extrapcli.extrapolators.recall import Encoder

NEAR, SOON, LATE = 2 * FRAMES_PER_SECOND, 2 * FRAMES_PER_SECOND, 10 * FRAMES_PER_SECOND
MATCHES = {"0.5 s": 13, "1 s": 25, "2 s": 50, "4 s": 100, "7 s": 175}
PLAIN, ORACLE = "last 2 s most similar", "oracle"
RANGE_DECIBELS = 90.0


@dataclass
class Table:
    """The distances over the next 2 s and the next 10 s, a pair for each cut, by the way a target is chosen."""

    rows: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def add(self, choice: str, soon: float, late: float) -> None:
        self.rows.setdefault(choice, []).append((float(soon), float(late)))

    def means(self) -> dict[str, tuple[float, float]]:
        return {choice: tuple(np.mean(pairs, axis=0).round(4).tolist()) for choice, pairs in self.rows.items()}

    def share_of_oracle(self, choice: str) -> float:
        """Return how much of the oracle's gain over the plain match a way of choosing has over 10 s, at most 1.

        NaN where the oracle gains nothing, as in songs that repeat exactly.
        """
        means = self.means()
        plain, best = means[PLAIN][1], means[ORACLE][1]
        return (plain - means[choice][1]) / (plain - best) if best < plain else np.nan


def retrieval(backend: Backend, songs: list[NDArray[np.int16]], *, cuts: int) -> tuple[Table, Table]:
    """Try plain matches, the network, chance and an oracle on every cut of mono int16 songs `(n,)`.

    In the second table, targets must be ten seconds before the cut or earlier, as if the song stopped there.
    """
    encoder = Encoder(backend)
    anywhere, earlier = Table(), Table()
    longest = max(MATCHES.values())
    for song in songs:
        sound = song.astype(np.float32)
        sound = (sound - sound.mean()) / (sound.std() or 1.0)
        sound = sound[: len(sound) // encoder.rate * encoder.rate]
        spectra = standard_spectra(sound, encoder.rate)
        encoding = encoder.encode(sound)
        n = len(spectra)
        index = np.arange(n)
        for cut in np.linspace(16 * FRAMES_PER_SECOND, n - LATE - 1, cuts + 2)[1:-1].astype(int):
            if cut < 4 * FRAMES_PER_SECOND or cut + LATE > n:
                continue
            distances = _distances(spectra, int(cut), -longest, LATE)
            past, future = distances[:longest], distances[longest:]
            soon, late = future[:SOON].mean(axis=0), future.mean(axis=0)
            allowed = np.isfinite(late) & np.isfinite(past[-NEAR:].mean(axis=0)) & (np.abs(index - cut) > NEAR)
            scores = encoding.keys @ encoding.queries[cut - 1]
            for table, among in ((anywhere, allowed), (earlier, allowed & (index <= cut - LATE))):
                targets = np.flatnonzero(among)
                if len(targets) < NEAR:
                    continue
                table.add("at random", soon[targets].mean(), late[targets].mean())
                for name, length in MATCHES.items():
                    match = np.nan_to_num(past[-length:].mean(axis=0), nan=np.inf)
                    chosen = targets[np.argmin(match[targets])]
                    table.add(f"last {name} most similar", soon[chosen], late[chosen])
                chosen = targets[np.argmax(scores[targets])]
                table.add("network", soon[chosen], late[chosen])
                table.add(ORACLE, soon[targets].min(), late[targets].min())
    return anywhere, earlier


def standard_spectra(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Compute spectra `(n, 64)` of a song in decibels, to 90 below the loudest point, standardised as a whole."""
    level = 10 * np.log10(mel_power(sound, rate) + 1e-9)
    level = np.maximum(level, level.max() - RANGE_DECIBELS)
    standard: NDArray[np.float32] = ((level - level.mean()) / level.std()).astype(np.float32)
    return standard


def _distances(spectra: NDArray[np.float32], cut: int, begin: int, end: int) -> NDArray[np.float32]:
    """Compare the spectra k frames from the cut and k frames from j: `[k - begin, j]`, k from `begin` to `end`."""
    n = len(spectra)
    aligned = np.full((end - begin, n), np.nan, np.float32)
    offsets = np.array([k for k in range(begin, end) if 0 <= cut + k < n])
    distances = cdist(spectra[cut + offsets], spectra, "cityblock") / spectra.shape[1]
    for k, row in zip(offsets, distances, strict=True):
        first, last = max(0, -k), min(n, n - k)
        aligned[k - begin, first:last] = row[first + k : last + k]
    return aligned
