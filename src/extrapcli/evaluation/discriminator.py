"""How easily tracks are told from real music: a score of each window of a track, and of the real music beside it.

`trees/model.onnx` has boosted trees, fitted to windows of songs and of tracks as `training/discriminator/train.py`
does. They see the numbers of `window_features`. A figure is the area under the ROC curve (AUC): how often a window of
a track scores higher than one of what really followed the same songs, 0.5 where nothing tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from extrapcli.backends.onnx import open_session
from extrapcli.evaluation.window_features import FRAMES, PER_SECOND, RATE, log_mel, window_features

Array = NDArray[np.floating]

MODEL = Path(__file__).parent / "trees" / "model.onnx"
WINDOW_SECONDS = FRAMES / PER_SECOND
STEP = PER_SECOND // 2  # frames between windows
AROUND_JOIN = (-0.8, 0.0, 0.8)  # seconds by which the windows at a join are off its middle
BATCH = 64


@dataclass(frozen=True)
class WindowScores:
    """The scores of a track after its head; the higher, the less it sounds like real music.

    Attributes:
        at_join: the mean score of three windows around the first join.
        later: the score of each window that ends after the head, one every half second.
    """

    at_join: float
    later: Array


class Discriminator:
    """The trees, opened once."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._session = open_session(MODEL, device="cpu", threads=threads)

    def score(self, track: NDArray[np.float32], head_seconds: float, join_seconds: float) -> WindowScores:
        """Score a mono track `(n,)` at 22050 Hz that begins with a song, or the song itself with what followed it.

        `join_seconds` is the middle of the first join; give the same for both. Raises ValueError for a track that is
        shorter than a window.
        """
        spectra = log_mel(track)
        last = len(spectra) - FRAMES
        if last < 0:
            raise ValueError(f"a track of {len(track) / RATE:.1f} s is shorter than a window of {WINDOW_SECONDS} s")
        middle = join_seconds - WINDOW_SECONDS / 2
        around = [min(max(0, round((middle + off) * PER_SECOND)), last) for off in AROUND_JOIN]
        first = min(max(0, round((head_seconds - WINDOW_SECONDS / 2) * PER_SECOND)), last)
        later = range(first, last + 1, STEP)
        scores = self._scores(np.stack([spectra[at : at + FRAMES] for at in (*around, *later)]))
        return WindowScores(float(scores[: len(around)].mean()), scores[len(around) :])

    def _scores(self, windows: Array) -> Array:
        batches = [windows[first : first + BATCH] for first in range(0, len(windows), BATCH)]
        return np.concatenate([
            self._session.run(["score"], {"features": window_features(batch)})[0][:, 0] for batch in batches
        ])  # fmt: skip


def auc(made: Array, true: Array) -> float:
    """Return how often a score of `made` is above one of `true`; ties count half (Mann & Whitney 1947)."""
    ranks = rankdata(np.concatenate([made, true]))[: len(made)]
    return float((ranks.sum() - len(made) * (len(made) + 1) / 2) / (len(made) * len(true)))


def told_apart(made: Sequence[WindowScores], true: Sequence[WindowScores]) -> dict[str, float]:
    """Compute the AUC of tracks against what really followed the same songs, in three ways.

    `first join` compares the windows around the first join with those at the same times, `worst place` the highest
    score of each track with that of each song, `anywhere` all windows.
    """
    return {
        "first join": auc(np.array([one.at_join for one in made]), np.array([one.at_join for one in true])),
        "worst place": auc(np.array([one.later.max() for one in made]), np.array([one.later.max() for one in true])),
        "anywhere": auc(np.concatenate([one.later for one in made]), np.concatenate([one.later for one in true])),
    }
