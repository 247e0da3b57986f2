"""Tracks that are steered to a mood, with the released model."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.continuation import Continuation
from extrapcli.errors import UsageError
from extrapcli.evaluation.following import following
from extrapcli.extrapolators.base import Block, Ending, Style
from extrapcli.extrapolators.recall.grid import Grid
from extrapcli.extrapolators.recall.layers import percussive_layer
from extrapcli.extrapolators.recall.steering import LEAST_GAIN, MOST_GAIN, MOST_TILT, Rests, Swell, swelled
from extrapcli.model import Model, load
from extrapcli.mood import Arc, Curve, Scale
from tests.mood.songs import calm_then_lively, fading

RATE = 22050
CLIPS = sorted((Path(__file__).parents[2] / "data" / "clips").glob("*.opus"))


@pytest.fixture(scope="module")
def model() -> Model:
    return load("recall", device="cpu")


@pytest.fixture(scope="module")
def song() -> Song:
    return calm_then_lively()


def made(
    model: Model, song: Song, arc: str | None, seconds: float, *, ending: Ending = "cut", seed: int = 0
) -> Continuation:
    wanted = Arc.parse(arc) if arc else None
    return model.continuation(song, round(seconds * song.sample_rate), Style(arc=wanted, ending=ending, seed=seed))


def levels(song: Song, track: Continuation) -> NDArray[np.float64]:
    """Return the level of each second of a track, on the scale of its song."""
    samples = np.concatenate(list(track))
    energy = Analysis(replace(song, samples=samples)).energy
    seconds = len(samples) // song.sample_rate
    return Scale.of(Analysis(song)).levels(energy[: 15 * seconds].reshape(seconds, 15).mean(axis=1))


@pytest.mark.parametrize(("arc", "direction"), [("calm:lively", 1), ("lively:calm", -1)])
def test_the_track_goes_where_it_should(model: Model, song: Song, arc: str, direction: int) -> None:
    """On average over some seeds: how one search ends is luck."""
    correlations, changes = [], []
    for seed in range(4):
        reached = levels(song, made(model, song, arc, 160, seed=seed))[45:155]
        correlations.append(following(direction * np.arange(110.0), reached, step_seconds=1).correlation)
        changes.append(direction * (reached[-25:].mean() - reached[:25].mean()))
    assert np.mean(correlations) > 0.4  # a song of two levels can't rise evenly
    assert np.mean(changes) > 0.5


def test_moods_differ(model: Model, song: Song) -> None:
    calm, lively = (levels(song, made(model, song, mood, 120))[50:115].mean() for mood in ("calm", "lively"))
    assert lively - calm > 0.5


@pytest.mark.parametrize("clip", CLIPS[:2], ids=lambda clip: clip.stem)
def test_real_music_is_steered_too(model: Model, clip: Path) -> None:
    song = decode(clip)
    calm, lively = (levels(song, made(model, song, mood, 90))[40:85].mean() for mood in ("calm", "lively"))
    assert lively > calm + 0.1


def test_it_has_the_length_and_the_head_all_the_same(model: Model, song: Song) -> None:
    track = made(model, song, "calm", 77.7)
    samples = np.concatenate(list(track))
    assert len(samples) == round(77.7 * RATE)
    head = round(track.joins[0].seconds * RATE)
    np.testing.assert_array_equal(samples[:head], song.samples[:head])


def test_the_same_seed_gives_the_same_track(model: Model, song: Song) -> None:
    one, other = (np.concatenate(list(made(model, song, "calm:lively", 80, seed=3))) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_jumps_keep_the_bar(model: Model, song: Song) -> None:
    track = made(model, song, "lively:calm", 160)
    list(track)
    jumps = [join.jump for join in track.joins if join.jump]
    assert len(jumps) > 5
    for jump in jumps:
        assert jump.from_beat
        assert jump.to_beat
        assert jump.from_beat.beat == jump.to_beat.beat


def test_the_songs_own_ending_is_untouched(model: Model, song: Song) -> None:
    """Whatever the mood, the last second is the song's, sample for sample."""
    ending = fading(song)
    samples = np.concatenate(list(made(model, ending, "calm", 100, ending="song")))
    end = Analysis(ending).bounds.end
    np.testing.assert_allclose(samples[-RATE:], ending.samples[end - RATE : end], atol=1e-6)


