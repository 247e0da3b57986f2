from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.analysis.energy import SILENT
from extrapcli.analysis.spectra import MOMENTS_PER_SECOND
from extrapcli.audio.decode import decode
from extrapcli.audio.loudness import integrated, momentary
from extrapcli.audio.song import Song
from tests.conftest import SONG

CLIPS = sorted((Path(__file__).parents[1] / "data" / "clips").glob("*.opus"))
RATE = 22050


def analysis(samples: NDArray[np.floating], rate: int = RATE) -> Analysis:
    return Analysis(Song("made", samples.astype(np.float32), rate, "f32", None))


@pytest.mark.parametrize("clip", [SONG, *CLIPS[:2]], ids=lambda clip: clip.stem)
def test_loudness_is_what_ffmpeg_measures(clip: Path) -> None:
    """FFmpeg weights each channel by itself and in time; here the down-mix is weighted by its spectrum."""
    song = decode(clip)
    found, truth = Analysis(song).loudness, momentary(song.samples, song.sample_rate)
    assert integrated(found) == pytest.approx(integrated(truth), abs=0.5)
    at = (np.arange(len(truth)) + 1) / 10 - 0.2  # the middle of each 0.4 s
    inside = (at > 1) & (at < song.seconds - 1) & (truth > integrated(truth) - 10)
    moments = np.interp(at, np.arange(len(found)) / MOMENTS_PER_SECOND, found)
    assert np.abs(moments - truth)[inside].mean() < 1.0


@pytest.mark.parametrize("decibels", [-30.0, -6.0, 3.0])
def test_gain_moves_loudness_alone(decibels: float) -> None:
    song = decode(SONG)
    changed = analysis(song.samples * 10 ** (decibels / 20), song.sample_rate)
    plain = Analysis(song)
    loud = plain.loudness > -35
    np.testing.assert_allclose((changed.loudness - plain.loudness)[loud], decibels, atol=0.05)
    np.testing.assert_allclose(changed.onset_strength, plain.onset_strength, atol=0.01)


def pulses(seconds: float, per_second: float, rng: np.random.Generator) -> NDArray[np.float64]:
    t = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * rng.normal(size=len(t)) * np.exp(-30 * (t % (1 / per_second)))


def test_more_beats_and_more_level_are_more_energy(rng: np.random.Generator) -> None:
    slow, fast = pulses(12, 1, rng), pulses(12, 8, rng)
    energies = [float(np.median(analysis(sound[:, None]).energy)) for sound in (0.1 * slow, slow, fast, 3 * fast)]
    assert energies == sorted(energies)
    assert energies[-1] - energies[0] > 0.15


def test_a_change_shows_where_it_happens(rng: np.random.Generator) -> None:
    sound = np.concatenate([pulses(20, 1, rng), 2 * pulses(20, 8, rng)])
    energy = analysis(sound[:, None]).energy
    calm, lively = energy[: 17 * MOMENTS_PER_SECOND], energy[23 * MOMENTS_PER_SECOND :]
    assert lively.min() > calm.max()


def test_silence_is_silent_and_has_no_energy(rng: np.random.Generator) -> None:
    found = analysis(np.concatenate([pulses(6, 2, rng), np.zeros(8 * RATE)])[:, None])
    assert (found.loudness[8 * MOMENTS_PER_SECOND :] == SILENT).all()
    assert (found.energy[9 * MOMENTS_PER_SECOND :] == 0).all()
    assert found.energy.min() >= 0
    assert found.energy.max() <= 1
