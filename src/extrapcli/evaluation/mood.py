"""Does a continuation sound like its song, and feel like it? Distances of what the tagger hears in the two."""

import numpy as np
from numpy.typing import NDArray

from extrapcli.evaluation.tagger import MOOD_TAGS, Heard

Array = NDArray[np.floating]


def embedding_distance(one: Heard, other: Heard) -> float:
    """The cosine distance of two mean embeddings: `1 - cos`, 0 for the same timbre, 2 at the most."""
    a, b = one.embeddings.mean(axis=0, dtype=np.float64), other.embeddings.mean(axis=0, dtype=np.float64)
    return float(1 - a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def tag_distance(one: Heard, other: Heard, names: list[str], among: tuple[str, ...] = ()) -> float:
    """How different two sounds are tagged: `1 - sum(min(p, q)) / sum(max(p, q))` of mean tags, 0 to 1 (Ružička 1958).

    `among` looks at these tags alone.
    """
    chosen = [index for index, name in enumerate(names) if not among or name in among]
    p, q = one.tags.mean(axis=0)[chosen], other.tags.mean(axis=0)[chosen]
    return float(1 - np.minimum(p, q).sum() / max(float(np.maximum(p, q).sum()), 1e-12))


def mood_distance(one: Heard, other: Heard, names: list[str]) -> float:
    """`tag_distance` by the tags that say how music feels or moves alone."""
    return tag_distance(one, other, names, MOOD_TAGS)
