"""A track that is taken as a session does, with the real model and without a device."""

import gc
import threading
import tracemalloc
from itertools import islice

import numpy as np
import pytest

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.extrapolators.base import Style
from extrapcli.model import Model, load
from extrapcli.mood import Arc
from extrapcli.play.live_track import Heard, LiveTrack
from tests.conftest import SONG
from tests.play.turned_tracks import (
    MOST_WAITS,
    SONGS,
    Act,
    calmer,
    live,
    livelier,
    made_again,
    nine_seconds,
    noise,
    pulse,
    recall,
    take,
    turns,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "style", "seconds"),
    [
        ("pulse", Style(), None),
        ("ends", Style(seed=2, variety=0.8), 75),
        ("nine_seconds", Style(arc=Arc.of_mood("lively")), 75),
    ],
)
def test_a_track_that_nobody_turns_is_the_continuation(name: str, style: Style, seconds: float | None) -> None:
    song = SONGS[name]()
    track = live(song, style, seconds)
    taken = take(track, 70 if seconds is None else 1e6)
    wanted = None if seconds is None else round(seconds * song.sample_rate)
    pieces, count = [], 0
    for made in recall().continuation(song, wanted, style):
        pieces.append(made.copy())
        count += len(made)
        if count >= len(taken):
            break
    assert wanted is None or len(taken) == wanted
    np.testing.assert_array_equal(taken, np.concatenate(pieces)[: len(taken)])
    np.testing.assert_array_equal(made_again(track), taken)
    assert track.late == 0


def test_any_beginning_is_made_again() -> None:
    track = live(nine_seconds())
    taken = take(track, 25, {12: turns})
    for length in (0, 1, 22050 * 9, 22050 * 21 + 7):
        again = np.concatenate(list(track.again(Heard(length, track.heard.blocks))))
        np.testing.assert_array_equal(again, taken[:length])


MANY: dict[float, Act] = dict.fromkeys(np.arange(10, 40, 0.5).tolist(), turns)
MIXED: dict[float, Act] = {
    1: turns, 8: livelier, 25: turns, 26: calmer, 26.1: calmer, 40: livelier, 41: turns, 41.2: turns
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "patience", "acts"),
    [("pulse", 100.0, MIXED), ("noise", 0.0, MANY), ("nine_seconds", 0.0, MIXED), ("ends", 100.0, MANY)],
)
def test_a_turned_track_is_made_again_as_it_was_taken(name: str, patience: float, acts: dict[float, Act]) -> None:
    track = live(SONGS[name]())
    taken = take(track, 60, acts, patience=patience)
    assert len(taken) == 60 * track.song.sample_rate
    assert np.isfinite(taken).all()
    np.testing.assert_array_equal(made_again(track), taken)


@pytest.mark.parametrize(("name", "ending"), [("ends", "auto"), ("pulse", "fade")])
def test_turns_shortly_before_the_end_leave_the_length_as_it_is(name: str, ending: str) -> None:
    style = Style(ending=ending)  # type: ignore[arg-type]
    track = live(SONGS[name](), style, 60)
    taken = take(track, 1e6, {45: turns, 52: livelier, 55: turns, 57: turns, 58.5: calmer, 59.8: turns})
    assert len(taken) == 60 * track.song.sample_rate
    np.testing.assert_array_equal(made_again(track), taken)
    if ending == "fade":
        assert np.abs(taken[-10:]).max() < 0.01


@pytest.mark.parametrize("name", ["pulse", "no_pulse"])
def test_a_turned_track_sounds_like_the_song(name: str) -> None:
    track = live(SONGS[name]())
    taken = take(track, 90, dict.fromkeys(range(15, 80, 5), turns))
    rate = track.song.sample_rate
    level = np.sqrt(np.square(track.song.samples).mean())
    levels = np.sqrt(np.square(taken).reshape(90, -1).mean(axis=1))
    assert np.median(levels[40:]) == pytest.approx(level, rel=0.4)
    steps = np.abs(np.diff(taken, axis=0)).max()
    assert steps < 1.5 * np.abs(np.diff(track.song.samples, axis=0)).max() + 0.01
    assert rate * 90 == len(taken)


