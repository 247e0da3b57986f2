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


def track(song: Song, blocks: Iterator[Block] | list[Block], wanted: int) -> NDArray[np.floating]:
    blocks = list(blocks)
    for one, other in pairwise(blocks):
        assert other.start == one.start + len(one.samples)
    return np.concatenate([song.samples[: blocks[0].start], *(block.samples for block in blocks)])[:wanted]


@pytest.mark.parametrize("seconds", [30.5, 47.0, 90.123])
def test_it_has_the_length_that_is_wanted(backend: Backend, analysis: Analysis, seconds: float) -> None:
    song, wanted = analysis.song, round(seconds * analysis.song.sample_rate)
    assert len(track(song, Compose(backend, Style()).blocks(song, analysis, wanted), wanted)) == wanted


def test_it_begins_with_the_song_and_lands_on_its_ending_to_the_sample(
    backend: Backend, tune: NDArray[np.float32]
) -> None:
    song = made(tune, ends=True)
    analysis = Analysis(song)
    assert analysis.bounds.ends_by_itself
    wanted = 70 * 22050 + 123
    sound = track(song, Compose(backend, Style()).blocks(song, analysis, wanted), wanted)
    assert len(sound) == wanted
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
def test_so_many_bars_are_new_and_the_others_are_the_songs(
    backend: Backend, tune: NDArray[np.float32], share: float
) -> None:
    song = made(tune)
    blocks = list(Compose(backend, Style(new=share, ending="cut")).blocks(song, Analysis(song), 90 * 22050))
    whole = blocks[1:-1]
    assert np.mean([not block.copy for block in whole]) == pytest.approx(share, abs=0.06)
    for block in [one for one in whole if one.copy][::4]:
        middle = block.samples[len(block.samples) // 4 : len(block.samples) // 2, 0]
        apart = [
            np.abs(song.samples[begin : begin + len(middle), 0] - middle).max()
            for begin in _likest(song.samples[:, 0], middle)
        ]
        assert min(apart) < 1e-4


def _likest(sound: NDArray[np.floating], stretch: NDArray[np.floating]) -> NDArray[np.int_]:
    size = 2 ** int(np.ceil(np.log2(len(sound) + len(stretch))))
    products = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(stretch, size)), size)
    return np.argsort(-products[: len(sound) - len(stretch)])[:200]


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


def test_a_stream_goes_on(backend: Backend, tune: NDArray[np.float32]) -> None:
    song = made(tune, ends=True)
    blocks = list(islice(Compose(backend, Style()).blocks(song, Analysis(song), None), 60))
    levels = np.array([block.samples.std() for block in blocks])
    assert levels.min() > 0.3 * np.median(levels)
    assert track(song, blocks, 10**9).shape[0] > 100 * 22050


@pytest.mark.parametrize("rate", [4410, 7350])
def test_songs_without_treble_are_composed_too(backend: Backend, tune: NDArray[np.float32], rate: int) -> None:
    song = made(tune, rate=rate)
    sound = track(song, Compose(backend, Style(ending="cut")).blocks(song, Analysis(song), 50 * rate), 50 * rate)
    assert len(sound) == 50 * rate
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
    says = (
        "short: has only (12 quarters of a second|[0-9]+ half beats) of music; compose makes new bars of 16 or more"
    )
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
    sound = track(song, blocks, wanted) if blocks else song.samples[:wanted]
    assert len(sound) == wanted


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
        (Style(another=(1,), new=1.0), "new bars can't go another way from a join; leave out the one or the other"),
    ],
)
def test_what_only_recall_can_is_refused(asked: Style, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        extrapcli.load("compose", device="cpu").extrapolator(asked)


def test_only_compose_writes_new_bars() -> None:
    with pytest.raises(UsageError, match="recall writes no new bars; use compose"):
        extrapcli.load("recall", device="cpu").extrapolator(Style(new=0.5))
