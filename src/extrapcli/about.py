"""What `extrap models`, `extrap info` and `extrap doctor` tell: lines of text, made from what is really here."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from extrapcli.audio.formats import is_audio_name
from extrapcli.backends import backend_class, open_model, registered
from extrapcli.errors import ExtrapError, UnusableModel
from extrapcli.models import DEFAULT, Card, damaged_files, elsewhere, find_model, folders, how_to_get, read_card
from extrapcli.spec import EncoderSpec, SampleSpec, TuneSpec, WaveformSpec


def describe_models() -> Iterator[str]:
    """Every released model: summary, licence, what made it, its main figure, and its size or how to get it."""
    for folder in folders():
        card = read_card(folder)
        sizes = ", ".join(f"{name} {(folder / name).stat().st_size / 1e6:.1f} MB" for name in card.files)
        yield f"{card.name}{' (default)' if card.name == DEFAULT else ''}"
        yield from _describe_card(card)
        yield f"  files: {sizes}"
    for folder in elsewhere():
        card = read_card(folder)
        yield f"{card.name} (not installed)"
        yield from _describe_card(card)
        yield f"  files: {how_to_get(card.name)}"


def _describe_card(card: Card) -> Iterator[str]:
    figure, value = next(iter(card.figures.items()))
    yield f"  {card.summary}"
    yield f"  {figure}: {value}"
    yield f"  licence: {card.licence}"
    yield f"  data: {card.data}"
    yield f"  made by: {card.made_by}"


def verify_models() -> Iterator[str]:
    """One line a sound model; UnusableModel names the files that are missing or altered."""
    damaged = []
    for folder in folders():
        wrong = damaged_files(folder)
        damaged += wrong
        if not wrong:
            yield f"{folder.name}: {len(read_card(folder).files)} files as released"
    for folder in elsewhere():
        yield f"{folder.name}: not installed; {how_to_get(folder.name)}"
    if damaged:
        raise UnusableModel(f"{', '.join(map(str, damaged))}: missing or not as released; install extrap again")


def describe(file: Path) -> Iterator[str]:
    """What a song, a model file or a model folder is; raises as `decode` and `open_model` do."""
    is_name = not (file.exists() or file.suffix)
    if is_name or file.is_dir() or (not is_audio_name(file) and _is_of_a_backend(file)):
        yield from _describe_model(find_model(str(file)))
    else:
        yield from _describe_song(file)


def _is_of_a_backend(file: Path) -> bool:
    for backend in registered():  # each takes seconds to load
        with suppress(ExtrapError):
            if file.suffix in backend_class(backend).suffixes:
                return True
    return False


def _describe_model(path: Path) -> Iterator[str]:
    backend = open_model(path, device="cpu")
    spec = backend.spec
    yield f"model: {spec.name}, run by {backend.name}"
    match spec:
        case TuneSpec():
            yield "takes: a step of a tune, and the state before it"
            yield f"gives: the probability of each of {len(spec.symbols)} symbols, for extrap melody"
        case SampleSpec():
            yield f"takes: the last {spec.look_back} samples of a sound at {spec.sample_rate} Hz"
            yield "gives: the next sample, and so on from there, for extrap predict and extrap continue"
        case WaveformSpec():
            yield f"takes: {spec.context_frames} frames of 1 s at {spec.sample_rate} Hz"
            yield f"gives: the next {spec.horizon_frames} frames, for the extrapolator {spec.extrapolator}"
        case EncoderSpec():
            yield f"takes: any number of frames of 1 s at {spec.sample_rate} Hz"
            yield f"gives: {', '.join(spec.outputs)}, for the extrapolator {spec.extrapolator}"
    if path.is_dir():
        for name, value in read_card(path).figures.items():
            yield f"{name}: {value}"


def _describe_song(path: Path) -> Iterator[str]:
    from extrapcli.audio.decode import decode

    song = decode(path, name=str(path))
    yield f"song: {song.name}"
    yield f"length: {song.seconds:.3f} s ({len(song.samples)} samples)"
    yield f"rate: {song.sample_rate} Hz"
    yield f"channels: {song.channels}"
    yield f"samples: {song.depth}"
    yield f"format: {song.format or 'one that extrap reads but does not write'}"
    yield f"level: {20 * np.log10(song.samples.std()):.1f} dBFS RMS, peak {np.abs(song.samples).max():.3f}"
    for name, values in song.tags.text.items():
        yield f"{name}: {'; '.join(values)}"
    if song.tags.pictures:
        yield f"pictures: {len(song.tags.pictures)}"


def diagnose() -> Iterator[str]:
    """Try each backend, device and format, and say what to install for what doesn't work."""
    yield from _diagnose_backends()
    yield from _diagnose_formats()
    names = [folder.name for folder in folders()]
    yield f"models: {', '.join(names) if names else 'none; install extrap again or set EXTRAP_MODELS'}"


def _diagnose_backends() -> Iterator[str]:
    model = next(iter(folders()), None)
    for name in registered():
        for device in ("cpu", "cuda"):
            try:
                if model:
                    open_model(model, backend=name, device=device)
                else:
                    backend_class(name)
            except ExtrapError as error:
                yield f"backend {name} on {device}: no: {error}"
            else:
                yield f"backend {name} on {device}: works"


def _diagnose_formats() -> Iterator[str]:
    from extrapcli.audio.decode import decode
    from extrapcli.audio.encode import open_track
    from extrapcli.audio.formats import FORMATS

    rate = 48000
    tone = np.sin(np.arange(rate) * 0.05).astype(np.float32)[:, None] * 0.5
    with tempfile.TemporaryDirectory() as folder:
        for format in FORMATS:
            path = Path(folder) / format
            try:
                with open_track(
                    path, format=format, sample_rate=rate, channels=1, depth="f32", expected_samples=rate
                ) as track:
                    track.write(tone)
                decode(path)
            except (ExtrapError, OSError) as error:
                yield f"format {format}: no: {error}"
            else:
                yield f"format {format}: reads and writes"