def test_drums_come_back_for_the_songs_own_ending(model: Model) -> None:
    ending = fading(decode(CLIPS[1]), 8)
    samples = np.concatenate(list(made(model, ending, "calm", 60, ending="song")))
    end = Analysis(ending).bounds.end
    begin = 2 * ending.sample_rate
    np.testing.assert_allclose(samples[-begin:], ending.samples[end - begin : end], atol=1e-4)


def test_a_stream_without_end_can_be_steered(model: Model, song: Song) -> None:
    reached = {}
    for mood in ("calm", "lively"):
        blocks, heard = model.continuation(song, None, Style(arc=Arc.parse(mood))), 0
        pieces = []
        for block in blocks:
            pieces.append(block)
            heard += len(block)
            if heard > 150 * RATE:
                break
        energy = Analysis(replace(song, samples=np.concatenate(pieces))).energy
        reached[mood] = Scale.of(Analysis(song)).levels(energy[60 * 15 : 145 * 15]).mean()
    assert reached["lively"] - reached["calm"] > 0.5


def test_a_long_song_in_stereo_is_steered_by_where_it_goes(model: Model) -> None:
    """At another rate, and with a channel that opposes the other; as it is long, it has no layers."""
    half = calm_then_lively(120)
    samples: NDArray[np.float32] = np.repeat(half.samples, 2, axis=0).astype(np.float32)
    song = replace(half, samples=np.hstack([samples, -0.9 * samples]), sample_rate=2 * half.sample_rate)
    reached: NDArray[np.float64] = levels(song, made(model, song, "0:00 lively, 3:00 calm", 180))
    assert reached[122:135].mean() - reached[165:178].mean() > 0.4


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_percussion_that_rests_does_not_jump_and_is_no_copy(model: Model, clip: Path) -> None:
    """Of calm tracks, all but the first moments are without percussion."""
    track = made(model, decode(clip), "calm", 60)
    list(track)
    layers = [join.jump.layer for join in track.joins if join.jump]
    assert "percussive" not in layers[1:]
    assert track.copied_seconds == 0


def test_what_rests_is_not_made_up_for_by_gain(model: Model) -> None:
    """The bars without percussion are as loud as they are in the song without it, less the 4 dB of the mood."""
    song = decode(CLIPS[0])
    samples = np.concatenate(list(made(model, song, "calm", 60)))[45 * song.sample_rate : 58 * song.sample_rate]
    alone = song.samples - percussive_layer(song.samples, song.sample_rate)
    change = 10 * np.log10(float(np.square(samples).mean() / np.square(alone).mean()))
    assert change == pytest.approx(LEAST_GAIN, abs=2)


def test_a_song_that_is_left_with_percussion_keeps_it(model: Model, song: Song) -> None:
    """The song's soft half comes last, and has percussion as the other half has."""
    half = len(song.samples) // 2
    soft_last = replace(song, samples=np.concatenate([song.samples[half:], song.samples[:half]]))
    shares = {}
    for mood in ("keep", "calm", "0.1"):
        samples = np.concatenate(list(made(model, soft_last, mood, 80)))[45 * RATE : 75 * RATE]
        shares[mood] = np.square(percussive_layer(samples, RATE)).mean() / np.square(samples).mean()
    assert shares["calm"] < 0.05 < 0.2 < shares["keep"]
    assert shares["0.1"] < 0.05  # livelier than where it is left, but calmer than with percussion elsewhere


def test_gain_begins_where_a_song_with_an_ending_is_left(model: Model, song: Song) -> None:
    """That is later than where it might be left: at the first block, nothing is louder or softer yet."""
    ending = fading(song)
    wanted = curve(ending, "calm")
    begin = wanted.begin + 3
    block = Block(round(begin * RATE), song.samples[: 10 * RATE], 0)
    (changed,) = swelled(iter([block]), ending, lambda: wanted, None)
    assert wanted.kept > 0.5
    np.testing.assert_allclose(changed.samples[:100], block.samples[:100], rtol=0.01, atol=1e-4)
    power = [np.square(samples[-RATE:]).mean() for samples in (changed.samples, block.samples)]
    assert 10 * np.log10(power[0] / power[1]) < -2


def test_models_that_cannot_be_steered_say_so() -> None:
    with pytest.raises(UsageError, match="can't be steered"):
        load("seq2seq", device="cpu").extrapolator(Style(arc=Arc.parse("calm")))


def curve(song: Song, arc: str, end: float = 300.0) -> Curve:
    return Curve.of(Arc.parse(arc), Analysis(song), end)


