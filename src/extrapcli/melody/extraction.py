"""Melody extraction: one voice out of all the notes of a transcription.

Notes begin at peaks of the onset posterior and last until the note posterior falls, as in Bittner et al. 2022. Of all
chains of notes that do not overlap, dynamic programming finds the one with the highest score: confident and high
notes add to it, leaps, gaps and each note as such cost something. The weights were chosen on 25 folk tunes played by
a synthesizer, alone and accompanied.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from extrapcli.melody.transcription import FRAMES_PER_SECOND, LOWEST_PITCH, Transcription

ONSET, SOUNDING = 0.5, 0.3  # posteriors at which a note begins, and below which it ends
REPEATED_ONSET, REPEATED_FRAMES = 0.7, 8  # the onset posterior needed where the pitch has sounded for so many frames
GAP_FRAMES, SHORTEST_FRAMES = 11, 5  # a note may be below SOUNDING for so long; a shorter note is dropped
ONSET_DELAY = 0.007  # s; the onset posterior peaks so much before the note begins
HEIGHT_BONUS, BONUS_TOP = 0.8 / 12, 76  # for each semitone above BONUS_BASE, up to this pitch, per second
BONUS_BASE = 60
LEAP_COST = 0.5 / 12  # for a semitone between two notes
GAP_COST = 0.2  # for a second of silence, up to one
NOTE_COST, ONSET_BONUS = 0.2, 0.4  # for each note; for an onset posterior of 1
MOST_BETWEEN = 80  # notes of the transcription between two that follow one another in the melody


class NoteEvent(NamedTuple):
    begin: float  # seconds
    end: float
    pitch: int  # MIDI number
    confidence: float  # 0 to 1: the onset posterior times the mean note posterior


def extract_melody(transcription: Transcription) -> list[NoteEvent]:
    """Extract the notes of the melody in order, each ending before the next begins; none where none is heard."""
    begins, ends, pitches, sounding, onset = _note_candidates(transcription)
    if not len(begins):
        return []
    frame_score = (sounding + HEIGHT_BONUS * (np.minimum(pitches, BONUS_TOP) - BONUS_BASE)) / FRAMES_PER_SECOND
    scores = np.empty(len(begins))  # of the best chain that ends with a note, without the length of that note
    previous = np.full(len(begins), -1)
    for index in range(len(begins)):
        others = np.arange(max(0, index - MOST_BETWEEN), index)
        others = others[begins[others] + SHORTEST_FRAMES <= begins[index]]
        scores[index] = ONSET_BONUS * onset[index] - NOTE_COST
        if len(others):
            lengths = np.minimum(ends[others], begins[index]) - begins[others]
            silence = np.clip((begins[index] - ends[others]) / FRAMES_PER_SECOND, 0, 1)
            cost = LEAP_COST * np.abs(pitches[others] - pitches[index]) + GAP_COST * silence
            chains = scores[others] + frame_score[others] * lengths - cost
            scores[index] += chains.max()
            previous[index] = others[chains.argmax()]
    melody: list[NoteEvent] = []
    last, limit = int((scores + frame_score * (ends - begins)).argmax()), len(transcription.notes)
    while last >= 0:
        begin, end = (float(f / FRAMES_PER_SECOND + ONSET_DELAY) for f in (begins[last], min(ends[last], limit)))
        melody.append(NoteEvent(begin, end, int(pitches[last]), float(onset[last] * sounding[last])))
        last, limit = int(previous[last]), int(begins[last])
    return melody[::-1]


def _note_candidates(transcription: Transcription) -> tuple[NDArray[np.integer], ...]:
    """Find all notes in order: first frame, frame after the last, pitch, mean note posterior, onset posterior."""
    posteriors, onsets = transcription
    sounded = sliding_window_view(np.pad(posteriors, ((REPEATED_FRAMES, 0), (0, 0))), REPEATED_FRAMES, axis=0)
    threshold = np.where(sounded[: len(posteriors)].min(axis=2) >= SOUNDING, REPEATED_ONSET, ONSET)
    here = onsets[1:-1]
    peaks = (here >= threshold[1:-1]) & (here > onsets[:-2]) & (here >= onsets[2:])
    found = []
    for pitch in range(posteriors.shape[1]):
        begins = 1 + np.flatnonzero(peaks[:, pitch])
        posterior = posteriors[:, pitch]
        for begin, limit in zip(begins, np.append(begins, len(posterior))[1:], strict=True):
            sounds = np.flatnonzero(posterior[begin:limit] >= SOUNDING)
            pauses = np.flatnonzero(np.diff(sounds, prepend=-1) > GAP_FRAMES)
            sounds = sounds[: pauses[0]] if len(pauses) else sounds
            end = begin + sounds[-1] + 1 if len(sounds) else begin
            if end - begin >= SHORTEST_FRAMES:
                found.append((begin, end, LOWEST_PITCH + pitch, posterior[begin:end].mean(), onsets[begin, pitch]))
    found.sort()
    return tuple(np.array(column) for column in zip(*found, strict=True)) or (np.empty(0, int),) * 5
