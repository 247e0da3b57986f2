from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def tune_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder like the shipped ones, with a small network for tunes and random weights."""
    from extrapcli.melody.encoding import BAR_POSITIONS
    from extrapcli.networks.melody import melody_step
    from extrapcli.networks.settings import MelodySettings
    from extrapcli.spec import TuneSpec
    from extrapcli.training.export import write_keras, write_onnx

    folder = tmp_path_factory.mktemp("models") / "tunes"
    folder.mkdir()
    settings = MelodySettings(units=24, layers=2, vector=8, lowest=55, highest=76)
    model, rng = melody_step(settings, BAR_POSITIONS), np.random.default_rng(5)
    for weights in model.weights:
        weights.assign(rng.normal(scale=0.7, size=weights.shape))
    spec = TuneSpec("tunes", settings.symbols, settings.state)
    write_keras(model, folder / "model.keras", spec=spec, facts={}, half=False)
    write_onnx(model, folder / "model.onnx", spec=spec, facts={}, weights="float32")
    return folder
