"""The sections of a song, and its phrases, on its bar lines.

Bars are compared by their timbre and their harmony. A section begins where the timbre changes (J. Foote, Automatic
audio segmentation using a measure of audio novelty, 2000), or where repetitions begin or end (J. Serrà et al.,
Unsupervised music structure annotation by time series structure features and segment similarity, 2014).
"""

from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.grid import means
from extrapcli.analysis.spectra import Levels, PitchClasses

PARTS = 4  # of a bar, which are compared one by one
MOST_BARS = 1200  # those of 40 minutes; in longer songs, several are taken together
LEAST_DEVIATION = 4.0  # decibels: in a song in which a band varies less, it matters less

BAR_SECONDS = 2.0  # of a usual bar: where bars are half, a quarter, ... as long, twice as many count as one here
MOST_OCTAVES = 3  # bars are a quarter of a second at least, but for sounds as short
KERNEL_BARS = 8  # on either side of a boundary, whose timbres are compared
STRIPE_BARS = 4  # on either side, in which the repetitions are counted
PHRASE_KERNEL_BARS = 2
NOVELTY, STRIPES = 0.1, 0.12  # as much of one or the other pays for a boundary
LEAST, MOST = -2.0, 4.0  # of each, in these units
SECTION_COST = 1.0
LONGEST_BARS = 128
LONG_BARS, LONG_COST, LONGER_COST = 16, 0.5, 0.05  # at once, and for each bar beyond

ALIKE = 0.6  # mean similarity of bars, from which two sections have one label
SHORTER_SHARE, SHORTER_COST = 0.45, 0.7


@dataclass(frozen=True)
class Section:
    """A section of a song.

    Attributes:
        begin: in seconds from the beginning of the song.
        end: where the next one begins, or the music ends.
        label: `A`, `B`, ...; sections that sound alike have the same one.
        phrases: where its phrases begin, in seconds; the first at its own beginning.
    """

    begin: float
    end: float
    label: str
    phrases: tuple[float, ...]


