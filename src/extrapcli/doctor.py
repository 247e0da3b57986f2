"""What `extrap doctor` prints: which backends, formats and models work here."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from extrapcli import extrapolators
from extrapcli.atomic import temporary_folder
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import write_song
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Song
from extrapcli.backends import GROUP as BACKENDS
from extrapcli.backends import backend_class, open_model, registered
from extrapcli.errors import ExtrapError, MissingDependency
from extrapcli.models import folders, is_ours, named_for_nothing
from extrapcli.plugins import hidden, package_of


def diagnose() -> Iterator[str]:
    """Try each backend on each of its devices, and each format; say what to install for what doesn't work."""
    for name in registered():
        yield from _diagnose_backend(name)
    for name, entry in extrapolators.registered().items():
        try:
            extrapolators.extrapolator_class(entry)
            yield f"extrapolator {name}: loads"
        except ExtrapError as error:
            yield f"extrapolator {name}: no: {error}"
    for entry in (*hidden(BACKENDS), *hidden(extrapolators.GROUP)):
        kind = entry.group.removeprefix("extrap.").removesuffix("s")
        yield f"{kind} {entry.name} of the package {package_of(entry)}: no: the name is taken; tell its authors"
    yield from _diagnose_formats()
    names = [folder.name for folder in folders()]
    yield f"models: {', '.join(names) if names else 'none; install extrap again or set EXTRAP_MODELS'}"
    yield from named_for_nothing()


def _diagnose_backend(name: str) -> Iterator[str]:
    try:
        backend = backend_class(name)
    except ExtrapError as error:
        yield f"backend {name}: no: {error}"
        return
    models = [f for f in folders() for suffix in backend.suffixes if (f / f"model{suffix}").is_file()]
    if not models:
        yield f"backend {name}: loads, but no model here is made for it ({', '.join(backend.suffixes)})"
        return
    for device in backend.devices:
        yield f"backend {name} on {device}: {_opens(sorted(models, key=is_ours, reverse=True), name, device)}"


def _opens(models: list[Path], backend: str, device: str) -> str:
    """Say whether a backend opens any of its models: a damaged one is not its fault."""
    told = ""
    for model in models:
        try:
            open_model(model, backend=backend, device=device)
        except MissingDependency as error:
            return f"no: {error}"
        except ExtrapError as error:
            told = told or f"no: {error}"
        else:
            return "works"
    return told


def _diagnose_formats() -> Iterator[str]:
    rate = 48000
    sound = np.sin(np.arange(rate) * 0.05).astype(np.float32)[:, None] * 0.5
    tone = Song("tone", sound, rate, "f32", None)
    with temporary_folder() as folder:
        for format in FORMATS:
            path = folder / format
            try:
                write_song(path, tone, format=format)
                decode(path)
            except (ExtrapError, OSError) as error:
                yield f"format {format}: no: {error}"
            else:
                yield f"format {format}: reads and writes"
