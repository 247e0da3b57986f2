"""The loss of networks that predict a waveform: what a change of a signal costs, by its definition."""

import numpy as np
import pytest

from extrapcli.training.kinds.clips import WaveformLoss


def test_twice_the_amplitude_costs_its_square_and_six_decibels(rng: np.random.Generator) -> None:
    truth = rng.normal(size=(2, 3, 22050)).astype(np.float32)
    both = np.asarray(WaveformLoss(0.5).call(truth, 2 * truth))
    squares = np.square(truth).mean(axis=-1)
    np.testing.assert_allclose(both, squares + 0.5 * 20 * np.log10(2) / 15, rtol=1e-4)


@pytest.mark.parametrize("mel_weight", [0.0, 0.5])
def test_the_truth_costs_nothing_and_silence_most_in_spectra(mel_weight: float, rng: np.random.Generator) -> None:
    truth, other = rng.normal(size=(2, 1, 2, 22050)).astype(np.float32)
    loss = WaveformLoss(mel_weight)
    assert not np.asarray(loss.call(truth, truth)).any()
    silence, noise = (float(np.mean(loss.call(truth, answer))) for answer in (0 * truth, other))
    assert (silence > noise) == bool(mel_weight)
