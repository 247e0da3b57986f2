"""What makes a track: a model and what is asked of it, opened once for any number of songs."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

from extrapcli.audio.encode import open_track
from extrapcli.audio.song import Song, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.backends import open_model
from extrapcli.continuation import Join, Length, continue_song
from extrapcli.extrapolators import extrapolator_for
from extrapcli.extrapolators.base import Style
from extrapcli.models import find_model
from extrapcli.output import whole_file


@dataclass(frozen=True)
class Options:
    """What `extrap continue` was asked for; None leaves the choice to extrap."""

    length: Length
    model: str
    out: Path | None = None
    into_folder: bool = False  # whether `out` was named as a folder; several songs need one anyway
    backend: str = "auto"
    device: str = "auto"
    style: Style = field(default_factory=Style)
    format: str | None = None
    threads: int | None = None
    overwrite: bool = False
    report: bool = False  # whether to evaluate the track, too


@dataclass(frozen=True)
class Track:
    """A finished track, and how it was made."""

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

    def to_json(self) -> str:
        standing_out = sum(join.jump.stands_out for join in self.joins if join.jump)
        facts = asdict(self) | {"seconds": self.samples / self.sample_rate, "joins_that_stand_out": standing_out}
        if standing_out > len(self.joins) / 2:
            facts["note"] = "the song has no good place to go on from: most joins stand out from its own beats"
        facts["track"] = str(facts.pop("path"))
        return json.dumps(facts)


class Progress(Protocol):
    """Shows how far one song has come."""

    def decoded(self, name: str, seconds: float) -> None: ...

    def written(self, share: float, blocks: int) -> None:
        """Show that this share of the track, 0 to 1, is written, in so many blocks."""
        ...


class Maker:
    """Raises as `find_model`, `open_model` and `extrapolator_for` do."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.backend = open_model(
            find_model(options.model), backend=options.backend, device=options.device, threads=options.threads
        )
        self._extrapolator = extrapolator_for(self.backend, options.style)

    def make(self, song: Song, source: Path, path: Path, format: str, progress: Progress) -> Track:
        """Continue a song that was decoded from `source`; the track appears at `path` when it is whole.

        Raises as `Length.samples`, `whole_file` and the extrapolator do.
        """
        wanted = self.options.length.samples(song)
        with whole_file(path, source=source, overwrite=self.options.overwrite) as whole:
            with open_track(
                whole,
                format=format,
                sample_rate=song.sample_rate,
                channels=song.channels,
                depth=song.depth,
                expected_samples=wanted,
            ) as track:
                made_of = continue_song(
                    song,
                    wanted,
                    self._extrapolator,
                    track.write,
                    lambda done, blocks: progress.written(done / wanted, blocks),
                )
            write_tags(whole, format, _track_tags(song))
        return Track(
            song=song.name,
            path=path,
            format=format,
            samples=wanted,
            sample_rate=song.sample_rate,
            channels=song.channels,
            song_samples=len(song.samples),
            model=self.backend.spec.name,
            backend=self.backend.name,
            device=self.backend.device,
            seed=self.options.style.seed,
            joins=made_of.joins,
            copied_seconds=made_of.copied_seconds,
        )


def _track_tags(song: Song) -> Tags:
    """The song's tags; its title says that this is more than the song."""
    text = dict(song.tags.text)
    if "title" in text:
        text["title"] = [f"{title} (continued)" for title in text["title"]]
    return replace(song.tags, text=text)
