"""Streams: `blocks(song, None)` never ends, and takes no more memory the longer it runs."""

import tracemalloc
from collections.abc import Callable, Mapping
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.extrapolators.amplitude import Amplitude
from extrapcli.extrapolators.base import Block, Ending, Extrapolator, Style
from extrapcli.extrapolators.recall import Recall
from extrapcli.extrapolators.waveform import Waveform
from extrapcli.models import find_model
from extrapcli.spec import SampleSpec, WaveformSpec
from tests.conftest import SONG, chord
from tests.toy import ToyBackend

MINUTES = 8


class Repeat(ToyBackend):
    """Predicts the last three seconds again."""

    model = WaveformSpec("repeat", "waveform", sample_rate=2000, context_frames=4, horizon_frames=3)

    def compute(self, context: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        return {"frames": context[:, -3:]}


class Alternate(ToyBackend):
    """Predicts the two known samples in turn."""

    model = SampleSpec("alternate", "amplitude", sample_rate=2000, look_back=2)

    def compute(self, context: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        return {
            "next": np.resize(context[:, :2].transpose(1, 0, 2), (context.shape[1] - 1, len(context), 1)).transpose(
                1, 0, 2
            )
        }


def dying_away() -> Song:
    """Forty seconds of chords that end by themselves."""
    sound = chord(40, 8000, 1)
    sound[-2 * 8000 :] *= np.geomspace(1, 1e-4, 2 * 8000)[:, None]
    return Song("made", sound.astype(np.float32), 8000, "f32", "wav")


def short() -> Song:
    return Song("made", chord(9, 8000, 2).astype(np.float32), 8000, "f32", "wav")


WAYS: dict[str, tuple[Callable[[Style], Extrapolator], Callable[[], Song]]] = {
    "recall": (lambda style: Recall(open_model(find_model("recall"), device="cpu"), style), lambda: decode(SONG)),
    "recall, a song that ends": (
        lambda style: Recall(open_model(find_model("recall"), device="cpu"), style),
        dying_away,
    ),
    "waveform": (lambda style: Waveform(Repeat(), style), short),
    "amplitude": (lambda style: Amplitude(Alternate(), style), short),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Callable[[Style], Extrapolator], Song]:
    make, song = WAYS[request.param]
    return make, song()


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["auto", "fade", "cut"])
def test_a_stream_begins_as_a_track_that_is_cut(
    way: tuple[Callable[[Style], Extrapolator], Song], ending: Ending
) -> None:
    make, song = way
    stream = islice(make(Style(ending=ending, seed=3)).blocks(song, Analysis(song), None), 8)
    track = islice(make(Style(ending="cut", seed=3)).blocks(song, Analysis(song), 10**9), 8)
    for one, other in zip(stream, track, strict=True):
        assert (one.start, one.fade_samples, one.jump) == (other.start, other.fade_samples, other.jump)
        np.testing.assert_array_equal(one.samples, other.samples)


@pytest.mark.slow
def test_a_stream_runs_for_minutes_in_constant_memory(way: tuple[Callable[[Style], Extrapolator], Song]) -> None:
    make, song = way
    rate = song.sample_rate
    held: tuple[list[int], list[int]] = [], []  # in the first half and in the second
    levels: list[float] = []
    written = len(song.samples)
    previous: Block | None = None
    tracemalloc.start()
    try:
        for block in make(Style(fade_seconds=0.1)).blocks(song, Analysis(song), None):
            if previous is not None:
                assert previous.start < block.start <= previous.start + len(previous.samples)
            assert len(block.samples) < 20 * rate
            assert np.isfinite(block.samples).all()
            if block.jump:
                assert 0 <= block.jump.from_seconds <= song.seconds
                assert 0 <= block.jump.to_seconds < song.seconds
            written = block.start + len(block.samples)
            levels.append(float(block.samples.std()))
            previous = block
            held[written > MINUTES / 2 * 60 * rate].append(tracemalloc.get_traced_memory()[0])
            if written > MINUTES * 60 * rate:
                break
    finally:
        tracemalloc.stop()
    assert written > MINUTES * 60 * rate
    assert max(held[1]) - max(held[0]) < 2**20
    assert min(levels[-10:]) > 0.5 * np.median(levels)
