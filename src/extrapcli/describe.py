"""What `extrap models` and `extrap info` print: lines of text about models and songs."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extrapcli.audio.formats import is_audio_name
from extrapcli.backends import backend_class, open_model, registered
from extrapcli.errors import ExtrapError, UnusableModel, UsageError
from extrapcli.models import (
    CARD,
    DEFAULT,
    Card,
    damaged_files,
    elsewhere,
    find_model,
    folders,
    how_to_get,
    is_ours,
    known_models,
    named_for_nothing,
    read_card,
)
from extrapcli.spec import BeatsSpec, EncoderSpec, PlannerSpec, SampleSpec, TuneSpec, WaveformSpec

if TYPE_CHECKING:
    from extrapcli.audio.song import Song

Line = str | UnusableModel
"""A line of text or, where a model or a place of models is of no use, the sentence on that."""


def models_table() -> Iterator[Line]:
    """List the released models: name, size of the file that runs by default, and what each does."""
    rows, faults = [("model", "size", "what it does")], [UnusableModel(fault) for fault in named_for_nothing()]
    absent = elsewhere()
    for folder in sorted((*folders(), *absent), key=lambda folder: folder.name):
        name = f"{folder.name} (default)" if folder.name == DEFAULT else folder.name
        try:
            card = read_card(folder)
            size = "not here" if folder in absent else _size(folder, card)
            rows.append((name, size, card.title + (" (for research)" if card.research else "")))
        except UnusableModel as error:
            rows.append((name, "damaged", ""))
            faults.append(error)
    width = max(len(name) for name, _, _ in rows)
    for name, size, title in rows:
        yield f"{name:<{width}}  {size:>8}  {title}".rstrip()
    yield ""
    yield "More about one of them: extrap models NAME"
    yield from faults


def _size(folder: Path, card: Card) -> str:
    main = folder / next(iter(card.files))
    if not main.is_file():
        raise UnusableModel(f"{main}: is missing; {_restore(folder)}")
    return f"{main.stat().st_size / 1e6:.1f} MB"


def _restore(folder: Path) -> str:
    """Say how a damaged model is made whole."""
    return "install extrap again" if is_ours(folder) else "copy the model again from where it came from, or export it"


def describe_card(name: str) -> Iterator[Line]:
    """Tell all that the card of a model says; raise UnusableModel where there is no such card."""
    folder = next((folder for folder in (*folders(), *elsewhere()) if folder.name == name), Path(name))
    if not folder.is_dir():
        raise UnusableModel(f"{name}: no such model; {known_models()}")
    card = read_card(folder)
    yield card.name
    yield f"  {card.summary}"
    yield f"licence: {card.licence}"
    yield f"trained on: {card.data}"
    yield f"made by: {card.made_by}"
    yield from _figures(card)
    for file in card.files:
        path = folder / file
        if path.is_file():
            yield f"{path}: {path.stat().st_size / 1e6:.1f} MB"
        else:
            yield f"{path}: not here; {how_to_get(folder.name) if folder in elsewhere() else _restore(folder)}"


def _figures(card: Card) -> Iterator[str]:
    """Give a line for each figure, with four digits."""
    yield "measured when it was exported:"
    for name, value in card.figures.items():
        text = f"{value:,}" if type(value) is int else f"{value:.4g}" if type(value) is float else value
        yield f"  {name}: {text}"


def verify_models(on_model: Callable[[str], None] = lambda name: None) -> Iterator[Line]:
    """Give a line for each model; `on_model` is called with its name before its files are read."""
    for folder in folders():
        on_model(folder.name)
        try:
            if wrong := damaged_files(folder):
                names = ", ".join(map(str, wrong))
                raise UnusableModel(f"{names}: missing or not as released; {_restore(folder)}")
            yield f"{folder.name}: {len(read_card(folder).files)} files as released"
        except UnusableModel as error:
            yield error
    for folder in elsewhere():
        try:
            read_card(folder)
            yield f"{folder.name}: not installed; {how_to_get(folder.name)}"
        except UnusableModel as error:
            yield error
    yield from map(UnusableModel, named_for_nothing())


def describe(file: Path) -> Iterator[str]:
    """Tell what a song, a model file or a model folder is; raise as `decode` and `open_model` do."""
    if _is_model(file):
        yield from _describe_model(find_model(str(file)))
    else:
        yield from describe_song(decode_song(file))


def decode_song(file: Path) -> "Song":
    """Decode a song; raise UsageError for a model, and as `decode` does."""
    from extrapcli.audio.decode import decode

    if str(file) == "-":
        raise UsageError("-: only a file can be analysed; save the song first")
    if os.path.isdir(file):  # noqa: PTH112
        raise UsageError(f"{file}: is a folder; only songs can be analysed")
    if _is_model(file):
        raise UsageError(f"{file}: is a model, or names one; only songs can be analysed")
    return decode(file, name=str(file))


def _is_model(file: Path) -> bool:
    is_name = not (os.path.lexists(file) or file.suffix)
    is_folder = os.path.isdir(file)  # noqa: PTH112
    return is_name or is_folder or (not is_audio_name(file) and _belongs_to_a_backend(file))


def _belongs_to_a_backend(file: Path) -> bool:
    for backend in registered():  # one after another: each takes seconds to load
        with suppress(ExtrapError):
            if file.suffix.lower() in backend_class(backend).suffixes:
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
        case BeatsSpec():
            yield f"takes: sound at {spec.sample_rate} Hz"
            rate = spec.sample_rate / spec.hop_samples
            yield f"gives: how likely a beat and a downbeat are, {rate:g} times a second"
        case WaveformSpec():
            yield f"takes: {spec.context_frames} frames of 1 s at {spec.sample_rate} Hz"
            yield f"gives: the next {spec.horizon_frames} frames, for the extrapolator {spec.extrapolator}"
        case EncoderSpec():
            yield f"takes: any number of frames of 1 s at {spec.sample_rate} Hz"
            yield f"gives: {', '.join(spec.outputs)}, for the extrapolator {spec.extrapolator}"
        case PlannerSpec():
            yield f"takes: half beats of a song, {spec.slot} numbers each, and its own memory"
            yield f"gives: which of them could come next, for the extrapolator {spec.extrapolator}"
    if (path / CARD).exists():
        yield from _figures(read_card(path))


def describe_song(song: "Song") -> Iterator[str]:
    """Tell what a decoded song is."""
    from extrapcli.audio.channels import names

    speakers = f" ({' '.join(names(song.layout))})" if song.layout else ""
    yield f"song: {song.name}"
    yield f"length: {song.seconds:.3f} s ({len(song.samples)} samples)"
    yield f"rate: {song.sample_rate} Hz"
    yield f"channels: {song.channels}{speakers}"
    yield f"samples: {song.depth}"
    yield f"format: {song.format or 'one that extrap reads but does not write'}"
    yield f"level: {20 * np.log10(song.heard.std()):.1f} dBFS RMS, peak {np.abs(song.samples).max():.3f}"
    for name, values in song.tags.text.items():
        yield f"{name}: {'; '.join(values)}"
    if song.tags.pictures:
        yield f"pictures: {len(song.tags.pictures)}"
    for note in song.notes:
        yield f"note: {note}"
