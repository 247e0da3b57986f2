import json

import pytest

from extrapcli.errors import UnusableModel
from extrapcli.spec import ModelSpec

SPEC = ModelSpec("name", "waveform", sample_rate=22050, context_frames=20, horizon_frames=10)


def test_json_and_back_is_the_identity() -> None:
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC


def test_shapes_follow_from_the_fields() -> None:
    assert SPEC.context_shape == (20, 22050)
    assert SPEC.output_shapes == {"frames": (10, 22050)}
    pointer = ModelSpec("p", "recall", 22050, None, 10, {"places": (None, 8)})
    assert pointer.context_shape == (None, 22050)
    assert pointer.output_shapes == {"places": (None, 8)}
    assert ModelSpec.from_json(pointer.to_json()) == pointer


def test_a_vocabulary_travels_with_a_model_of_tunes() -> None:
    tunes = ModelSpec("t", "melody", 1, 1, 1, {"next": (3,), "state": (8,)}, ("/", "_", "67"), 10)
    assert ModelSpec.from_json(tunes.to_json()) == tunes
    assert tunes.context_shape == (1, 10)


def test_a_model_of_samples_says_how_far_it_looks_back() -> None:
    samples = ModelSpec("s", "amplitude", 22050, None, 22050, {"next": (None, 1)}, step_size=1, look_back=3)
    assert ModelSpec.from_json(samples.to_json()) == samples
    assert samples.context_shape == (None, 1)


def test_a_spec_may_leave_its_outputs_out() -> None:
    values = json.loads(SPEC.to_json())
    del values["outputs"], values["symbols"], values["step_size"], values["look_back"]
    assert ModelSpec.from_json(json.dumps(values)) == SPEC


@pytest.mark.parametrize(
    "change",
    [
        {"sample_rate": 0},
        {"sample_rate": "22050"},
        {"context_frames": -1},
        {"horizon_frames": 1.5},
        {"horizon_frames": True},
        {"name": ""},
        {"outputs": []},
        {"outputs": {"frames": 3}},
        {"outputs": {"frames": [0, 4]}},
        {"step_size": 0},
        {"symbols": "67"},
        {"symbols": [67]},
        {"symbols": ["r", "r"]},
        {"unknown": 1},
    ],
)
def test_wrong_values_and_unknown_keys_are_refused(change: dict[str, object]) -> None:
    values = json.loads(SPEC.to_json()) | change
    with pytest.raises(UnusableModel, match="keys must be|frames|" + next(iter(change))):
        ModelSpec.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "{"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(UnusableModel, match="model spec"):
        ModelSpec.from_json(text)
