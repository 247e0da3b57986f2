"""Where layers go on when a track is turned, on grids that are made up."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.material import Layer
from extrapcli.extrapolators.recall.playhead import Playhead
from extrapcli.extrapolators.recall.turning import next_start
from extrapcli.extrapolators.recall.way import Start
from tests.extrapolators.recall.conftest import material

RATE = 100
SONG = material(np.zeros(60 * 22050, np.float32)).layers[0]
LINES = 60


def playhead(offset: float, jumped_at: float = 0.0, layer: Layer = SONG) -> Playhead:
    return Playhead(layer, round(offset * RATE), int(jumped_at * RATE))


def grid(lines_in_bar: int, keeps_bars: bool = True, slot: float = 1.0) -> Grid:
    phases = np.arange(LINES) % lines_in_bar if keeps_bars else np.zeros(LINES, int)
    return Grid(0.5 + slot * np.arange(LINES, dtype=np.float64), phases, keeps_bars)


def lines(start: Start) -> tuple[int, ...]:
    return start.line if isinstance(start.line, tuple) else (start.line,)


def test_the_next_line_after_a_moment() -> None:
    start = next_start(grid(2), [playhead(0)], RATE, 3.2, jumps=False)
    assert start == Start((3,), 3.5, 0.0, stay=(3.5,), jumps=False)


def test_a_jump_waits_for_the_bar_line() -> None:
    start = next_start(grid(4), [playhead(0)], RATE, 3.2, jumps=True)
    assert start
    assert (lines(start), start.seconds, start.jumps) == ((4,), 4.5, True)


def test_without_bars_a_jump_comes_at_the_next_line() -> None:
    start = next_start(grid(4, keeps_bars=False), [playhead(0)], RATE, 3.2, jumps=True)
    assert start
    assert lines(start) == (3,)


def test_another_layer_is_at_its_nearest_line_of_the_same_position_in_the_bar() -> None:
    start = next_start(grid(4), [playhead(20.3), playhead(0)], RATE, 3.2, jumps=True)
    assert start
    assert lines(start) == (24, 4)


def test_beyond_the_last_line_there_is_no_start() -> None:
    assert next_start(grid(2), [playhead(0)], RATE, 58.4, jumps=False)
    assert next_start(grid(2), [playhead(0)], RATE, 58.6, jumps=False) is None
    assert next_start(grid(2), [playhead(40)], RATE, 25, jumps=False) is None


@given(
    lines_in_bar=st.sampled_from([1, 2, 3, 4]),
    keeps_bars=st.booleans(),
    slot=st.floats(0.3, 1.5),
    offsets=st.lists(st.floats(-20, 20), min_size=1, max_size=2),
    seconds=st.floats(0, 60),
    jumped_at=st.floats(0, 60),
    jumps=st.booleans(),
)
def test_layers_go_on_from_lines_where_they_play(
    lines_in_bar: int,
    keeps_bars: bool,
    slot: float,
    offsets: list[float],
    seconds: float,
    jumped_at: float,
    jumps: bool,
) -> None:
    laid = grid(lines_in_bar, keeps_bars, slot)
    playheads = [playhead(offset, min(jumped_at, seconds)) for offset in offsets]
    start = next_start(laid, playheads, RATE, seconds, jumps=jumps)
    assume(start is not None)
    assert start
    *others, leader = lines(start)
    leads = playheads[-1].offset / RATE
    assert start.seconds >= seconds - 1e-9
    assert laid.times[leader] == pytest.approx(start.seconds + leads)
    assert leader < len(laid) - 1
    bar = slot * (lines_in_bar if keeps_bars else 1)
    assert start.seconds - seconds <= (bar if jumps else slot) + 1e-6 or leader == 0
    if jumps and keeps_bars:
        assert laid.phases[leader] == 0
    for line, other in zip(others, playheads[:-1], strict=True):
        assert 0 <= line < len(laid) - 1
        assert laid.phases[line] == laid.phases[leader]
        plays = start.seconds + other.offset / RATE
        if laid.times[0] <= plays <= laid.times[-1] - bar:
            assert abs(laid.times[line] - plays) <= bar / 2 + 1e-6
    assert start.jumps is jumps
    assert isinstance(start.stay, tuple)
    assert len(start.stay) == len(playheads)
    assert min(start.stay) >= -1e-9
