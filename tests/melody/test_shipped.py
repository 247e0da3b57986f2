"""The model that comes with extrap."""

from pathlib import Path

import pytest

from extrapcli.backends import open_model
from extrapcli.melody.encoding import Tune, decode
from extrapcli.melody.generate import continue_tune
from extrapcli.models import find_model
from tests.conftest import Extrap

SEED = Tune("", decode(["67", "_", "67", "_", "65", "_", "64", "_"]), "4/4")


def test_it_fits_in_five_megabytes() -> None:
    assert sum(file.stat().st_size for file in find_model("melody").iterdir()) < 5e6


@pytest.mark.parametrize("random_seed", range(3))
def test_both_backends_write_the_same_tune(random_seed: int) -> None:
    models = [open_model(find_model("melody"), backend=name) for name in ("onnx", "tensorflow")]
    written = [continue_tune(model, SEED, bars=8, temperature=1.0, random_seed=random_seed) for model in models]
    assert written[0] == written[1]
    assert written[0].tune.notes[: len(SEED.notes) - 1] == SEED.notes[:-1]


def test_most_tunes_are_ended_by_the_model_on_the_tonic_chord() -> None:
    backend = open_model(find_model("melody"))
    tunes = [continue_tune(backend, SEED, bars=16, temperature=1.0, random_seed=seed) for seed in range(12)]
    ended = [written.tune for written in tunes if written.ended]
    assert len(ended) >= 9
    assert sum(tune.pitches[-1] % 12 in (0, 4, 7, 9) for tune in ended) >= 0.75 * len(ended)


def test_the_command_uses_it_by_default(extrap: Extrap, tmp_path: Path) -> None:
    assert extrap("melody", "--seed", "67 _ 67 _ 65 _ 64 _", "-o", tmp_path / "tune.mid").lines == [
        str(tmp_path / "tune.mid")
    ]
