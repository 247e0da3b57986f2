"""A track in a file: what is known of it, and how it is written."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.atomic import atomic_file, open_stream, takes_streams
from extrapcli.audio.clipping import Clip
from extrapcli.audio.encode import TrackWriter, open_track
from extrapcli.audio.formats import held_rate
from extrapcli.audio.forward import STREAMED, stream_track
from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.song import Song, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.continuation import Join
from extrapcli.mood.meter import Mood
from extrapcli.rating import Rating


@dataclass(frozen=True)
class TrackFile:
    """A track that was written, and how it was made; `samples` and `song_samples` count those of one channel.

    All rates and counts are those of the track, which a lossy format may hold only at another rate than the song's.
    `notes` say, each in a sentence without the song's name, what was lost, changed or not reached. `mood` is there
    where one was asked for. Where a track leads back, `loop_begin` is the sample at which it goes on after its end.
    `rating` is what takes are ranked by, if that is known.
    """

    song: str
    path: Path
    format: str
    samples: int
    sample_rate: int
    channels: int
    song_samples: int
    model: str
    backend: str
    device: str
    seed: int
    joins: list[Join]
    copied_seconds: float
    notes: list[str]
    mood: Mood | None = None
    loop_begin: int | None = None
    rating: Rating | None = None

    @property
    def audible_joins(self) -> int | None:
        """How many joins stand out from the song's own beats; None where there are new bars, and it isn't known."""
        return None if any(join.sounds for join in self.joins) else audible(self.joins)

    def to_json(self) -> str:
        facts = asdict(self) | {"seconds": self.samples / self.sample_rate, "audible_joins": self.audible_joins}
        facts["track"] = str(facts.pop("path"))
        return json.dumps(facts)


def held_samples(samples: int, song: Song, format: str) -> int:
    """Return how many samples a format holds of so many at a song's rate."""
    return round(samples * held_rate(format, song.sample_rate) / song.sample_rate)


def held(
    pieces: Iterable[NDArray[np.floating]], samples: int | None, song: Song, format: str
) -> Iterable[NDArray[np.floating]]:
    """Bring the pieces of a track, of so many samples or without end, to a rate that its format can hold."""
    rate = held_rate(format, song.sample_rate)
    if rate == song.sample_rate:
        return pieces
    return resample_chunks(pieces, samples, from_rate=song.sample_rate, to_rate=rate)


def write_track(
    pieces: Iterable[NDArray[np.floating]],
    samples: int,
    song: Song,
    path: Path,
    *,
    source: Path,
    format: str,
    overwrite: bool,
    clip: Clip,
    version: str,
    written: Callable[[float], None] = lambda share: None,
    finish: Callable[[Path], list[str]] | None = None,
) -> list[str]:
    """Write the pieces of a track of so many samples, at the rate that its format can hold of its song's.

    The track appears at `path` when it is whole, with the song's tags and a title that names its `version`; a pipe
    gets it piece by piece, if its format allows. `finish` may add to the file before, and returns notes. Returns all
    notes. Raises as `atomic_file` and `open_track` do.
    """
    like, notes = held_as(song, format)

    def counted(track: TrackWriter) -> None:
        done = 0
        for piece in pieces:
            track.write(piece)
            done += len(piece)
            written(done / samples)

    if not finish and format in STREAMED and takes_streams(path):
        with _streamed(path, song, version, format=format, expected_samples=samples, clip=clip) as track:
            counted(track)
        return notes + track.notes
    with atomic_file(path, source=source, overwrite=overwrite) as whole:
        with open_track(whole, like, format=format, expected_samples=samples, clip=clip) as track:
            counted(track)
        notes += [*track.notes, *write_tags(whole, format, _track_tags(song, version))]
        notes += finish(whole) if finish else []
    return notes


def stream_endless(
    pieces: Iterable[NDArray[np.floating]], song: Song, path: Path, *, format: str, clip: Clip
) -> None:
    """Write pieces, at the song's rate, into a pipe or another special file for as long as there are any.

    Raises as `open_stream` and `stream_track` do.
    """
    with _streamed(path, song, "continued", format=format, expected_samples=None, clip=clip) as track:
        for piece in held(pieces, None, song, format):
            track.write(piece)


@contextmanager
def _streamed(
    path: Path, song: Song, version: str, *, format: str, expected_samples: int | None, clip: Clip
) -> Iterator[TrackWriter]:
    like, tags = held_as(song, format)[0], _track_tags(song, version)
    with (
        open_stream(path) as sink,
        stream_track(sink, like, tags, format=format, expected_samples=expected_samples, clip=clip) as track,
    ):
        yield track


def held_as(song: Song, format: str) -> tuple[Song, list[str]]:
    """Return a song at the rate that a format can hold, with its samples as they are, and what there is to say."""
    rate, notes = held_rate(format, song.sample_rate), list(song.notes)
    if rate != song.sample_rate:
        notes.append(f"resampled to {rate} Hz, as {format} can't hold {song.sample_rate} Hz")
    return replace(song, sample_rate=rate), notes


def audible(joins: list[Join]) -> int:
    return sum(join.jump.audible for join in joins if join.jump)


def _track_tags(song: Song, version: str) -> Tags:
    """The song's tags; its title says that this is not the song."""
    text = dict(song.tags.text)
    if "title" in text:
        text["title"] = [f"{title} ({version})" for title in text["title"]]
    return replace(song.tags, text=text)
