"""Reading specs from JSON, those of older models too."""

import json
from dataclasses import fields
from typing import Any

from extrapcli.errors import UnusableModel
from extrapcli.spec import (
    BeatsSpec,
    EncoderSpec,
    ModelSpec,
    PlannerSpec,
    SampleSpec,
    TuneSpec,
    VoiceSpec,
    WaveformSpec,
)

KINDS: dict[str, type[ModelSpec]] = {
    spec.kind: spec for spec in (WaveformSpec, EncoderSpec, PlannerSpec, SampleSpec, BeatsSpec, TuneSpec, VoiceSpec)
}
"""The kinds of model, by the name that a spec gives."""

FIRST_FORMAT = {"name", "extrapolator", "sample_rate", "context_frames", "horizon_frames"}
FIRST_FORMAT_OPTIONAL = {"outputs", "symbols", "step_size", "look_back"}


def read_spec(text: str) -> ModelSpec:
    """Read a spec, of the first format too, which had no kinds.

    Raises UnusableModel where the text is no JSON object, the kind is unknown, or keys are missing, unknown or of the
    wrong type.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableModel(f"model spec: not JSON: {text[:200]}") from None
    if isinstance(values, dict) and "kind" not in values:
        values = _from_first_format(values, text)
    if not isinstance(values, dict) or str(values.get("kind")) not in KINDS:
        raise UnusableModel(f"model spec: kind must be one of {', '.join(KINDS)}; got {text[:200]}")
    kind = KINDS[values.pop("kind")]
    known = {field.name for field in fields(kind)}
    if set(values) != known:
        raise UnusableModel(f"model spec: keys must be {', '.join(sorted(known))}; got {text[:200]}")
    return kind(**values)


def _from_first_format(values: dict[str, Any], text: str) -> dict[str, Any]:
    """Bring a spec of version 0.1, which had one class for all models, into today's format."""
    if not FIRST_FORMAT <= set(values) <= FIRST_FORMAT | FIRST_FORMAT_OPTIONAL:
        known = ", ".join(sorted({"kind"} | FIRST_FORMAT | FIRST_FORMAT_OPTIONAL))
        raise UnusableModel(f"model spec: keys must be among {known}; got {text[:200]}")
    audio = {key: values[key] for key in ("name", "extrapolator", "sample_rate")}
    if values.get("symbols"):
        size = values.get("step_size") or 0
        return {"kind": "tune", "name": values["name"], "symbols": values["symbols"], "state": size - 2}
    if values.get("look_back") is not None:
        return {"kind": "sample", **audio, "look_back": values["look_back"]}
    if values.get("outputs"):
        return {"kind": "encoder", **audio, "outputs": values["outputs"]}
    return {"kind": "waveform", **audio} | {key: values[key] for key in ("context_frames", "horizon_frames")}