@pytest.mark.parametrize("arc", ["calm", "lively", "calm:lively", "0:50 calm, 1:00 lively, 1:10 calm"])
@pytest.mark.parametrize("landing", [None, 290.0])
def test_gain_and_tilt_are_bounded_and_slow(song: Song, arc: str, landing: float | None) -> None:
    wanted = curve(song, arc)
    swell = Swell(wanted, wanted.begin, landing)
    gain, tilt = swell.gain, swell.tilt
    assert LEAST_GAIN <= gain.min() <= gain.max() <= MOST_GAIN
    assert np.abs(tilt).max() <= MOST_TILT
    assert np.abs(np.diff(gain) / np.diff(swell.seconds)).max() <= 0.75 + 1e-9  # decibels a second
    assert swell.seconds[0] == wanted.begin
    assert gain[0] == tilt[0] == 0
    if landing:
        assert swell.seconds[-1] >= landing
        assert gain[-1] == tilt[-1] == 0
    else:
        assert gain[-1] != 0


@dataclass
class Wavering:
    """Wants rest every other three seconds; bars begin every half second."""

    grid: Grid

    def rests(self, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
        return seconds % 6 < 3


@pytest.mark.parametrize("fade", [0, 2205])
def test_percussion_leaves_and_enters_without_a_step(fade: int, rng: np.random.Generator) -> None:
    """Whatever jumps come between: each block takes back what the one before had planned for later."""
    rests = Rests(Wavering(Grid(np.arange(0, 60, 0.5), np.zeros(120, int), True)), RATE)  # type: ignore[arg-type]
    track = np.ones(RATE, np.float32)
    begin = RATE
    for number in range(40):
        departure = begin + fade
        end = departure + int(rng.integers(RATE // 20, 4 * RATE))
        if number % 10 == 9:
            rests.play(begin)
        else:
            rests.follow(int(rng.integers(0, RATE)) - begin, begin, departure, end)
        track = np.concatenate([track[:begin], rests.gains(begin, end)])
        begin = end - int(rng.integers(0, RATE // 20))
    assert track.min() == 0
    assert track.max() == 1
    assert np.abs(np.diff(track)).max() < 1.01 / (0.03 * RATE)


def test_percussion_enters_at_bar_lines() -> None:
    rests = Rests(Wavering(Grid(np.arange(0, 60, 0.5), np.zeros(120, int), True)), RATE)  # type: ignore[arg-type]
    rests.follow(0, RATE, RATE, 10 * RATE)
    gains = rests.gains(RATE, 10 * RATE)
    assert gains[RATE] == gains[2 * RATE - round(0.03 * RATE)] == 0
    assert (gains[2 * RATE : 5 * RATE - round(0.03 * RATE)] == 1).all()
    assert gains[5 * RATE] == 0


def test_tilt_turns_the_spectrum_and_joins_blocks_without_a_seam(song: Song, rng: np.random.Generator) -> None:
    noise = Song("noise", rng.normal(0, 0.1, (60 * RATE, 1)).astype(np.float32), RATE, "f32", "wav")
    wanted = curve(song, "lively:calm", 60.0)
    swell = Swell(wanted, 20.0, None)
    long = next(swelled(iter([Block(20 * RATE, noise.samples[20 * RATE :], 0)]), noise, lambda: wanted, None)).samples
    parts = [Block(start * RATE, noise.samples[start * RATE :][: 6 * RATE], 0) for start in range(20, 60, 5)]
    short = np.concatenate([block.samples[: 5 * RATE] for block in swelled(iter(parts), noise, lambda: wanted, None)])
    np.testing.assert_allclose(short, long, atol=1e-6)
    power = np.abs(np.fft.rfft(long[-8 * RATE :, 0])) ** 2 / np.abs(np.fft.rfft(noise.samples[-8 * RATE :, 0])) ** 2
    hertz = np.fft.rfftfreq(8 * RATE, 1 / RATE)
    low, high = (10 * np.log10(power[(hertz > a) & (hertz < b)].mean()) for a, b in ((50, 400), (5000, 10_000)))
    gain, tilt = (float(np.interp(56, swell.seconds, values)) for values in (swell.gain, swell.tilt))
    assert tilt < -1
    assert low == pytest.approx(gain - tilt / 2, abs=0.3)
    assert high == pytest.approx(gain + tilt / 2, abs=0.6)
