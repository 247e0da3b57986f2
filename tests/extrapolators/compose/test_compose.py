"""`compose` with its model: the length, the ending, and that all of it is the song's own sound."""

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import extrapcli
from extrapcli.analysis import Analysis, Beats
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.continuation import Continuation
from extrapcli.dsp import normalised_cross_correlation
from extrapcli.errors import UnreadableAudio, UnusableModel, UsageError
from extrapcli.extrapolators.base import Block, Ending, Sound, Style
from extrapcli.extrapolators.compose import Compose
from extrapcli.extrapolators.compose.bands import NAMES, Bands
from extrapcli.models import find_model
from extrapcli.spec import PlannerSpec
from tests.conftest import SONG, chord
from tests.toy import ToyBackend


@pytest.fixture(scope="module")
def backend() -> Backend:
    return open_model(find_model("compose"), device="cpu")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis(decode(SONG))


def made(tune: NDArray[np.float32], *, rate: int = 22050, ends: bool = False) -> Song:
    sound = tune.copy()
    if ends:
        sound[-2 * 22050 :] *= np.geomspace(1, 1e-4, 2 * 22050).astype(np.float32)
    return Song("made", sound[:: 22050 // rate, None], rate, "f32", "wav")


def track(song: Song, blocks: Iterator[Block] | list[Block], wanted: int | None) -> NDArray[np.floating]:
    """The song and its blocks, which must have the length that is wanted."""
    blocks = list(blocks)
    for one, other in pairwise(blocks):
        assert other.start == one.start + len(one.samples)
    sound = np.concatenate([song.samples[: blocks[0].start], *(block.samples for block in blocks)])
    assert wanted is None or len(sound) == wanted
    return sound


@pytest.mark.parametrize("seconds", [30.5, 47.0, 90.123])
def test_it_has_the_length_that_is_wanted(backend: Backend, analysis: Analysis, seconds: float) -> None:
    song, wanted = analysis.song, round(seconds * analysis.song.sample_rate)
    sound = track(song, Compose(backend, Style()).blocks(song, analysis, wanted), wanted)
    fades, before = (
        np.sqrt(np.square(part).mean()) for part in (sound[-song.sample_rate // 4 :], sound[-8 * song.sample_rate :])
    )
    assert seconds < 40 or fades < 0.3 * before


def test_it_begins_with_the_song_and_lands_on_its_ending_to_the_sample(
    backend: Backend, tune: NDArray[np.float32]
) -> None:
    song = made(tune, ends=True)
    analysis = Analysis(song)
    assert analysis.bounds.ends_by_itself
    wanted = 70 * 22050 + 123
    sound = track(song, Compose(backend, Style()).blocks(song, analysis, wanted), wanted)
    end, begin = analysis.bounds.end, analysis.bounds.leaves_at(22050) - 3 * 22050
    np.testing.assert_array_equal(sound[:begin], song.samples[:begin])
    np.testing.assert_allclose(sound[-2 * 22050 :], song.samples[end - 2 * 22050 : end], atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_it_lands_to_the_sample_where_the_tempo_drifts(
    backend: Backend, tune: NDArray[np.float32], share: float
) -> None:
    song = made(tune, ends=True)
    analysis = Analysis(song)
    times = np.cumsum(np.linspace(0.45, 0.55, 66))
    times = times[times < 32]
    analysis.__dict__["beats"] = Beats(times, np.arange(len(times)) % 4, 4, 1.0, 1.0)
    wanted = 60 * 22050
    blocks = list(Compose(backend, Style(new=share)).blocks(song, analysis, wanted))
    sound, end = track(song, blocks, wanted), analysis.bounds.end
    np.testing.assert_allclose(sound[-22050:], song.samples[end - 22050 : end], atol=1e-5)
    assert blocks[-1].copy


def test_the_same_seed_makes_the_same_track_and_another_one_another(backend: Backend, analysis: Analysis) -> None:
    song, wanted = analysis.song, 45 * analysis.song.sample_rate
    one, same, other = (
        track(song, Compose(backend, Style(seed=seed)).blocks(song, analysis, wanted), wanted) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_its_bars_were_never_played_but_sound_like_the_song(backend: Backend, analysis: Analysis) -> None:
    song, rate = analysis.song, analysis.song.sample_rate
    sound = track(song, Compose(backend, Style()).blocks(song, analysis, 60 * rate), 60 * rate)
    new, mono = sound[31 * rate :].mean(axis=1), song.samples.mean(axis=1)
    assert abs(20 * np.log10(new.std() / mono.std())) < 1.5
    likest = [
        float(np.abs(normalised_cross_correlation(new[begin : begin + 2 * rate], mono)).max())
        for begin in range(0, len(new) - 2 * rate, 2 * rate)
    ]
    assert np.median(likest) < 0.95


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("drift", [0.0, 0.04])
@pytest.mark.parametrize("ends", [True, False])
def test_the_songs_own_bars_are_its_sound_from_join_to_join(
    backend: Backend, tune: NDArray[np.float32], share: float, drift: float, ends: bool
) -> None:
    """All that isn't new is the song, sample for sample, from where its joins say; most of these are at bar lines."""
    song, wanted = made(tune, ends=ends), 75 * 22050
    analysis = Analysis(song)
    times = np.cumsum(0.5 * np.linspace(1 - drift, 1 + drift, 64)) - 0.5
    times = times[times < 32]
    analysis.__dict__["beats"] = Beats(times, np.arange(len(times)) % 4, 4, 1.0, 1.0)
    ending: Ending = "song" if ends else "cut"
    blocks = list(Compose(backend, Style(new=share, ending=ending)).blocks(song, analysis, wanted))
    continuation = Continuation(song, iter(blocks), wanted)
    sound = np.concatenate(list(continuation))
    joins = continuation.joins
    first, until = round(joins[0].seconds * 22050), [*(join.seconds for join in joins[1:]), wanted / 22050]
    np.testing.assert_array_equal(sound[:first], song.samples[:first])
    own = [(join, end) for join, end in zip(joins, until, strict=True) if not join.is_new]
    assert 2 <= len(own) == sum(block.copy and bool(block.sounds) for block in blocks)
    assert len(own) < 4 + (1 - share) * (wanted / 22050 - joins[0].seconds) / (8 * 0.25 * (1 - drift))
    for join, end in own:
        (begins,) = join.sounds
        here, there = round((begins.seconds) * 22050), round(begins.song_seconds * 22050)
        length = min(round(end * 22050) - here, len(song.samples) - there)
        np.testing.assert_array_equal(sound[here : here + length], song.samples[there : there + length])
    new = sum(end - join.seconds for join, end in zip(joins, until, strict=True) if join.is_new)
    assert continuation.copied_seconds == pytest.approx(wanted / 22050 - joins[0].seconds - new, abs=0.5)
    assert new / (wanted / 22050 - joins[0].seconds) == pytest.approx(share, abs=0.06)


def test_a_long_silence_is_left_out(tune: NDArray[np.float32]) -> None:
    """As that before a hidden track."""
    for seconds, ends in ((16, False), (3, True)):
        sound = np.concatenate([tune, np.zeros(12 * 22050, np.float32), tune[: seconds * 22050]])
        song, wanted = made(sound, ends=ends), 120 * 22050
        analysis = Analysis(song)
        assert analysis.bounds.silent > 11 * 22050
        for share in (0.0, 1.0):
            model = extrapcli.load("compose", device="cpu")
            continuation = model.continuation(song, wanted, Style(new=share), analysis)
            continued = np.concatenate(list(continuation))[:, 0]
            left = round(continuation.joins[0].seconds * 22050)
            assert left < 32 * 22050 if ends else left > 59 * 22050
            added = continued[left : wanted - 4 * 22050]
            levels = np.square(added[: len(added) // 11025 * 11025]).reshape(-1, 11025).mean(axis=1)
            assert levels.min() > 0.05 * np.median(levels)


def test_bars_that_go_on_over_a_silence_say_so(tune: NDArray[np.float32]) -> None:
    sound = np.concatenate([tune, np.zeros(6 * 22050, np.float32), tune[: 12 * 22050]])
    song, wanted = made(sound, ends=True), 80 * 22050
    for share in (0.0, 0.25):
        continuation = extrapcli.load("compose", device="cpu").continuation(song, wanted, Style(new=share))
        track = np.concatenate(list(continuation))[:, 0]
        joins = continuation.joins
        first = round(joins[0].seconds * 22050)
        np.testing.assert_array_equal(track[:first], song.samples[:first, 0])
        for join, after in pairwise(joins):
            if not join.is_new:
                (begins,) = join.sounds
                here, there = round(begins.seconds * 22050), round(begins.song_seconds * 22050)
                length = round(after.seconds * 22050) - here
                same = track[here : here + length] == song.samples[there : there + length, 0]
                assert same.all() or length < 0.5 * 22050


@pytest.mark.parametrize("more", [0.0, 0.01, 0.02, 0.03, 0.05])
def test_every_join_says_what_it_begins(backend: Backend, tune: NDArray[np.float32], more: float) -> None:
    """Also where the track ends just before a bar does."""
    song, wanted = made(tune), round((43.98 - more) * 22050)
    continuation = Continuation(
        song, Compose(backend, Style(ending="cut")).blocks(song, Analysis(song), wanted), wanted
    )
    assert sum(map(len, continuation)) == wanted
    for join in continuation.joins:
        assert join.sounds
        assert all(join.seconds <= sound.seconds < wanted / 22050 for sound in join.sounds)


def test_bars_that_go_on_are_no_joins(backend: Backend, tune: NDArray[np.float32]) -> None:
    song, wanted = made(tune), 60 * 22050
    blocks = list(Compose(backend, Style(new=0.0)).blocks(song, Analysis(song), wanted))
    continuation = Continuation(song, iter(blocks), wanted)
    assert sum(len(piece) for piece in continuation) == wanted
    assert 0 < len(continuation.joins) < len(blocks) / 2


def test_what_new_bars_are_made_of_is_heard(backend: Backend, tune: NDArray[np.float32]) -> None:
    song, seconds = made(tune), 40.3
    blocks = list(Compose(backend, Style(ending="cut")).blocks(song, Analysis(song), round(seconds * 22050)))
    sounds = [sound for block in blocks for sound in block.sounds]
    assert {sound.layer for sound in sounds} == {"bass", "middle", "treble"}
    assert all(0 <= sound.song_seconds < 32 for sound in sounds)
    made_track = track(song, blocks, round(seconds * 22050))
    ours, theirs, checked = Bands(made_track, 22050), Bands(song.samples, 22050), 0
    for band, name in enumerate(NAMES):
        of = [sound for sound in sounds if sound.layer == name]
        assert max(sound.seconds for sound in of) < seconds
        for sound, after in pairwise(of):
            begin, end = (round(at * 22050) for at in (sound.seconds + 0.01, after.seconds - 0.06))
            there, reach = round((sound.song_seconds + 0.01) * 22050), 300
            here = ours.read(band, begin, end)[:, 0]
            if here.std() > 0.003:
                found = theirs.read(band, there - reach, there + end - begin + reach)[:, 0]
                assert normalised_cross_correlation(here, found).max() > 0.9
                checked += 1
    assert checked > 60


@pytest.mark.parametrize("seed", [0, 1])
def test_the_bass_comes_back_with_the_rest(backend: Backend, tune: NDArray[np.float32], seed: int) -> None:
    """The last eight seconds of the song have no bass; it is not missing for long where the middle goes back."""
    ends, sound = 24, tune.copy()
    sound[ends * 22050 :] -= Bands(tune[:, None], 22050).read(0, ends * 22050, len(tune))[:, 0]
    song = made(sound)
    blocks = list(Compose(backend, Style(seed=seed, ending="cut")).blocks(song, Analysis(song), 120 * 22050))
    sounds, times = [sound for block in blocks for sound in block.sounds], np.arange(33, 119, 0.25)
    bass, middle = (_places([sound for sound in sounds if sound.layer == name], times) for name in ("bass", "middle"))
    assert (middle < ends).mean() > 0.5
    assert (bass[middle < ends] >= ends).mean() < 0.15


def _places(sounds: list[Sound], times: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return where in the song a layer is."""
    begins, places = (np.array([getattr(sound, name) for sound in sounds]) for name in ("seconds", "song_seconds"))
    last = np.searchsorted(begins, times + 0.01, side="right") - 1
    there: NDArray[np.floating] = places[last] + times - begins[last]
    return there


def test_a_loud_song_stays_within_full_scale(backend: Backend, tune: NDArray[np.float32]) -> None:
    song = made(np.clip(2 * tune, -1, 1))
    loud = track(song, Compose(backend, Style()).blocks(song, Analysis(song), 60 * 22050), 60 * 22050)
    assert np.abs(loud).max() <= 1
    assert loud[35 * 22050 : 55 * 22050].std() > 0.8 * song.samples.std()


@pytest.mark.parametrize("model", ["compose", "recall"])
def test_so_does_one_with_an_offset(model: str, tune: NDArray[np.float32]) -> None:
    loud = np.clip(1.5 * tune, -0.7, 0.7)
    song = made(np.concatenate([loud, np.zeros(2 * 22050, np.float32), loud]) + np.float32(0.3))
    assert song.heard is not song.samples
    wanted = 100 * 22050
    blocks = extrapcli.load(model, device="cpu").blocks(song, wanted, Style())
    sound = np.concatenate(list(Continuation(song, blocks, wanted)))
    assert 0.9 < np.abs(sound[70 * 22050 :]).max() <= np.abs(song.samples).max() + 1e-6
    assert np.median(sound[70 * 22050 : 95 * 22050]) == pytest.approx(0.3, abs=0.05)


def test_a_stream_goes_on(backend: Backend, tune: NDArray[np.float32]) -> None:
    song = made(tune, ends=True)
    blocks = list(islice(Compose(backend, Style()).blocks(song, Analysis(song), None), 60))
    levels = np.array([block.samples.std() for block in blocks])
    assert levels.min() > 0.3 * np.median(levels)
    assert len(track(song, blocks, None)) > 100 * 22050


@pytest.mark.parametrize("rate", [4410, 7350])
@pytest.mark.parametrize("fade", [None, 0.0])
def test_songs_without_treble_are_composed_too(
    backend: Backend, tune: NDArray[np.float32], rate: int, fade: float | None
) -> None:
    song = made(tune, rate=rate)
    blocks = Compose(backend, Style(fade_seconds=fade, ending="cut")).blocks(song, Analysis(song), 50 * rate)
    sound = track(song, blocks, 50 * rate)
    assert sound[35 * rate :].std() > 0.5 * song.samples.std()


def test_without_a_pulse_it_goes_on_all_the_same(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    song = Song("noise", (0.1 * rng.normal(size=(20 * 22050, 2))).astype(np.float32), 22050, "f32", "wav")
    blocks = list(Compose(backend, Style()).blocks(song, Analysis(song), 30 * 22050))
    assert [note.partition(",")[0] for block in blocks for note in block.notes] == ["no beat was found"]
    sound = track(song, blocks, 30 * 22050)
    assert abs(20 * np.log10(sound[21 * 22050 : 26 * 22050].std() / 0.1)) < 1.5


def test_a_song_of_three_seconds_is_too_short(backend: Backend) -> None:
    song = Song("short", chord(3, 22050, 1).astype(np.float32), 22050, "f32", "wav")
    says = "short: has only (12 quarters of a second|[0-9]+ half beats) of music, and new bars are made of 16 or more"
    with pytest.raises(UnreadableAudio, match=says):
        list(Compose(backend, Style()).blocks(song, Analysis(song), 20 * 22050))


def test_a_song_that_is_cut_off_has_no_ending_to_land_on(backend: Backend, analysis: Analysis) -> None:
    with pytest.raises(UsageError, match="is cut off, so it has no ending of its own"):
        Compose(backend, Style(ending="song")).blocks(analysis.song, analysis, 60 * 44100)


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_crossfades_have_the_length_that_is_asked_for(
    backend: Backend, tune: NDArray[np.float32], seconds: float
) -> None:
    song = made(tune)
    blocks = list(Compose(backend, Style(fade_seconds=seconds)).blocks(song, Analysis(song), 45 * 22050))
    joined = {block.fade_samples / 22050 for block in blocks if block.fade_samples}
    assert all(seconds <= fade < seconds + 0.01 for fade in joined)
    assert joined


@pytest.mark.parametrize("seconds", [10, 25, 31.9, 32.01, 34])
@pytest.mark.parametrize("ending", ["auto", "fade", "cut"])
def test_a_track_may_end_before_the_song_does(
    backend: Backend, tune: NDArray[np.float32], seconds: float, ending: Ending
) -> None:
    song, wanted = made(tune, ends=True), round(seconds * 22050)
    blocks = list(Compose(backend, Style(ending=ending)).blocks(song, Analysis(song), wanted))
    if blocks:
        track(song, blocks, wanted)
    else:
        assert wanted <= len(song.samples)


def test_crossfades_are_shorter_than_slots(backend: Backend) -> None:
    with pytest.raises(UsageError, match=r"a crossfade of 2 s is out of range; compose takes 0 to 0\.1 s"):
        Compose(backend, Style(fade_seconds=2))


def test_the_model_must_be_made_for_these_slots(tune: NDArray[np.float32]) -> None:
    class Other(ToyBackend):
        model = PlannerSpec("other", "compose", 22050, slot=10, layers=3, vector=4, matches=2, state=8)

        def compute(self, context: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
            raise NotImplementedError

    song = made(tune)
    with pytest.raises(UnusableModel, match="model other plans with other slots"):
        list(Compose(Other(), Style()).blocks(song, Analysis(song), 60 * 22050))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Style(ending="loop"), "compose can't make a track whose end leads back; use recall"),
        (Style(another=(1,)), "compose can't go another way from a join; use recall"),
        (Style(another=(1,), new=1.0), "new bars can't go another way from a join; leave out one or the other"),
    ],
)
def test_what_only_recall_can_is_refused(asked: Style, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        extrapcli.load("compose", device="cpu").extrapolator(asked)


def test_only_compose_writes_new_bars() -> None:
    with pytest.raises(UsageError, match="recall writes no new bars; use compose"):
        extrapcli.load("recall", device="cpu").extrapolator(Style(new=0.5))
