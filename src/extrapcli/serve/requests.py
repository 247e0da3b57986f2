"""What may be asked of the HTTP API, as pydantic checks it, and what that means to the rest of extrap."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from extrapcli.audio.formats import FORMATS
from extrapcli.continuation import Length
from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Ending, Style
from extrapcli.models import DEFAULT
from extrapcli.ranges import LEAST_TEMPO, MOST_BARS, MOST_JOINS, MOST_SEED, MOST_TEMPERATURE, MOST_TEMPO, minutes_of
from extrapcli.wishes import LoopWish, composing, length, style

Text = Annotated[str, Field(max_length=200)]
Time = Annotated[str, Field(max_length=20, description="a length, such as `3`, `2.5` or `3:30` (minutes)")]
SOUNDS, NOTATED = tuple(FORMATS), ("mid", "musicxml", "svg")


class Body(BaseModel):
    """The body of a request; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class SessionRequest(Body):
    token: Text


class LibraryRequest(Body):
    path: Annotated[str, Field(max_length=4096, description="as `GET /api/library` lists it")]


class TrackRequest(Body):
    """A track to be made of a song, as `extrap continue` makes it."""

    length: Time | None = None
    add: Time | None = None
    ending: Ending = "auto"
    variety: Annotated[float, Field(ge=0, le=1)] = 0.3
    new: Annotated[float, Field(ge=0, le=1)] | None = None
    model: Text = DEFAULT
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    mood: Text | None = None
    arc: Annotated[str, Field(max_length=2000)] | None = None
    crossfade: Annotated[float, Field(ge=0, le=60)] | None = None
    another: Annotated[list[Annotated[int, Field(ge=1, le=MOST_JOINS)]], Field(max_length=1000)] = []

    def track_length(self) -> Length:
        """Return how long the track should be. Raises UsageError."""
        minutes, add = (text and minutes_of(text) for text in (self.length, self.add))
        return length(minutes or None, add or None)

    @property
    def chosen_model(self) -> str:
        """The name of the model that makes it."""
        return composing(self.model, self.new)

    def style(self) -> Style:
        """Return what is asked of the extrapolator. Raises UsageError."""
        return style(
            self.ending,
            self.variety,
            self.crossfade,
            self.seed,
            self.mood,
            self.arc,
            another=self.another,
            new=self.new,
        )


class LoopsRequest(Body):
    """Loops to be found in a song, as `extrap loop --list` finds them; `near`: the one that is nearest."""

    bars: Annotated[int, Field(ge=1, le=MOST_BARS)] | None = None
    least: Time | None = None
    most: Time | None = None
    near: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] | None = None

    def wish(self, **more: object) -> LoopWish:
        """Return which loops are wanted. Raises UsageError."""
        least, most = (60 * minutes_of(text) if text else None for text in (self.least, self.most))
        return LoopWish(self.bars, least, most, near=self.near, **more)  # type: ignore[arg-type]


class FileRequest(Body):
    """A file to be made of a track, a loop or a tune.

    `what` and `minutes` are for a loop: the `loop` alone, the song up to its end with the loop `marked`, the song's
    `parts` in a ZIP file, or the song with loops until it lasts about so many `minutes`.
    """

    format: Annotated[str, Field(pattern=f"^({'|'.join((*SOUNDS, *NOTATED))})$")]
    number: Annotated[int, Field(ge=0, lt=1000, description="of the loop, 0 for the best")] = 0
    what: Literal["loop", "marked", "parts", "minutes"] = "loop"
    minutes: Time | None = None

    def check(self, kind: str) -> None:
        """Raise UsageError where no such file can be made of a job of this kind."""
        formats: dict[str, tuple[str, ...]] = {"track": SOUNDS, "loops": SOUNDS, "tune": (*SOUNDS, *NOTATED)}
        if self.format not in formats.get(kind, ()):
            raise UsageError(f"no file in the format {self.format} can be made of this")
        self.loop()

    def loop(self) -> dict[str, object]:
        """Return what of a loop is wanted. Raises UsageError."""
        if (self.what == "minutes") != (self.minutes is not None):
            raise UsageError("give minutes for a track that lasts so long, and only for that")
        minutes = minutes_of(self.minutes) if self.minutes else None
        return {
            "pick": self.number + 1,
            "minutes": minutes,
            "split": self.what == "parts",
            "mark": self.what == "marked",
        }


class TuneRequest(Body):
    """A tune to be written, as `extrap melody` writes it.

    `notes` are MIDI numbers, null for a rest, with their lengths in sixteenths; or `seed` is a job that read a file.
    """

    notes: Annotated[
        list[tuple[Annotated[int, Field(ge=21, le=108)] | None, Annotated[int, Field(ge=1, le=64)]]],
        Field(max_length=2000),
    ] = []
    seed: Text | None = None
    metre: Text | None = None
    tempo: Annotated[float, Field(ge=LEAST_TEMPO, le=MOST_TEMPO)] = 100.0
    bars: Annotated[int, Field(ge=1, le=MOST_BARS)] = 16
    temperature: Annotated[float, Field(ge=0, le=MOST_TEMPERATURE)] = 1.0
    random_seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
