import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.audio.song import Song
from extrapcli.extrapolators.compose.material import Material
from extrapcli.extrapolators.compose.music import Music
from tests.extrapolators.compose.conftest import RATE


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


def analysed(*parts: NDArray[np.float32]) -> Analysis:
    return Analysis(Song("made", np.concatenate(parts)[:, None], RATE, "f32", "wav"))


def test_a_song_without_long_silences_is_music(tune: NDArray[np.float32]) -> None:
    analysis = analysed(tune, silence(3), tune)
    music = Music.of(analysis)
    assert music.analysis is analysis
    assert music.bounds == analysis.bounds
    assert [music.in_song(sample) for sample in (0, 10**6)] == [0, 10**6]


def test_long_silences_are_cut_out(tune: NDArray[np.float32]) -> None:
    analysis = analysed(silence(8), tune, silence(6), tune, silence(20), tune)
    music, song = Music.of(analysis), analysis.song.samples
    assert len(music.analysis.bounds.silences) == 0
    left = music.analysis.song.samples
    assert len(left) == pytest.approx(len(song) - 26 * RATE, abs=0.2 * RATE)
    places = np.array([music.in_song(sample) for sample in range(len(left))])
    assert np.array_equal(song[places], left)
    assert np.count_nonzero(np.diff(places) > 1) == 2
    assert music.in_song(music.bounds.begin) == analysis.bounds.begin
    assert music.in_song(music.bounds.end - 1) == analysis.bounds.end - 1
    assert music.bounds.ending == music.bounds.end


def test_silence_changes_nothing_of_how_slots_are_compared(tune: NDArray[np.float32]) -> None:
    whole, apart = (Material.of(Music.of(analysed(*parts))) for parts in ((tune, tune), (tune, silence(100), tune)))
    assert len(apart.slots) == pytest.approx(len(whole.slots), abs=2)
    np.testing.assert_allclose(apart.candidates.scale, whole.candidates.scale, rtol=0.05)
    np.testing.assert_allclose(
        np.quantile(apart.candidates.energies, (0.1, 0.5, 0.9)),
        np.quantile(whole.candidates.energies, (0.1, 0.5, 0.9)),
        atol=0.1,
    )
