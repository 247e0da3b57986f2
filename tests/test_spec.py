import json

import pytest

from extrapcli.errors import UnusableModel
from extrapcli.spec import BeatsSpec, EncoderSpec, ModelSpec, SampleSpec, TuneSpec, VoiceSpec, WaveformSpec, expect
from extrapcli.spec.reading import read_spec

WAVEFORM = WaveformSpec("w", "waveform", sample_rate=22050, context_frames=20, horizon_frames=10)
ENCODER = EncoderSpec("e", "recall", 22050, {"places": (None, 8)})
SAMPLE = SampleSpec("s", "amplitude", 22050, look_back=3)
BEATS = BeatsSpec("b", 22050, 441, 3, 1, 0.12, 1800, 0)
TUNE = TuneSpec("t", ("/", "_", "67"), 8)
VOICE = VoiceSpec("v", 22050)
FIRST_FORMAT: dict[str, object] = {
    "context_frames": None,
    "horizon_frames": 1,
    "outputs": {},
    "symbols": [],
    "step_size": None,
    "look_back": None,
}


@pytest.mark.parametrize("spec", [WAVEFORM, ENCODER, SAMPLE, BEATS, TUNE, VOICE])
def test_json_and_back_is_the_identity(spec: ModelSpec) -> None:
    assert read_spec(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("spec", "inputs", "outputs"),
    [
        (WAVEFORM, (20, 22050), {"frames": (10, 22050)}),
        (ENCODER, (None, 22050), {"places": (None, 8)}),
        (SAMPLE, (None, 1), {"next": (None, 1)}),
        (TUNE, (1, 10), {"next": (3,), "state": (8,)}),
        (VOICE, (None, 22050), {"voice": (None,)}),
    ],
)
def test_shapes_follow_from_the_fields(spec: ModelSpec, inputs: object, outputs: object) -> None:
    assert spec.input_shapes == {"context": inputs}
    assert spec.output_shapes == outputs


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (WAVEFORM, {"extrapolator": "waveform", "sample_rate": 22050, "context_frames": 20, "horizon_frames": 10}),
        (ENCODER, {"extrapolator": "recall", "sample_rate": 22050, "outputs": {"places": [None, 8]}}),
        (SAMPLE, {"extrapolator": "amplitude", "sample_rate": 22050, "step_size": 1, "look_back": 3}),
        (TUNE, {"extrapolator": "melody", "sample_rate": 1, "symbols": ["/", "_", "67"], "step_size": 10}),
    ],
)
def test_specs_of_the_first_format_are_read(spec: ModelSpec, values: dict[str, object]) -> None:
    assert read_spec(json.dumps({"name": spec.name} | FIRST_FORMAT | values)) == spec


def test_of_the_first_format_only_some_keys_may_be_absent() -> None:
    values = {
        "name": "w",
        "extrapolator": "waveform",
        "sample_rate": 22050,
        "context_frames": 20,
        "horizon_frames": 10,
    }
    assert read_spec(json.dumps(values)) == WAVEFORM
    with pytest.raises(UnusableModel, match="keys must be among"):
        read_spec(json.dumps(values | {"unknown": 1}))
    del values["horizon_frames"]
    with pytest.raises(UnusableModel, match="keys must be among"):
        read_spec(json.dumps(values))


@pytest.mark.parametrize(
    ("spec", "change"),
    [
        (WAVEFORM, {"sample_rate": 0}),
        (WAVEFORM, {"sample_rate": "22050"}),
        (WAVEFORM, {"context_frames": -1}),
        (WAVEFORM, {"horizon_frames": 1.5}),
        (WAVEFORM, {"horizon_frames": True}),
        (WAVEFORM, {"name": ""}),
        (WAVEFORM, {"extrapolator": None}),
        (WAVEFORM, {"kind": "unknown"}),
        (WAVEFORM, {"kind": ["waveform"]}),
        (WAVEFORM, {"look_back": 3}),
        (ENCODER, {"outputs": []}),
        (ENCODER, {"outputs": {}}),
        (ENCODER, {"outputs": {"places": 3}}),
        (ENCODER, {"outputs": {"places": [0, 4]}}),
        (SAMPLE, {"look_back": 0}),
        (BEATS, {"hop_samples": 0}),
        (BEATS, {"state": 0}),
        (BEATS, {"before": -1}),
        (BEATS, {"after": 1.0}),
        (BEATS, {"delay": 10**6}),
        (BEATS, {"level": 0.0}),
        (BEATS, {"level": 2.0}),
        (BEATS, {"level": 1}),
        (TUNE, {"state": 0}),
        (TUNE, {"symbols": "67"}),
        (TUNE, {"symbols": [67]}),
        (TUNE, {"symbols": ["r", "r"]}),
        (TUNE, {"symbols": []}),
        (VOICE, {"sample_rate": 0}),
    ],
)
def test_wrong_values_and_unknown_keys_are_refused(spec: ModelSpec, change: dict[str, object]) -> None:
    values = json.loads(spec.to_json()) | change
    with pytest.raises(UnusableModel, match="keys must be|places|" + next(iter(change))):
        read_spec(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "{"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(UnusableModel, match="model spec"):
        read_spec(text)


def test_a_model_of_beats_takes_a_state_with_its_sound() -> None:
    assert BEATS.input_shapes == {"context": (None, 441), "state": (1800,)}
    assert BEATS.output_shapes == {"beat": (None,), "downbeat": (None,), "next_state": (1800,)}


def test_a_spec_of_another_kind_is_refused_by_name() -> None:
    assert expect(SAMPLE, SampleSpec) is SAMPLE
    with pytest.raises(UnusableModel, match="model w predicts seconds of sound; choose one that predicts samples"):
        expect(WAVEFORM, SampleSpec)


@pytest.mark.parametrize("change", [{"look_back": 10**9}, {"sample_rate": 60_000_000}])
def test_sizes_that_no_shape_declares_have_a_limit(change: dict[str, int]) -> None:
    values = json.loads(SampleSpec("samples", "amplitude", 22050, 3).to_json()) | change
    with pytest.raises(UnusableModel, match=r"must be \d+( Hz)? at most"):
        read_spec(json.dumps(values))
