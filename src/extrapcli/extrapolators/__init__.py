"""Extrapolators by the name that a model's spec gives."""

from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.extrapolators.amplitude import Amplitude
from extrapcli.extrapolators.base import Extrapolator, Style
from extrapcli.extrapolators.recall import Recall
from extrapcli.extrapolators.waveform import Waveform
from extrapcli.spec import AudioSpec, TuneSpec, expect

EXTRAPOLATORS: dict[str, type[Recall] | type[Waveform] | type[Amplitude]] = {
    "recall": Recall,
    "waveform": Waveform,
    "amplitude": Amplitude,
}


def extrapolator_for(backend: Backend, style: Style) -> Extrapolator:
    """Give the extrapolator that the backend's model asks for; raise UnusableModel for one that can't be had."""
    if isinstance(backend.spec, TuneSpec):
        raise UnusableModel(f"model {backend.spec.name} writes tunes; use it with extrap melody")
    kind = expect(backend.spec, AudioSpec).extrapolator
    if kind not in EXTRAPOLATORS:
        raise UnusableModel(
            f"model {backend.spec.name} needs the extrapolator {kind!r}, which this version lacks; "
            f"it has {', '.join(EXTRAPOLATORS)}; a newer extrap may run it"
        )
    extrapolator = EXTRAPOLATORS[kind]
    if missing := extrapolator.needs - backend.spec.output_shapes.keys():
        raise UnusableModel(f"model {backend.spec.name} does not give {', '.join(sorted(missing))}; export it again")
    return extrapolator(backend, style)
