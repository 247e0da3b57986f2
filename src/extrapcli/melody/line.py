"""The most salient line of a recording: one voice out of the notes that were heard.

Notes begin at peaks of the onset posterior and last until the note posterior falls, as in Bittner et al. 2022; then
that chain of notes is found, none overlapping the next, which is worth most. Surer and higher notes are worth more,
leaps, gaps and each note as such cost something. The figures were chosen on 25 folk tunes that a synthesiser played,
alone and accompanied.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from extrapcli.melody.hearing import FRAMES_PER_SECOND, LOWEST, Heard

ONSET, SOUNDING = 0.5, 0.3  # posteriors from which on a note begins, and goes on
AGAIN, AGAIN_FRAMES = 0.7, 8  # the posterior for a beginning where the note has sounded for so many frames already
GAP_FRAMES, SHORTEST_FRAMES = 11, 5  # a note may be as long below SOUNDING; one that is shorter is none
LATE_SECONDS = 0.007  # how much earlier than a note its onset peaks
HEIGHT, TOP = 0.8 / 12, 76  # what a semitone adds to a second's worth, up to a pitch
BASE = 60  # the pitch whose second is worth its posterior
LEAP = 0.5 / 12  # the price of a semitone between notes
GAP = 0.2  # of a second of silence, up to one
NOTE, CLEAR = 0.2, 0.4  # of a note, and what a sure onset is worth
MOST_BEFORE = 80  # notes that may lie between two of a line


class Sung(NamedTuple):
    begin: float  # seconds
    end: float
    pitch: int  # MIDI number
    sure: float  # 0 to 1: the posteriors of its onset and of its sounding, multiplied


def find_line(heard: Heard) -> list[Sung]:
    """The notes of the line in order, each ending before the next begins; none where nothing was heard."""
    begins, ends, pitches, sounding, onset = _notes(heard)
    if not len(begins):
        return []
    worth = (sounding + HEIGHT * (np.minimum(pitches, TOP) - BASE)) / FRAMES_PER_SECOND  # of a frame
    sums, before = np.empty(len(begins)), np.full(len(begins), -1)  # of the chain up to a note, without its length
    for place in range(len(begins)):
        others = np.arange(max(0, place - MOST_BEFORE), place)
        others = others[begins[others] + SHORTEST_FRAMES <= begins[place]]
        sums[place] = CLEAR * onset[place] - NOTE
        if len(others):
            lengths = np.minimum(ends[others], begins[place]) - begins[others]
            silence = np.clip((begins[place] - ends[others]) / FRAMES_PER_SECOND, 0, 1)
            price = LEAP * np.abs(pitches[others] - pitches[place]) + GAP * silence
            sums_with = sums[others] + worth[others] * lengths - price
            sums[place] += sums_with.max()
            before[place] = others[sums_with.argmax()]
    line: list[Sung] = []
    last, limit = int((sums + worth * (ends - begins)).argmax()), len(heard.notes)
    while last >= 0:
        begin, end = (float(f / FRAMES_PER_SECOND + LATE_SECONDS) for f in (begins[last], min(ends[last], limit)))
        line.append(Sung(begin, end, int(pitches[last]), float(onset[last] * sounding[last])))
        last, limit = int(before[last]), int(begins[last])
    return line[::-1]


def _notes(heard: Heard) -> tuple[NDArray[np.integer], ...]:
    """Of all notes in order: first frame, the one after the last, pitch, mean posterior, posterior of the onset."""
    sounded = sliding_window_view(np.pad(heard.notes, ((AGAIN_FRAMES, 0), (0, 0))), AGAIN_FRAMES, axis=0)
    needed = np.where(sounded[: len(heard.notes)].min(axis=2) >= SOUNDING, AGAIN, ONSET)
    here = heard.onsets[1:-1]
    peaks = (here >= needed[1:-1]) & (here > heard.onsets[:-2]) & (here >= heard.onsets[2:])
    found = []
    for note in range(heard.notes.shape[1]):
        begins = 1 + np.flatnonzero(peaks[:, note])
        posterior = heard.notes[:, note]
        for begin, limit in zip(begins, np.append(begins, len(posterior))[1:], strict=True):
            sounds = np.flatnonzero(posterior[begin:limit] >= SOUNDING)
            pauses = np.flatnonzero(np.diff(sounds, prepend=-1) > GAP_FRAMES)
            sounds = sounds[: pauses[0]] if len(pauses) else sounds
            end = begin + sounds[-1] + 1 if len(sounds) else begin
            if end - begin >= SHORTEST_FRAMES:
                mean = posterior[begin:end].mean()
                found.append((begin, end, LOWEST + note, mean, heard.onsets[begin, note]))
    found.sort()
    return tuple(np.array(column) for column in zip(*found, strict=True)) or (np.empty(0, int),) * 5
