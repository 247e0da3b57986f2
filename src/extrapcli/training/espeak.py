"""Speech with known word times, by espeak-ng.

The library comes from the package `espeakng-loader` where that is installed, else from the system.
"""

import ctypes
import ctypes.util
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RETRIEVAL, PHONEME_EVENTS, NO_EXIT = 1, 1, 0x8000
BY_CHARACTER, UTF8 = 1, 1
SPEED, PITCH, RANGE = 1, 3, 4
ENDED, WORD, PHONEME = 0, 1, 7
VOWELS = frozenset("aeiouyAEIOUVQ@03")
"""The letters with which espeak's names of vowels begin."""


@dataclass(frozen=True)
class Span:
    """A word, or a phoneme: its text or name, and where it sounds, in seconds."""

    text: str
    begin: float
    end: float

    @property
    def is_vowel(self) -> bool:
        """Whether a phoneme is a vowel."""
        return self.text.lstrip("',\"")[:1] in VOWELS


@dataclass(frozen=True)
class Speech:
    """Spoken text: mono float32 samples `(n,)` in -1..1, and the words and phonemes in them, in order."""

    samples: NDArray[np.float32]
    sample_rate: int
    words: tuple[Span, ...]
    phonemes: tuple[Span, ...]


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def speak(text: str, voice: str, *, speed: int = 150, pitch: int = 50, intonation: int = 50) -> Speech:
    """Speak a text with a voice such as `de` or `en-us+f3`.

    `speed` is in words a minute, 80 to 450; `pitch` and `intonation` go from 0 to 100, and without intonation every
    word has one pitch. Raises OSError where espeak-ng is not installed and ValueError for an unknown voice.
    """
    library, sample_rate = _library()
    if library.espeak_SetVoiceByName(voice.encode()):
        raise ValueError(f"espeak-ng has no voice {voice}")
    for parameter, value in ((SPEED, speed), (PITCH, pitch), (RANGE, intonation)):
        library.espeak_SetParameter(parameter, value, 0)
    chunks: list[NDArray[np.int16]] = []
    marks: list[tuple[int, str, float]] = []

    def receive(samples: Any, count: int, events: Any) -> int:
        if samples and count:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events[i].type != ENDED:
            event = events[i]
            word = text[event.text_position - 1 : event.text_position - 1 + event.length]
            name = word if event.type == WORD else event.name.decode(errors="replace")
            marks.append((event.type, name, event.milliseconds / 1000))
            i += 1
        return 0

    callback = _Callback(receive)
    library.espeak_SetSynthCallback(callback)
    encoded = text.encode() + b"\0"
    library.espeak_Synth(encoded, len(encoded), 0, BY_CHARACTER, 0, UTF8, None, None)
    library.espeak_Synchronize()
    samples = (np.concatenate(chunks) / 32768).astype(np.float32) if chunks else np.zeros(0, np.float32)
    phonemes = _phonemes(marks, len(samples) / sample_rate)
    return Speech(samples, sample_rate, _words(marks, phonemes), phonemes)


def _phonemes(marks: list[tuple[int, str, float]], end: float) -> tuple[Span, ...]:
    """Return the phonemes that sound: each lasts until the next one, or a pause, begins."""
    all_marks = [(name, begin) for kind, name, begin in marks if kind == PHONEME]
    ends = [begin for _, begin in all_marks[1:]] + [end]
    spans = (Span(name, begin, until) for (name, begin), until in zip(all_marks, ends, strict=True))
    return tuple(span for span in spans if span.text.strip("_:'\" ") and span.end > span.begin)


def _words(marks: list[tuple[int, str, float]], phonemes: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the words, each from its first to its last phoneme; a word without one is left out."""
    begins = [(name, begin) for kind, name, begin in marks if kind == WORD]
    ends = [begin for _, begin in begins[1:]] + [np.inf]
    words = []
    for (name, begin), until in zip(begins, ends, strict=True):
        inside = [phoneme for phoneme in phonemes if begin <= phoneme.begin < until]
        if inside:
            words.append(Span(name, inside[0].begin, inside[-1].end))
    return tuple(words)


@lru_cache(maxsize=1)
def _library() -> tuple[Any, int]:
    """Open the library; return it and its sample rate."""
    try:
        import espeakng_loader
    except ImportError:
        path, data = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1", None
    else:
        path, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path().encode()
    library = ctypes.CDLL(path)
    sample_rate: int = library.espeak_Initialize(RETRIEVAL, 0, data, PHONEME_EVENTS | NO_EXIT)
    if sample_rate <= 0:
        raise OSError("espeak-ng doesn't start; install the package espeakng-loader")
    return library, sample_rate
