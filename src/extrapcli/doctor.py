"""What `extrap doctor` prints: which backends, formats and models work here."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import write_song
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Song
from extrapcli.backends import backend_class, open_model, registered
from extrapcli.errors import ExtrapError
from extrapcli.models import folders


def diagnose() -> Iterator[str]:
    """Try each backend on each of its devices, and each format; say what to install for what doesn't work."""
    for name in registered():
        yield from _diagnose_backend(name)
    yield from _diagnose_formats()
    names = [folder.name for folder in folders()]
    yield f"models: {', '.join(names) if names else 'none; install extrap again or set EXTRAP_MODELS'}"


def _diagnose_backend(name: str) -> Iterator[str]:
    try:
        backend = backend_class(name)
    except ExtrapError as error:
        yield f"backend {name}: no: {error}"
        return
    model = next((f for f in folders() for suffix in backend.suffixes if (f / f"model{suffix}").is_file()), None)
    if model is None:
        yield f"backend {name}: loads, but no model here is made for it ({', '.join(backend.suffixes)})"
        return
    for device in backend.devices:
        try:
            open_model(model, backend=name, device=device)
        except ExtrapError as error:
            yield f"backend {name} on {device}: no: {error}"
        else:
            yield f"backend {name} on {device}: works"


def _diagnose_formats() -> Iterator[str]:
    rate = 48000
    sound = np.sin(np.arange(rate) * 0.05).astype(np.float32)[:, None] * 0.5
    tone = Song("tone", sound, rate, "f32", None)
    with tempfile.TemporaryDirectory() as folder:
        for format in FORMATS:
            path = Path(folder) / format
            try:
                write_song(path, tone, format=format)
                decode(path)
            except (ExtrapError, OSError) as error:
                yield f"format {format}: no: {error}"
            else:
                yield f"format {format}: reads and writes"
