"""What all pictures of a song share: its outline, and the colours of its sections and chords."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.harmony import NAMES
from extrapcli.analysis.sections import Section

Colour = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1."""

MAJOR_OPACITY, MINOR_OPACITY = 0.6, 0.3


def outline(samples: NDArray[np.floating], columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the lowest and the highest of `(n,)` or `(n, channels)` in up to `columns` equal stretches.

    Both are scaled so that the loudest sample is 1 or -1.
    """
    channels = samples.reshape(len(samples), -1)
    edges = np.linspace(0, len(samples), min(columns, len(samples)) + 1).astype(int)[:-1]
    low = np.minimum.reduceat(channels, edges).min(axis=1).astype(np.float64)
    high = np.maximum.reduceat(channels, edges).max(axis=1).astype(np.float64)
    loudest = max(-low.min(), high.max(), 1e-9)
    return low / loudest, high / loudest


def section_colours(sections: Iterable[Section]) -> dict[str, Colour]:
    """Give each label a colour, in the order in which they come."""
    from matplotlib import colormaps

    palette = colormaps["Set2"]
    labels = dict.fromkeys(section.label for section in sections)
    return {label: palette(number % palette.N) for number, label in enumerate(labels)}


def chord_colour(name: str) -> Colour:
    """Return the colour of a chord by its name: that of a root a fifth away is near, a minor one is fainter."""
    from matplotlib import colormaps

    root = name.removesuffix("m")
    red, green, blue, _ = colormaps["hsv"](NAMES.index(root) * 7 % 12 / 12)
    return red, green, blue, MAJOR_OPACITY if root == name else MINOR_OPACITY
