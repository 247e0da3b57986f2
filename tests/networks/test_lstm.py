"""The LSTMs to compare with: their sizes are what is said of them."""

from typing import Any

import numpy as np
import pytest

from extrapcli.networks.lstm import lstm
from extrapcli.networks.settings import LstmSettings, StudySettings
from extrapcli.networks.study import study

SMALL: dict[str, Any] = {"context_frames": 3, "horizon_frames": 2, "frame_samples": 100}


def test_frames_in_frames_out(rng: np.random.Generator) -> None:
    model = lstm(LstmSettings(**SMALL, projection=8, units=6))
    answer = model.predict(rng.normal(size=(5, 3, 100)), verbose=0)
    assert answer.shape == (5, 2, 100)
    assert answer.std() > 0


def test_parameters_are_counted_without_building() -> None:
    of_lstm = LstmSettings(**SMALL, projection=8, units=6)
    assert lstm(of_lstm).count_params() == of_lstm.parameters
    for shared in (True, False):
        settings = StudySettings(**SMALL, widths=(64, 80, 96, 112), shared=shared)
        assert study(settings).count_params() == settings.parameters


def test_an_lstm_of_whole_frames_has_the_parameters_that_are_told() -> None:
    whole = LstmSettings(projection=22050, units=22050).parameters
    dense = 2 * 22051 * 22050
    assert (whole - dense) / 1e9 == pytest.approx(7.8, abs=0.05)
