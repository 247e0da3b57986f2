"""Distances of timbre, tags and mood between a continuation and its song, from the tagger's outputs."""

import numpy as np

from extrapcli.evaluation.tagger import MOOD_TAGS, Tagging


def embedding_distance(one: Tagging | None, other: Tagging | None) -> float:
    """Compute the cosine distance of two mean embeddings: `1 - cos`, 0 for the same timbre, at most 2.

    Like all distances here, it is NaN where one sound has no tags, as silence.
    """
    if one is None or other is None:
        return np.nan
    a, b = one.embeddings.mean(axis=0, dtype=np.float64), other.embeddings.mean(axis=0, dtype=np.float64)
    return float(1 - a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def tag_distance(one: Tagging | None, other: Tagging | None, names: list[str], among: tuple[str, ...] = ()) -> float:
    """Compare mean tags: `1 - sum(min(p, q)) / sum(max(p, q))`, 0 to 1 (Ružička 1958).

    `names` are those of all tags; with `among`, only these count.
    """
    if one is None or other is None:
        return np.nan
    chosen = [index for index, name in enumerate(names) if not among or name in among]
    p, q = one.tags.mean(axis=0)[chosen], other.tags.mean(axis=0)[chosen]
    return float(1 - np.minimum(p, q).sum() / max(float(np.maximum(p, q).sum()), 1e-12))


def mood_distance(one: Tagging | None, other: Tagging | None, names: list[str]) -> float:
    """Compute `tag_distance` from the tags for mood and movement alone."""
    return tag_distance(one, other, names, MOOD_TAGS)
