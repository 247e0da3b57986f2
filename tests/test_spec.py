import json

import pytest

from extrapcli.errors import UnusableModel
from extrapcli.spec import ModelSpec

SPEC = ModelSpec("name", "waveform", sample_rate=22050, context_frames=20, horizon_frames=10)


def test_json_and_back_is_the_identity() -> None:
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC


def test_shapes_follow_from_the_fields() -> None:
    assert SPEC.context_shape == (20, 22050)
    assert SPEC.horizon_shape == (10, 22050)


@pytest.mark.parametrize(
    "change",
    [
        {"sample_rate": 0},
        {"sample_rate": "22050"},
        {"context_frames": -1},
        {"horizon_frames": 1.5},
        {"horizon_frames": True},
        {"name": ""},
        {"unknown": 1},
    ],
)
def test_wrong_values_and_unknown_keys_are_refused(change: dict[str, object]) -> None:
    values = json.loads(SPEC.to_json()) | change
    with pytest.raises(UnusableModel, match=next(iter(change)) if "unknown" not in change else "keys must be"):
        ModelSpec.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "{"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(UnusableModel, match="model spec"):
        ModelSpec.from_json(text)
