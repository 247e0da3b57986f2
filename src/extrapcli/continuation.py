"""From a song and blocks to a track: its length, its joins, and its sound piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.silence import BEFORE_ENDING_SECONDS, find_bounds
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.extrapolators.base import ALL, Block, Jump, Sound
from extrapcli.ranges import LEAST_MINUTES, MOST_MINUTES, check_number

USUAL_MINUTES = 3.0
HEAD_SECONDS = 10.0  # before a song is left: from there on, joins may begin
LAYERS = "harmonic", "percussive"  # what `Jump.layer` names beside ALL


@dataclass(frozen=True)
class Length:
    """How long a track should be: `minutes` in all or, with `beyond`, `minutes` more than the song.

    With `twice`, a track that isn't twice as long as the song becomes that long. `any` says that it may also be
    shorter than the song. Raises UsageError for `minutes` that are out of range.
    """

    minutes: float = USUAL_MINUTES
    beyond: bool = False
    any: bool = False
    twice: bool = False

    def __post_init__(self) -> None:
        check_number("length", self.minutes, LEAST_MINUTES, MOST_MINUTES, "minutes")

    def samples(self, song: Song) -> int:
        """Count the samples of the whole track; raise UsageError where a song is that long already and may not be."""
        return self.count(len(song.samples), song.sample_rate, song.name)

    def count(self, song_samples: int, sample_rate: int, name: str) -> int:
        """Count the samples of the whole track, as `samples` does, of a song that needn't be at hand."""
        asked = round(self.minutes * 60 * sample_rate)
        if self.twice:
            return max(asked, 2 * song_samples)
        if self.beyond:
            return song_samples + asked
        if asked <= song_samples and not self.any:
            raise UsageError(
                f"{name}: lasts {clock(song_samples / sample_rate)} already, not less than the "
                f"{clock(self.minutes * 60)} asked for",
                hint="add",
            )
        return asked


@dataclass(frozen=True)
class Join:
    """Where a block meets what came before.

    Attributes:
        seconds: where in the track its crossfade begins.
        fade_seconds: how long the crossfade is.
        jump: where in the song it goes, if the block plays the song's own sound.
        sounds: what the block is made of, where the track has new bars.
    """

    seconds: float
    fade_seconds: float
    jump: Jump | None = None
    sounds: tuple[Sound, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the song never played the block so."""
        return any(sound.layer != ALL for sound in self.sounds)


def leaves_at(song: Song) -> int:
    """Return the first sample at which a continuation may leave a song."""
    return find_bounds(song.as_heard.steps).leaves_at(song.sample_rate)


def earliest_join(song: Song, fade_seconds: float | None) -> int:
    """Return the sample of a song before which no extrapolator begins its first block.

    One that cuts long silences out may leave the song before them.
    """
    bounds, rate = find_bounds(song.as_heard.steps), song.sample_rate
    leaves = bounds.leaves_at(rate)
    for begin, end in reversed(bounds.silences):
        if end > leaves - HEAD_SECONDS * rate:
            leaves = min(leaves, begin - BEFORE_ENDING_SECONDS * rate)
    return max(0, leaves - round((HEAD_SECONDS + (fade_seconds or 0)) * rate))


class Continuation:
    """A song and the blocks that follow it, on their way into a track.

    Iterate over it, once, for the sound: arrays `(n, channels)` in the song's dtype, first the song itself, untouched
    up to where the first block begins, then block after block, `wanted` samples in all or, with None, without end.
    The first `head` samples come before any block is asked for. No more than one block is held at a time.

    Attributes:
        joins: those of the blocks so far; of a track without end, none are kept.
        notes: what blocks so far say of the track, each in a sentence.
        leads_to: the sample that the track leads back to at its end, once that is known.
        copied_seconds: how much of the sound so far plays one position of the song as it is.
    """

    def __init__(self, song: Song, blocks: Iterator[Block], wanted: int | None, head: int = 0) -> None:
        self.joins: list[Join] = []
        self.notes: list[str] = []
        self.leads_to: int | None = None
        self.copied_seconds = 0.0
        self._song, self._blocks, self._wanted, self._head = song, blocks, wanted, head

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        rate, dtype = self._song.sample_rate, self._song.samples.dtype
        if self._head:
            yield from chunks(self._song.samples[: self._head])
        pending: NDArray[np.floating] = self._song.samples[self._head :]
        written, copied, copying = self._head, 0, False
        for block in self._blocks:
            if not written <= block.start <= written + len(pending):
                begin = clock(block.start / rate)
                raise UnusableModel(
                    f"{self._song.name}: its extrapolator gave a block that begins at {begin}, which is not within "
                    "the one before it; tell its authors"
                )
            self.notes += block.notes
            self.leads_to = block.leads_to
            goes_on = block.copy and block.jump is None and not block.fade_samples
            if self._wanted is not None and not goes_on:
                self.joins.append(Join(block.start / rate, block.fade_samples / rate, block.jump, block.sounds))
            yield from chunks(pending[: block.start - written])
            copied += copying * (block.start - written)
            self.copied_seconds = copied / rate
            written, copying = block.start, block.copy
            pending = block.samples.astype(dtype, copy=False)
        rest = len(pending) if self._wanted is None else self._wanted - written
        if rest > len(pending):
            raise UnusableModel(
                f"{self._song.name}: its extrapolator stopped after {clock((written + len(pending)) / rate)} of the "
                f"{clock((written + rest) / rate)} asked for; tell its authors"
            )
        yield from chunks(pending[:rest])
        self.copied_seconds = (copied + copying * rest) / rate


def positions_of(joins: Sequence[Join], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where in the song, in seconds, each layer plays at times of a track: `(layers, times)`."""
    positions = np.tile(times, (len(LAYERS), 1))
    for join in joins:
        if join.jump is None:
            continue
        end = join.seconds + join.fade_seconds
        after = times >= end
        for k, layer in enumerate(LAYERS):
            if join.jump.layer in (layer, ALL):
                positions[k, after] = join.jump.to_seconds + times[after] - end
    return positions


def with_offset(blocks: Iterator[Block], song: Song) -> Iterator[Block]:
    """Add to blocks that continue what is heard of a song the offset (DC) that the song has where they begin."""
    offset = None
    for block in blocks:
        if offset is None:
            at = min(block.start, len(song.samples) - 1)
            offset = song.samples[at] - song.heard[at]
        yield replace(block, samples=block.samples + offset) if offset.any() else block


def with_own_offset(blocks: Iterator[Block], song: Song) -> Iterator[Block]:
    """Add to blocks that play what is heard of a song the offset (DC) that the song has where they play it."""
    for block in blocks:
        if song.heard is song.samples or block.jump is None:
            yield block
            continue
        fade, left, target = (
            block.fade_samples,
            *(round(seconds * song.sample_rate) for seconds in (block.jump.from_seconds, block.jump.to_seconds)),
        )
        played = slice(target, target + len(block.samples) - fade)
        own, heard = song.samples[played], song.heard[played]
        same = block.samples[fade:] == heard
        after = np.where(same, own, block.samples[fade:] + (own - heard))
        share = (np.arange(fade)[:, None] + 0.5) / max(1, fade)
        offsets = [
            (song.samples[at] - song.heard[at]) for at in (max(0, left - 1), min(target, len(song.samples) - 1))
        ]
        before = block.samples[:fade] + (1 - share) * offsets[0] + share * offsets[1]
        yield replace(block, samples=np.concatenate([before.astype(after.dtype), after]))


def clock(seconds: float) -> str:
    """`3m05s` for 185 seconds; whole seconds, rounded."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s"
