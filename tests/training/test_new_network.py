"""A network that is not ours: a module like this one and a line in the table of recipes are all it needs."""

from pathlib import Path
from typing import ClassVar, Literal

import keras
import numpy as np
import pytest
from pydantic import BaseModel

from extrapcli.backends import open_model
from extrapcli.models import read_card
from extrapcli.spec import WaveformSpec
from extrapcli.training.kinds import RECIPES
from extrapcli.training.kinds.waveform import WaveformRecipe
from tests.training.conftest import LayCorpus
from tests.training.here import export, train


class GainSettings(BaseModel, frozen=True, extra="forbid"):
    context_frames: int = 2
    horizon_frames: int = 2
    frame_samples: int = 2000


class GainRecipe(WaveformRecipe, frozen=True):
    title: ClassVar[str] = "repeats {context_frames} s, quieter"
    summary: ClassVar[str] = "Repeats its context at a level that it has learned."

    network: Literal["gain"] = "gain"
    gain: GainSettings = GainSettings()

    def untrained(self) -> keras.Model:
        context = keras.Input((self.gain.context_frames, self.gain.frame_samples), name="context")
        scaled = keras.layers.Dense(1, use_bias=False)(context[..., None])
        return keras.Model(context, scaled[..., 0])


def test_it_is_trained_and_exported(
    lay_corpus: LayCorpus, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "gain", GainRecipe)
    recipe = 'network = "gain"\n[gain]\n[clips]\nper_song = 2\n[fit]\nepochs = 2\nbatch_size = 2\n'
    lay_corpus(recipe, {"train": 2, "validation": 1}, lambda: rng.normal(scale=0.1, size=16000), 2000)
    train(tmp_path)
    export(tmp_path / "run", None, tmp_path / "model")
    assert open_model(tmp_path / "model").spec == WaveformSpec("model", "waveform", 2000, 2, 2)
    assert read_card(tmp_path / "model").title == "repeats 2 s, quieter"
