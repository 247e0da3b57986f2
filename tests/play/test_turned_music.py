"""What turns do to the music: jumps come at the next bar line, and the mood goes where it should."""

from collections.abc import Iterator
from functools import cache
from itertools import islice

import numpy as np
import pytest

from extrapcli.analysis import Analysis
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.audio.decode import decode, song_from_samples
from extrapcli.audio.song import Song
from extrapcli.extrapolators.base import Block, Style, Turn, Turns
from tests.play.turned_tracks import CLIPS, SONGS, calmer, live, livelier, recall, take

pytestmark = pytest.mark.slow

WITH_BARS = ["contemplation", "ivory-tower"]
MOODS = ["main-theme", "ivory-tower", "credits-ballad"]


@cache
def analysed(name: str) -> tuple[Song, Analysis]:
    song = decode(CLIPS / f"{name}.opus")
    return song, Analysis(song.as_heard)


def after_turn(blocks: Iterator[Block], turns: Turns, turn: Turn) -> tuple[Block | None, Block]:
    """Return the blocks before and after a turn."""
    turns.asked, before = turn, None
    for block in blocks:
        if not turns.asked:
            return before, block
        before = block
    raise AssertionError("never turned")


@pytest.mark.parametrize(("name", "played"), [("ivory-tower", 0), ("contemplation", 3), ("chaos-god", 1)])
def test_everything_jumps_at_the_next_bar_line(name: str, played: int) -> None:
    song, analysis = analysed(name)
    rate, beats = song.sample_rate, analysis.beats
    turns = Turns()
    blocks = recall().blocks(song, None, Style(), analysis, turns)
    last = None
    for _ in range(played):
        last = next(blocks)
    after = last.start + last.fade_samples + rate if last else 3 * rate
    before, block = after_turn(blocks, turns, Turn(after, jumps=True))
    assert block.start >= after
    last = before or last
    assert last is None or block.start <= last.start + len(last.samples)
    jump = block.jump
    assert jump
    assert jump.layer == "all"
    assert abs(jump.to_seconds - jump.from_seconds) > 0.5
    if name in WITH_BARS:
        assert jump.from_beat
        assert jump.to_beat
        assert jump.from_beat.beat == jump.to_beat.beat == 1
        bars = (block.start - after) / rate / (60 / beats.bpm * beats.metre)
        assert bars < 3
    else:
        assert (block.start - after) / rate < 8


@pytest.mark.parametrize("name", ["no_pulse", "ends"])
def test_a_turned_block_begins_within_the_one_before_and_after_the_sample_that_the_turn_names(name: str) -> None:
    song = SONGS[name]()
    analysis = Analysis(song.as_heard)
    rate, turns = song.sample_rate, Turns()
    before: Block | None = None
    taken = 0
    blocks = recall().blocks(song, None, Style(variety=0.7), analysis, turns)
    for number in range(40):
        asked = None
        if number % 2:
            assert before
            asked = Turn(before.start + before.fade_samples + rate // 2, number % 4 == 1, 0.3 * (number % 3 - 1))
        turns.asked = asked
        block = next(blocks)
        if asked and not turns.asked:
            taken += 1
            assert block.start >= asked.after
        if before:
            assert before.start < block.start <= before.start + len(before.samples)
        assert np.isfinite(block.samples).all()
        before = block
    assert taken > 6


@pytest.mark.parametrize(("name", "number"), [("pulse", 1), ("pulse", 4), ("nine_seconds", 2), ("noise", 3)])
def test_another_mood_leaves_no_gap(name: str, number: int) -> None:
    song = SONGS[name]()
    analysis = Analysis(song.as_heard)
    for by in (-1.0, 0.5):
        turns = Turns()
        blocks = recall().blocks(song, None, Style(), analysis, turns)
        *_, before = islice(blocks, number)
        end = before.start + len(before.samples)
        turns.asked = Turn(end - round(2.2 * song.sample_rate), livelier=by)
        assert next(blocks).start <= end


@pytest.mark.parametrize("turn", [Turn(10**12, jumps=True), Turn(10**12, livelier=-1)])
def test_a_turn_that_is_out_of_reach_leaves_the_blocks_in_order(turn: Turn) -> None:
    song, analysis = analysed("ivory-tower")
    turns = Turns()
    before: Block | None = None
    blocks = recall().blocks(song, None, Style(), analysis, turns)
    for _ in range(12):
        turns.asked = turn
        block = next(blocks)
        assert not before or before.start < block.start <= before.start + len(before.samples)
        before = block


def energy_after(song: Song, seed: int, act: str) -> float:
    """Return how energetic a track is from 10 to 60 seconds after it was turned."""
    track = live(song, Style(seed=seed))
    acts = {"livelier": [livelier] * 2, "calmer": [calmer] * 2, "neither": []}[act]
    taken = take(track, 100, {40 + 0.1 * k: turned for k, turned in enumerate(acts)})
    rate = song.sample_rate
    energy = Analysis(song_from_samples(taken, rate, "track")).energy
    return float(energy[50 * MOMENTS_PER_SECOND :].mean())


def test_a_livelier_track_is_livelier_and_a_calmer_one_calmer() -> None:
    found = {
        act: np.array([energy_after(analysed(name)[0], 1, act) for name in MOODS])
        for act in ("livelier", "neither", "calmer")
    }
    more, less = found["livelier"] - found["neither"], found["neither"] - found["calmer"]
    assert more.mean() > 0.01, found
    assert less.mean() > 0.01, found
    assert (found["livelier"] > found["calmer"]).all(), found
