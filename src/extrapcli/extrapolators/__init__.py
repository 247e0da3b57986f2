"""Extrapolators by the name that a model's spec gives."""

from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.extrapolators.base import Extrapolator
from extrapcli.extrapolators.waveform import Waveform

EXTRAPOLATORS = {"waveform": Waveform}


def extrapolator_for(backend: Backend, *, fade_seconds: float | None, seed: int) -> Extrapolator:
    """Give the extrapolator that the backend's model asks for; raise UnusableModel for an unknown one."""
    kind = backend.spec.extrapolator
    if kind not in EXTRAPOLATORS:
        raise UnusableModel(
            f"model {backend.spec.name} needs the extrapolator {kind!r}, which this version lacks; "
            f"it has {', '.join(EXTRAPOLATORS)}; a newer extrap may run it"
        )
    return EXTRAPOLATORS[kind](backend, fade_seconds=fade_seconds, seed=seed)
