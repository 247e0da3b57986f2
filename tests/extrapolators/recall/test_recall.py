"""`recall` as a whole, with the released model, on real music and on awkward songs."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.continuation import Continuation, Join
from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.extrapolators import extrapolator_for
from extrapcli.extrapolators.base import Ending, Style
from extrapcli.models import find_model
from tests.analysis.band import RATE, band
from tests.conftest import SONG, chord

Sound = NDArray[np.floating]


@pytest.fixture(scope="module")
def backend() -> Backend:
    return open_model(find_model("recall"), device="cpu")


@pytest.fixture(scope="module")
def song() -> Song:
    """Half a minute of music that is cut off."""
    return decode(SONG)


def made(sound: Sound, rate: int) -> Song:
    return Song("made", sound.astype(np.float32), rate, "f32", "wav")


def played(song: Song, seconds: float, backend: Backend, style: Style | None = None) -> tuple[Sound, list[Join]]:
    wanted = round(seconds * song.sample_rate)
    continued = Continuation(
        song, extrapolator_for(backend, style or Style()).blocks(song, Analysis(song), wanted), wanted
    )
    track = np.concatenate(list(continued))
    assert 0 <= continued.copied_seconds <= seconds
    assert track.shape == (wanted, song.channels)
    assert np.isfinite(track).all()
    return track, continued.joins


@pytest.fixture(scope="module")
def two_minutes(song: Song, backend: Backend) -> tuple[Sound, list[Join]]:
    return played(song, 120, backend, Style(ending="cut"))


def test_the_head_is_the_song_sample_for_sample(song: Song, two_minutes: tuple[Sound, list[Join]]) -> None:
    track, joins = two_minutes
    head = round(joins[0].seconds * song.sample_rate)
    assert len(song.samples) - head <= 0.2 * song.sample_rate
    np.testing.assert_array_equal(track[:head], song.samples[:head])


def test_every_join_reports_its_jump_and_how_audible_it_is(song: Song, two_minutes: tuple[Sound, list[Join]]) -> None:
    _, joins = two_minutes
    assert len(joins) > 10
    assert [join.seconds for join in joins] == sorted(join.seconds for join in joins)
    for join in joins:
        assert join.jump is not None
        assert 0 < join.fade_seconds <= 0.2
        assert 0 <= join.jump.to_seconds < song.seconds
        assert 0 <= join.jump.from_seconds <= song.seconds + 0.01
        assert 0 <= join.jump.flux_percentile <= 100
    assert sum(join.jump.audible for join in joins if join.jump) <= 1
    assert {join.jump.layer for join in joins if join.jump} == {"all", "harmonic", "percussive"}


def test_every_ten_seconds_are_as_loud_as_the_song(song: Song, two_minutes: tuple[Sound, list[Join]]) -> None:
    track, _ = two_minutes
    levels = track[: 120 * song.sample_rate].reshape(12, -1).std(axis=1)
    assert np.abs(20 * np.log10(levels / song.samples.std())).max() < 3


def test_no_ten_seconds_are_played_twice_in_a_row(song: Song, two_minutes: tuple[Sound, list[Join]]) -> None:
    rate = song.sample_rate
    mono = two_minutes[0].mean(axis=1)[30 * rate :]
    ten = 10 * rate
    for start in range(0, len(mono) - 2 * ten, 5 * rate):
        one, other = mono[start : start + ten], mono[start + ten : start + 2 * ten]
        assert np.corrcoef(one, other)[0, 1] < 0.9


def test_same_seed_same_bytes_another_seed_another_track(song: Song, backend: Backend) -> None:
    one, again, other = (played(song, 60, backend, Style(seed=seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("copies", [1, 4], ids=["in layers", "whole"])
def test_with_variety_stays_are_shorter(song: Song, backend: Backend, copies: int) -> None:
    long = replace(song, samples=np.concatenate([song.samples] * copies))
    few, usual, many = (len(played(long, 240, backend, Style(variety=variety))[1]) for variety in (0, 0.3, 1))
    assert few < usual < many


def ending_song() -> tuple[Song, int]:
    """A minute of chords that fades out over its last two seconds, with a second of silence before and after."""
    rate = 16000
    sound = chord(60, rate, 2)
    sound[-2 * rate :] *= np.geomspace(1, 1e-4, 2 * rate)[:, None]
    return made(np.concatenate([np.zeros((rate, 2)), sound, np.zeros((rate, 2))]), rate), rate


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [66, 75, 88.3, 100, 171])
@pytest.mark.parametrize(("ending", "seed"), [("auto", 0), ("song", 1), ("song", 2)])
def test_a_song_that_ends_lands_on_its_own_ending_to_the_sample(
    ending: Ending, seed: int, seconds: float, backend: Backend
) -> None:
    song, rate = ending_song()
    track, joins = played(song, seconds, backend, Style(ending=ending, seed=seed))
    last = joins[-1]
    assert last.jump is not None
    begin = round((last.seconds + last.fade_seconds) * rate)
    end = round((last.jump.to_seconds) * rate) + len(track) - begin
    assert 60 * rate < end <= 61 * rate
    tail = song.samples[end - len(track) + begin : end]
    settled = 2 * rate
    np.testing.assert_allclose(track[begin + settled :], tail[settled:], atol=1e-6)
    assert joins[0].seconds < 59


@pytest.mark.parametrize("seconds", [2, 3, 5])
@pytest.mark.parametrize("more", [0.001, 7.3, 20])
def test_a_short_sound_that_fades_out_ends_as_it_does(seconds: float, more: float, backend: Backend) -> None:
    rate = 16000
    song = made(chord(seconds, rate, 1), rate)
    song.samples[-rate // 2 :] *= np.geomspace(1, 1e-3, rate // 2, dtype=np.float32)[:, None]
    _, joins = played(song, seconds + more, backend)
    jump, begin = joins[-1].jump, joins[-1].seconds + joins[-1].fade_seconds
    assert jump is not None
    assert jump.to_seconds + seconds + more - begin == pytest.approx(seconds, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_after_an_hour_without_a_beat_the_track_lands_on_the_ending(
    seed: int, backend: Backend, rng: np.random.Generator
) -> None:
    rate = 8000
    time = np.arange(120 * rate) / rate
    notes = zip(rng.uniform(100, 800, 9), rng.uniform(0.05, 0.3, 9), strict=True)
    sound = sum(
        0.05 * np.sin(2 * np.pi * note * time) * (1 + np.sin(2 * np.pi * slow * time)) for note, slow in notes
    )
    sound[-5 * rate :] *= np.geomspace(1, 1e-3, 5 * rate)
    _, joins = played(made(sound[:, None], rate), 3600, backend, Style(variety=1, seed=seed))
    jump, begin = joins[-1].jump, joins[-1].seconds + joins[-1].fade_seconds
    assert jump is not None
    assert 106 < jump.to_seconds < 116
    assert jump.to_seconds + 3600 - begin == pytest.approx(120, abs=0.3)


def test_the_song_s_ending_is_not_played_in_the_middle(backend: Backend) -> None:
    song, rate = ending_song()
    track, joins = played(song, 100, backend, Style(ending="cut"))
    levels = np.square(track[2 * rate :]).reshape(-1, rate // 2 * 2).mean(axis=1)
    assert 10 * np.log10(levels.min() / levels.mean()) > -6
    assert joins[0].seconds < 59


@pytest.mark.parametrize("beats", [8, 9, 10, 12])
def test_a_loop_of_two_bars_keeps_its_bars(beats: int, backend: Backend) -> None:
    sound, _ = band(np.full(beats + 1, 0.5), 4, lead=0)
    _, joins = played(made(sound[: beats * RATE // 2, None], RATE), 30, backend)
    jumps = [join.jump for join in joins if join.jump and join.jump.from_beat and join.jump.to_beat]
    assert len(jumps) > 4
    kept = [jump.from_beat.beat == jump.to_beat.beat for jump in jumps if jump.from_beat and jump.to_beat]
    assert np.mean(kept) > 0.9


@pytest.mark.parametrize("seconds", [9, 60])
def test_a_long_silence_inside_a_song_is_not_played_again(
    seconds: int, backend: Backend, rng: np.random.Generator
) -> None:
    """In layers, and whole."""
    rate = 16000
    parts = [chord(seconds, rate, 1), np.zeros((30 * rate, 1)), chord(seconds, rate, 1)]
    song = made(np.concatenate(parts) + 1e-3 * rng.normal(size=(2 * seconds * rate + 30 * rate, 1)), rate)
    track, _ = played(song, song.seconds + 60, backend, Style(ending="cut"))
    levels = np.square(track[len(song.samples) :]).reshape(-1, 2 * rate).mean(axis=1)
    assert 10 * np.log10(levels.min() / levels.mean()) > -20


def test_a_loud_song_stays_within_full_scale(song: Song, backend: Backend) -> None:
    loud = replace(song, samples=np.tanh(8 * song.samples / song.samples.std() * 0.2).astype(np.float32))
    track, joins = played(loud, 90, backend, Style(ending="cut"))
    head = round(joins[0].seconds * song.sample_rate)
    np.testing.assert_array_equal(track[:head], loud.samples[:head])
    assert np.abs(track).max() <= 1
    assert np.mean(np.abs(np.diff(track, axis=0)) > 1.2 * np.abs(np.diff(loud.samples, axis=0)).max()) == 0


def test_a_fade_ends_in_silence(song: Song, backend: Backend) -> None:
    for style in (Style(ending="fade"), Style()):
        track, _ = played(song, 45, backend, style)
        last = track[-song.sample_rate // 10 :]
        assert np.abs(last).max() < 0.05 * np.abs(track).max()


def test_a_song_without_an_ending_cannot_land_on_it(song: Song, backend: Backend) -> None:
    with pytest.raises(UsageError, match="no ending of its own"):
        played(song, 45, backend, Style(ending="song"))


@pytest.mark.parametrize("seconds", [1.0, 1.6, 4.0, 7.3])
@pytest.mark.parametrize("channels", [1, 2])
def test_short_songs_work(seconds: float, channels: int, backend: Backend) -> None:
    played(made(chord(seconds, 22050, channels), 22050), 20, backend)


@pytest.mark.parametrize("rate", [8000, 11025, 48000, 96000])
def test_any_rate_works(rate: int, backend: Backend) -> None:
    song = made(chord(12, rate, 1), rate)
    track, joins = played(song, 30, backend)
    np.testing.assert_array_equal(track[: 11 * rate], song.samples[: 11 * rate])
    assert joins[0].seconds > 11.7


@pytest.mark.parametrize("sound", ["silence", "noise", "one click", "nearly silent"])
def test_awkward_songs_give_finite_tracks(sound: str, backend: Backend, rng: np.random.Generator) -> None:
    rate = 22050
    samples = {
        "silence": np.zeros((10 * rate, 2)),
        "noise": rng.normal(scale=0.1, size=(10 * rate, 2)),
        "one click": np.eye(1, 10 * rate, 5 * rate).T,
        "nearly silent": rng.normal(scale=1e-7, size=(10 * rate, 1)),
    }[sound]
    if sound == "one click":
        with pytest.raises(UnreadableAudio, match="of music"):
            played(made(samples, rate), 20, backend)
    else:
        played(made(samples, rate), 20, backend)


@pytest.mark.parametrize("seconds", [0.01, 0.5, 0.99])
def test_too_little_music_is_refused(seconds: float, backend: Backend) -> None:
    with pytest.raises(
        UnreadableAudio, match=rf"made: has {seconds:.2f} s of music; recall needs at least one second"
    ):
        played(made(chord(seconds, 8000, 1), 8000), 20, backend)


def test_an_impossible_fade_is_a_usage_error(song: Song, backend: Backend) -> None:
    with pytest.raises(UsageError, match="takes 0 to 1 s"):
        played(song, 45, backend, Style(fade_seconds=1.5))


@pytest.mark.parametrize("fade", [0, 0.01, 1.0])
def test_a_fade_asked_for_is_used(fade: float, song: Song, backend: Backend) -> None:
    _, joins = played(song, 45, backend, Style(fade_seconds=fade))
    assert joins[0].fade_seconds == pytest.approx(fade)


def test_copied_seconds_are_those_with_all_layers_at_one_position(song: Song, backend: Backend) -> None:
    long = replace(song, samples=np.concatenate([song.samples] * 4))
    wanted = 180 * song.sample_rate
    for one in (long, song):
        made = Continuation(
            one, extrapolator_for(backend, Style(ending="cut")).blocks(one, Analysis(one), wanted), wanted
        )
        assert sum(map(len, made)) == wanted
        if one is long:
            assert made.copied_seconds == pytest.approx(60, abs=0.3)
        else:
            assert made.copied_seconds < 90


def test_a_long_song_is_not_split_into_layers(song: Song, backend: Backend) -> None:
    long = replace(song, samples=np.concatenate([song.samples] * 4))
    _, joins = played(long, 150, backend)
    assert {join.jump.layer for join in joins if join.jump} == {"all"}
    for before, after in pairwise(joins):
        assert after.seconds - before.seconds > 5