def find_sections(
    bars: NDArray[np.float64], levels: Levels, pitch_classes: PitchClasses, *, have_phrases: bool
) -> tuple[Section, ...]:
    """Find the sections between bar lines `(bars + 1,)`, in seconds; phrases are looked for where there are some."""
    bars = np.append(bars[:-1:group], bars[-1]) if (group := -(-(len(bars) - 1) // MOST_BARS)) > 1 else bars
    unit = 2 ** int(np.clip(np.log2(BAR_SECONDS / np.median(np.diff(bars))), 0, MOST_OCTAVES))
    timbre, harmony = _similarities(bars, levels, pitch_classes)
    both = (timbre + harmony) / 2
    gain = _clipped(_novelty(timbre, KERNEL_BARS * unit) / NOVELTY)
    gain += _clipped(_stripes(both, STRIPE_BARS * unit) / STRIPES)
    lines = _divide(gain, _section_costs(len(gain), unit))
    labels = _labels(both, lines)
    phrase_gain = _clipped(_novelty(both, PHRASE_KERNEL_BARS * unit) / NOVELTY)
    sections = []
    for first, last, label in zip(lines[:-1], lines[1:], labels, strict=True):
        phrases = [0]
        if have_phrases and group == 1:
            phrases = _divide(phrase_gain[first:last], _phrase_costs(last - first, unit))[:-1]
        begins = tuple(float(bars[first + phrase]) for phrase in phrases)
        sections.append(Section(float(bars[first]), float(bars[last]), label, begins))
    return tuple(sections)


def _similarities(
    bars: NDArray[np.float64], levels: Levels, pitch_classes: PitchClasses
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Compare each two bars by the levels of their bands and by their chroma, part by part: `(n, n)`, 0 to 1."""
    n = len(bars) - 1
    parts = np.append((bars[:-1, None] + np.diff(bars)[:, None] * np.arange(PARTS) / PARTS).ravel(), bars[-1])
    bands = means(levels.bands, parts)
    bands = bands - bands.mean(axis=0)
    bands /= np.maximum(bands.std(axis=0), LEAST_DEVIATION)
    rows = bands.reshape(n, -1)
    squares = np.square(rows).mean(axis=1)
    distances = squares[:, None] + squares - 2 / rows.shape[1] * (rows @ rows.T)
    chroma = _unit(means(pitch_classes.strengths, parts))
    notes = _unit((chroma - chroma.mean(axis=1, keepdims=True)).reshape(n, -1))
    return np.exp(-np.maximum(0, distances)), np.maximum(0, notes @ notes.T)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    unit: NDArray[np.floating] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return unit


def _novelty(similarity: NDArray[np.floating], reach: int) -> NDArray[np.floating]:
    """Return how much more alike bars are within either side of each bar line than across it, `(n,)`."""
    n = len(similarity)
    offsets = np.arange(-reach, reach) + 0.5
    taper = np.sign(offsets) * np.exp(-0.5 * (offsets / (reach / 1.5)) ** 2)
    kernel = np.outer(taper, taper)
    kernel /= np.abs(kernel).sum()
    padded = np.pad(similarity, reach, "reflect" if n > reach else "edge")
    total = np.zeros(n)
    for row in range(2 * reach):
        windows = np.lib.stride_tricks.sliding_window_view(padded.ravel()[row * padded.shape[1] :], 2 * reach)
        total += windows[:: padded.shape[1] + 1][:n] @ kernel[row]
    return total


def _stripes(similarity: NDArray[np.floating], reach: int) -> NDArray[np.float64]:
    """Return how much the similarities to the bars at all distances change at each bar line, less their median."""
    n = len(similarity)
    bars = np.arange(n)
    by_distance = similarity[bars[:, None], (bars[:, None] + bars) % n]
    padded = np.pad(by_distance, ((reach, reach), (0, 0)), "edge")
    sums = np.concatenate([np.zeros((1, n)), np.cumsum(padded, axis=0, dtype=np.float64)])
    around = (sums[reach:] - sums[:-reach]) / reach
    change = np.sqrt(np.square(around[reach:][:n] - around[:n]).mean(axis=1))
    above: NDArray[np.float64] = change - np.median(change)
    return above


def _clipped(gain: NDArray[np.floating]) -> NDArray[np.floating]:
    clipped: NDArray[np.floating] = np.clip(gain, LEAST, MOST)
    return clipped


def _section_costs(bars: int, unit: int) -> NDArray[np.float64]:
    """Return the cost of a section of 0, 1, ... bars: the least for 8 and 16 units, then other multiples of 4."""
    length = np.arange(bars + 1) / unit
    cost = np.select(
        [length < 4, length % 8 == 0, length % 4 == 0, length % 2 == 0],
        [SECTION_COST + 5, SECTION_COST, SECTION_COST + 0.06, SECTION_COST + 0.12],
        SECTION_COST + 0.2,
    )
    return cost + np.where(length > LONG_BARS, LONG_COST + LONGER_COST * (length - LONG_BARS), 0)


def _phrase_costs(bars: int, unit: int) -> NDArray[np.float64]:
    """Return the cost of a phrase of 0, 1, ... bars: the least for 4 units, then 8 and 2."""
    length = np.arange(bars + 1) / unit
    return np.select([length == 4, length == 8, length == 2, length < 2, length > 8], [1.0, 2.2, 2.0, 4.0, 8.0], 2.5)


def _divide(gain: NDArray[np.floating], cost: NDArray[np.float64]) -> list[int]:
    """Choose bar lines, the first and the one after the last among them.

    `gain` `(n,)` is what each bar line between adds, `cost` `(n + 1,)` what the length of each piece takes away.
    """
    n = len(gain)
    best, before = np.zeros(n + 1), np.zeros(n + 1, np.intp)
    for end in range(1, n + 1):
        first = max(0, end - LONGEST_BARS)
        totals = best[first:end] - cost[end - first : 0 : -1]
        before[end] = first + int(totals.argmax())
        best[end] = totals.max() + (gain[end] if end < n else 0)
    lines = [n]
    while lines[-1]:
        lines.append(int(before[lines[-1]]))
    return lines[::-1]


def _labels(similarity: NDArray[np.floating], lines: list[int]) -> list[str]:
    """Give each section the label of the earlier ones that it is most like, or a new one."""
    groups: list[list[int]] = []
    chosen = []
    for section in range(len(lines) - 1):
        likeness = [float(np.mean([_likeness(similarity, lines, section, k) for k in group])) for group in groups]
        best = int(np.argmax(likeness)) if groups else -1
        if best < 0 or likeness[best] < ALIKE:
            best = len(groups)
            groups.append([])
        groups[best].append(section)
        chosen.append(best)
    return [_label(number) for number in chosen]


def _likeness(similarity: NDArray[np.floating], lines: list[int], one: int, other: int) -> float:
    """Return how alike two sections are bar by bar, where they begin or end together, or a bar apart."""
    block = similarity[lines[one] : lines[one + 1], lines[other] : lines[other + 1]]
    shorter, longer = sorted(block.shape)
    apart = block.shape[1] - block.shape[0]
    shifts = {together + bars for together in (0, apart) for bars in (-1, 0, 1)}
    diagonals = [block.diagonal(shift) for shift in shifts]
    best = max(float(diagonal.mean()) for diagonal in diagonals if len(diagonal) >= max(1, shorter - 1))
    return best * (1 if shorter > SHORTER_SHARE * longer else SHORTER_COST)


def _label(number: int) -> str:
    """Return A, B, ... Z, AA, AB, ..."""
    return (_label(number // 26 - 1) if number >= 26 else "") + ascii_uppercase[number % 26]
