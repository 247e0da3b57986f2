"""Speech made to sing: vowels are held for as long as notes last, and the voice is moved to their pitches.

Time and pitch are changed by pitch-synchronous overlap-add (E. Moulines and F. Charpentier, Pitch-synchronous
waveform processing techniques for text-to-speech synthesis, 1990): windows of two periods, centred on the pulses of
the voice, are laid out again at the spacing of the new pitch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.training.espeak import Span, Speech

CONSONANT_PITCH_HZ = (60.0, 500.0)
GLIDE_SECONDS = 0.06
VIBRATO_DELAY_SECONDS = 0.25
SHORTEST_VOWEL_SECONDS = 0.05


@dataclass(frozen=True)
class Note:
    """What a syllable is sung on: a MIDI pitch, which may lie between two, and a length in seconds."""

    pitch: float
    seconds: float


@dataclass(frozen=True)
class Vibrato:
    """Depth in semitones to either side, and rate in Hz."""

    depth: float = 0.35
    rate: float = 5.5


def sing(speech: Speech, notes: Sequence[Note], vibrato: Vibrato = Vibrato()) -> Speech:
    """Sing monotonous speech: vowel k on note k, and after the last note the rest on that one.

    A vowel lasts as long as its note, less the consonants up to the next vowel, which keep their lengths.
    """
    rate = speech.sample_rate
    period = _period(speech)
    vowels = [i for i, phoneme in enumerate(speech.phonemes) if phoneme.is_vowel]
    if not vowels or not period:
        return speech
    source, target, starts = [0.0], [0.0], []  # seconds: knots of the map from sung to spoken time
    for number, vowel in enumerate(vowels):
        span = speech.phonemes[vowel]
        note = notes[min(number, len(notes) - 1)]
        following = speech.phonemes[vowels[number + 1]].begin if number + 1 < len(vowels) else span.end
        target += [target[-1] + span.begin - source[-1]]
        starts.append(target[-1])
        source += [span.begin]
        held = max(SHORTEST_VOWEL_SECONDS, note.seconds - (following - span.end))
        target += [target[-1] + held]
        source += [span.end]
    end = len(speech.samples) / rate
    target.append(target[-1] + end - source[-1])
    source.append(end)
    pitches = _pitch_curve(starts, [note.pitch for note in notes], target[-1], vibrato)
    samples = overlap_add(speech.samples, rate, period, (np.array(target), np.array(source)), pitches)

    def moved(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(
            Span(span.text, *(float(t) for t in np.interp([span.begin, span.end], source, target))) for span in spans
        )

    return Speech(samples, rate, moved(speech.words), moved(speech.phonemes))


def overlap_add(
    samples: NDArray[np.float32],
    rate: int,
    period: float,
    time_map: tuple[NDArray[np.float64], NDArray[np.float64]],
    pitches: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Lay out a voice of one pitch anew.

    `period` is that of the voice in samples. `time_map` has times in the result and the times in `samples` that sound
    there, both rising, in seconds. `pitches` are the MIDI pitches of the result every 5 ms.
    """
    marks = _pulses(samples, period)
    seconds = float(time_map[0][-1])
    half = round(period)
    window = np.hanning(2 * half + 1)[:-1].astype(np.float32)
    padded = np.pad(samples, (half, half))
    result = np.zeros(int(seconds * rate) + 4 * half, np.float32)
    at = 0.0
    grid = np.arange(len(pitches)) * 0.005
    while at < seconds * rate:
        spoken = float(np.interp(at / rate, *time_map)) * rate
        mark = int(marks[min(int(np.searchsorted(marks, spoken)), len(marks) - 1)])
        begin = round(at)
        result[begin : begin + 2 * half] += window * padded[mark : mark + 2 * half]
        at += rate / (440 * 2 ** ((float(np.interp(at / rate, grid, pitches)) - 69) / 12))
    return result[half : half + int(seconds * rate)]


def _pulses(samples: NDArray[np.float32], period: float) -> NDArray[np.int64]:
    """Place a mark on every pulse of a voice: about a period apart, where the sound is strongest nearby."""
    reach = max(1, round(0.2 * period))
    marks, at = [], period / 2
    while at < len(samples) - 1:
        begin = max(0, round(at) - reach)
        near = samples[begin : round(at) + reach]
        loudest = begin + int(near.argmax())
        marks.append(loudest if near.max(initial=0) > 0.02 else round(at))
        at = marks[-1] + period
    return np.array(marks or [0], np.int64)


def _period(speech: Speech) -> float:
    """Return the period of monotonous speech in samples, from the autocorrelation of its vowels; 0 without any."""
    rate = speech.sample_rate
    low, high = (round(rate / frequency) for frequency in CONSONANT_PITCH_HZ[::-1])
    total = np.zeros(high + 1)
    for span in speech.phonemes:
        vowel = speech.samples[round(span.begin * rate) : round(span.end * rate)]
        if span.is_vowel and len(vowel) > 2 * low:
            spectrum = np.fft.rfft(vowel, 2 * len(vowel) + high)
            correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: high + 1]
            overlap = np.maximum(len(vowel) - np.arange(high + 1), len(vowel) // 2)
            total += correlation / overlap
    peak = low + int(total[low:].argmax()) if total.any() else 0
    for divisor in (4, 3, 2):  # a multiple of the period correlates as well
        shorter = round(peak / divisor)
        if shorter >= low and total[shorter - 2 : shorter + 3].max() > 0.85 * total[peak]:
            return float(shorter - 2 + total[shorter - 2 : shorter + 3].argmax())
    return float(peak)


def _pitch_curve(
    starts: Sequence[float], pitches: Sequence[float], seconds: float, vibrato: Vibrato
) -> NDArray[np.float64]:
    """Return pitches every 5 ms: those of the notes, with a glide into each and vibrato on long ones."""
    times = np.arange(int(seconds / 0.005) + 2) * 0.005
    note = np.clip(np.searchsorted(starts, times + GLIDE_SECONDS / 2, side="right") - 1, 0, len(starts) - 1)
    steps = np.asarray([pitches[min(k, len(pitches) - 1)] for k in note], np.float64)
    size = round(GLIDE_SECONDS / 0.005)
    smooth = np.convolve(np.pad(steps, size, "edge"), np.ones(size) / size, "same")[size:-size]
    since = times - np.asarray(starts)[note]
    depth = vibrato.depth * np.clip((since - VIBRATO_DELAY_SECONDS) / 0.2, 0, 1)
    curve: NDArray[np.float64] = smooth + depth * np.sin(2 * np.pi * vibrato.rate * times)
    return curve
