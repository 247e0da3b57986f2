"""What `extrap models` and `extrap info` print: lines of text about models and songs."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from extrapcli.audio.formats import is_audio_name
from extrapcli.backends import backend_class, open_model, registered
from extrapcli.errors import ExtrapError, UnusableModel
from extrapcli.models import DEFAULT, damaged_files, elsewhere, find_model, folders, how_to_get, read_card
from extrapcli.spec import EncoderSpec, SampleSpec, TuneSpec, WaveformSpec


def models_table() -> Iterator[str]:
    """List the released models: name, size of the file that runs by default, and what each does."""
    rows = [("model", "size", "what it does")]
    absent = [folder.name for folder in elsewhere()]
    for folder in sorted((*folders(), *elsewhere())):
        card = read_card(folder)
        size = "not here"
        if folder.name not in absent:
            size = f"{(folder / next(iter(card.files))).stat().st_size / 1e6:.1f} MB"
        name = f"{card.name} (default)" if card.name == DEFAULT else card.name
        rows.append((name, size, card.title + (" (for research)" if card.research else "")))
    width = max(len(name) for name, _, _ in rows)
    for name, size, title in rows:
        yield f"{name:<{width}}  {size:>8}  {title}".rstrip()
    yield ""
    yield "More about one of them: extrap models NAME"


def describe_card(name: str) -> Iterator[str]:
    """Tell all that the card of a model says; raise UnusableModel where there is no such card."""
    folder = next((folder for folder in (*folders(), *elsewhere()) if folder.name == name), Path(name))
    card = read_card(folder) if folder.is_dir() else None
    if card is None:
        known = ", ".join(folder.name for folder in folders()) or "none"
        raise UnusableModel(f"{name}: no such model; the models here: {known}")
    yield card.name
    yield f"  {card.summary}"
    yield f"licence: {card.licence}"
    yield f"trained on: {card.data}"
    yield f"made by: {card.made_by}"
    for figure, value in card.figures.items():
        yield f"{figure}: {value}"
    for file in card.files:
        path = folder / file
        yield f"{path}: {path.stat().st_size / 1e6:.1f} MB" if path.is_file() else f"{file}: {how_to_get(card.name)}"


def verify_models() -> Iterator[str]:
    """Give a line for each sound model; raise UnusableModel naming the files that are missing or altered."""
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
    """Tell what a song, a model file or a model folder is; raise as `decode` and `open_model` do."""
    is_name = not (file.exists() or file.suffix)
    if is_name or file.is_dir() or (not is_audio_name(file) and _belongs_to_a_backend(file)):
        yield from _describe_model(find_model(str(file)))
    else:
        yield from _describe_song(file)


def _belongs_to_a_backend(file: Path) -> bool:
    for backend in registered():  # one after another: each takes seconds to load
        with suppress(ExtrapError):
            if file.suffix in backend_class(backend).suffixes:
                return True
    return False


def _describe_model(path: Path) -> Iterator[str]:
    backend = open_model(path, device="cpu")
    spec = backend.spec
    yield f"model: {spec.name}, which {spec.does}, run by {backend.name}"
    yield f"kind: {spec.kind}"
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
    from extrapcli.audio.channels import names
    from extrapcli.audio.decode import decode

    song = decode(path, name=str(path))
    speakers = f" ({' '.join(names(song.layout))})" if song.layout else ""
    yield f"song: {song.name}"
    yield f"length: {song.seconds:.3f} s ({len(song.samples)} samples)"
    yield f"rate: {song.sample_rate} Hz"
    yield f"channels: {song.channels}{speakers}"
    yield f"samples: {song.depth}"
    yield f"format: {song.format or 'one that extrap reads but does not write'}"
    yield f"level: {20 * np.log10(song.samples.std()):.1f} dBFS RMS, peak {np.abs(song.samples).max():.3f}"
    for name, values in song.tags.text.items():
        yield f"{name}: {'; '.join(values)}"
    if song.tags.pictures:
        yield f"pictures: {len(song.tags.pictures)}"
    for note in song.notes:
        yield f"note: {note}"
