"""Why a piece is left out of a collection of tunes."""

from enum import StrEnum


class Unfit(StrEnum):
    durations = "has durations other than sixteenths to wholes, plain or dotted"
    voices = "has several notes at once"
    drums = "has drums alone"
    empty = "has no notes"
    damaged = "cannot be read"