@pytest.mark.parametrize("at", [4.0, 33.3])
def test_finishing_fades_out_over_three_seconds(at: float) -> None:
    track = live(pulse())
    taken = take(track, 1e6, {at: LiveTrack.finish})
    rate = track.song.sample_rate
    assert at * rate <= len(taken) - 3 * rate <= (at + 0.3) * rate
    np.testing.assert_array_equal(made_again(track), taken)
    assert np.abs(taken[-10:]).max() < 1e-3


def test_finishing_near_the_end_doesn_t_make_a_track_longer() -> None:
    track = live(pulse(), wanted_seconds=50)
    taken = take(track, 1e6, {49: LiveTrack.finish})
    assert len(taken) == 50 * track.song.sample_rate
    np.testing.assert_array_equal(made_again(track), taken)


def test_a_model_that_can_t_be_turned_plays_and_ignores_turns() -> None:
    song = decode(SONG)
    model = load("seq2seq", device="cpu")
    track = LiveTrack(song, lambda: song, lambda: model, Style(), None)
    taken = take(track, 60, {5: turns, 30: livelier, 40: calmer})
    straight = np.concatenate(
        list(islice(model.continuation(song, 60 * song.sample_rate, Style(ending="cut")), 1000))
    )
    np.testing.assert_array_equal(taken, straight)
    np.testing.assert_array_equal(made_again(track), taken)


@pytest.mark.slow
def test_an_endless_track_takes_no_more_memory_the_longer_it_runs() -> None:
    track = live(nine_seconds())
    acts: dict[float, Act] = {60.0 * k: (turns, livelier, calmer)[k % 3] for k in range(1, 12)}
    song = track.song.samples
    held = []
    tracemalloc.start()
    try:
        for minute in range(1, 13):
            take_away(track, minute * 60.0, {k: acts[k] for k in acts if (minute - 1) * 60 <= k < minute * 60})
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        track.close()
    assert max(held[8:]) - max(held[4:8]) < 2**20 + song.nbytes // 10


def take_away(track: LiveTrack, seconds: float, acts: dict[float, Act]) -> None:
    """Take a track up to some second, and keep nothing."""
    rate, left, waited = track.song.sample_rate, dict(acts), 0
    while track.position < seconds * rate:
        for second in [second for second in left if second * rate <= track.position]:
            left.pop(second)(track)
        taken = track.take(rate, 100.0)
        assert taken is not None
        waited = 0 if len(taken) else waited + 1
        assert waited < MOST_WAITS, f"nothing goes on at {track.position / rate:.2f} s"


def test_a_block_that_has_not_come_yet_is_not_in_what_was_heard() -> None:
    made = threading.Event()

    def slowly() -> Model:
        made.wait()
        return recall()

    track = LiveTrack(nine_seconds(), nine_seconds, slowly, Style(), None)
    taken = take(track, 9, patience=0.0)
    made.set()
    np.testing.assert_array_equal(made_again(track), taken)
    taken = np.concatenate([taken, take(track, 30)])
    assert track.late == 1
    np.testing.assert_array_equal(made_again(track), taken)


def test_errors_come_out_of_take() -> None:
    def unusable() -> None:
        raise UnusableModel("it is broken")

    track = LiveTrack(noise(), noise, unusable, Style(), None)  # type: ignore[arg-type]
    with pytest.raises(UnusableModel, match="broken"):
        take(track, 60)
    spread = live(pulse(), Style(arc=Arc.parse("calm:lively")))
    with pytest.raises(UsageError, match="without end"):
        take(spread, 60)


def test_the_place_is_in_the_song_and_the_next_join_ahead() -> None:
    track = live(pulse())
    for second in range(1, 80):
        take(track, second, {70.0: turns})
        places = track.place.at(track.position)
        assert 1 <= len(places) <= 2
        assert all(0 <= place <= track.song.seconds + 0.1 for place in places)
        energy = track.place.energy_at(track.position)
        assert energy is None or 0 <= energy <= 1
        assert track.next_join is not None
    assert track.place.energy is not None
    np.testing.assert_array_equal(track.place.energy, Analysis(track.song.as_heard).energy)
