"""The songs of the benchmark: they stop in the middle of the music, and what really followed is known."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.training.corpus import Corpus

CLIP_SECONDS, CLIP_TRACK_SECONDS = 30, 90
LEAST_SECONDS, MOST_SECONDS = 120, 240  # of a whole song
LEAST_AFTER_SECONDS = 60  # that really follow it
LEAST_CHOICE_SECONDS = 10  # among which the moment is chosen at which it stops


class Span(NamedTuple):
    """Where in a file a song begins, how long it is, and how long its track, in seconds."""

    begin: float
    head: int
    track: int


@dataclass(frozen=True)
class Excerpt:
    """A song that was cut off, as a file and as samples `(n, channels)`.

    Attributes:
        split: of the corpus.
        true: the music that it was cut from, from the same beginning, up to the end of the track or of the music.
        track_seconds: how long its tracks are.
    """

    name: str
    split: str
    path: Path
    sample_rate: int
    head: NDArray[np.float32]
    true: NDArray[np.float32]
    track_seconds: int

    @property
    def seconds(self) -> float:
        return len(self.head) / self.sample_rate

    @property
    def wanted(self) -> int:
        """The samples of a track."""
        return self.track_seconds * self.sample_rate


def clip(seconds: float, rng: random.Random) -> Span | None:
    """Choose half a minute a third of the way into a song; None where too little follows."""
    rest = seconds - CLIP_TRACK_SECONDS
    return Span(rest / 3, CLIP_SECONDS, CLIP_TRACK_SECONDS) if rest >= 0 else None


def whole_song(seconds: float, rng: random.Random) -> Span | None:
    """Choose a moment, two to four minutes into a song, at which it doesn't end; None where the song is too short."""
    last = min(MOST_SECONDS, int(seconds) - LEAST_AFTER_SECONDS)
    if last < LEAST_SECONDS + LEAST_CHOICE_SECONDS:
        return None
    head = rng.randint(LEAST_SECONDS, last)
    return Span(0, head, 2 * head)


def excerpts(
    corpus: Path, splits: list[str], count: int, choose: Callable[[float, random.Random], Span | None], folder: Path
) -> Iterator[Excerpt]:
    """Cut up to `count` songs off, where `choose` says; their files go into a folder.

    They come from the first split, in a random order that is always the same; where it has too few, from the next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = 0
    for split in splits:
        sources = Corpus.open(corpus).songs(split)
        random.Random(0).shuffle(sources)
        for source in sources:
            if found == count:
                return
            song = decode(source)
            span = choose(song.seconds, random.Random(source.stem))
            if span is None:
                continue
            found += 1
            begin = round(span.begin * song.sample_rate)
            true = song.samples[begin : begin + span.track * song.sample_rate].astype(np.float32)
            head = true[: span.head * song.sample_rate]
            path = folder / f"{source.stem}.wav"
            soundfile.write(path, head, song.sample_rate, subtype="FLOAT")
            yield Excerpt(source.stem, split, path, song.sample_rate, head, true, span.track)
