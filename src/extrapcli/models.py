"""The released models: folders that hold `card.json` beside one model file for each backend.

For a model that is too large, the package has only the card.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from extrapcli.errors import UnusableModel

DEFAULT = "recall"
COMPOSER = "compose"  # writes the new bars that are asked of the default
CARD = "card.json"
_PLACES = (Path(__file__).parent / "released", Path(__file__).parents[2] / "models")


@dataclass(frozen=True)
class Card:
    """What a user should know about a model, and the checksums of its files.

    `title` says in a few words what it does; a `research` model is there to be compared with, and one that doesn't
    `continues` songs does something else. `figures` are named
    measurements, the main one first; `files` maps a file name to its SHA-256.
    """

    name: str
    summary: str
    licence: str
    data: str
    made_by: str
    figures: dict[str, float | int | str]
    files: dict[str, str]
    title: str = ""
    research: bool = False
    continues: bool = True


def folders() -> list[Path]:
    """Return the folders of the models in $EXTRAP_MODELS, the package and its checkout, sorted by name."""
    return [folder for folder in _released() if _is_here(folder)]


def elsewhere() -> list[Path]:
    """Return the folders, sorted by name, that hold only the card of a released model."""
    return [folder for folder in _released() if not _is_here(folder)]


def named_for_nothing() -> list[str]:
    """Return a sentence on each place in $EXTRAP_MODELS that has no models."""
    return [f"EXTRAP_MODELS: {place}: {fault}" for place in _places() if (fault := _fault(place))]


def _fault(place: Path) -> str | None:
    try:
        next(place.iterdir(), None)
    except FileNotFoundError:
        return "there is no such folder"
    except NotADirectoryError:
        return "is a file; name the folder that holds the folders of models"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if (place / CARD).is_file():
        return f"is a model itself; name the folder that it lies in, {place.absolute().parent}"
    if not any(place.glob(f"*/{CARD}")):
        return f"holds no models; a model is a folder with a {CARD}, as extrap export makes it"
    return None


def is_ours(folder: Path) -> bool:
    """Return whether a model came with extrap."""
    return folder.parent in _PLACES


def _places() -> list[Path]:
    return [Path(place) for place in os.environ.get("EXTRAP_MODELS", "").split(os.pathsep) if place]


def _released() -> list[Path]:
    found: dict[str, Path] = {}
    for place in (*_places(), *_PLACES):
        cards: list[Path] = []
        with suppress(OSError):  # named_for_nothing reports it
            cards = sorted(place.glob(f"*/{CARD}"))
        for card in cards:
            folder = card.parent
            if folder.name not in found or not _is_here(found[folder.name]):
                found[folder.name] = folder
    return [found[name] for name in sorted(found)]


def _is_here(folder: Path) -> bool:
    return any(folder.glob("model.*"))


def how_to_get(name: str) -> str:
    """Say how to get a released model whose files are not in the package."""
    return (
        f"its files are too large for the package; take the folder models/{name} from extrap's repository "
        "and name the folder it lies in with EXTRAP_MODELS"
    )


def find_model(name_or_path: str | Path) -> Path:
    """Find the file or folder of a model; raise UnusableModel where nothing has that name or path."""
    name_or_path = str(name_or_path)
    for folder in folders():
        if folder.name == name_or_path:
            return folder
    path = Path(name_or_path)
    try:
        path.stat()
        return path
    except PermissionError:
        raise UnusableModel(f"{path}: cannot be read: no permission") from None
    except (OSError, ValueError):  # no such file, a name too long for one, or with a zero in it
        pass
    if name_or_path in [folder.name for folder in elsewhere()]:
        raise UnusableModel(f"{name_or_path}: {how_to_get(name_or_path)}")
    if "://" in name_or_path:
        raise UnusableModel(f"{name_or_path}: extrap downloads nothing; download the model and give its path")
    raise UnusableModel(f"{name_or_path}: no such model or file; {known_models()}")


def known_models() -> str:
    """Say which models there are."""
    names = ", ".join(folder.name for folder in folders()) or "none"
    return f"the models here: {names} (see extrap models)"


def read_card(folder: Path) -> Card:
    """Read a model's card; raise UnusableModel where it is damaged."""
    path = folder / CARD
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableModel(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UnusableModel(f"{path}: not a model card, which is JSON; export the model again") from None
    if fault := _fault_of_card(values):
        raise UnusableModel(f"{path}: not a model card: {fault}; export the model again")
    return Card(**values)


def _fault_of_card(values: Any) -> str | None:
    if not isinstance(values, dict):
        return "it is no table"
    kinds = {field.name: field for field in fields(Card)}
    if unknown := sorted(values.keys() - kinds.keys()):
        return f"{unknown[0]} is no part of one"
    for name, field in kinds.items():
        if name not in values and field.default is MISSING:
            return f"it lacks {name}"
        if name not in ("figures", "files") and type(values.get(name, field.default)) is not field.type:
            return f"{name} must be {'true or false' if field.type is bool else 'text'}"
    figures, files = values["figures"], values["files"]
    if not isinstance(figures, dict) or not all(type(value) in (int, float, str) for value in figures.values()):
        return "figures must be a table of numbers and texts"
    if not isinstance(files, dict) or not files or not all(isinstance(digest, str) for digest in files.values()):
        return "files must be a table of checksums"
    if any(Path(name).name != name for name in files):
        return "it names files elsewhere; a model's files lie beside its card"
    return None


def write_card(folder: Path, card: Card) -> None:
    (folder / CARD).write_text(json.dumps(card.__dict__, indent=2) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged_files(folder: Path) -> list[Path]:
    """Return the files of a model that are missing or differ from its card."""
    files = read_card(folder).files
    return [folder / name for name, digest in files.items() if _digest(folder / name) != digest]


def _digest(path: Path) -> str | None:
    try:
        return sha256(path)
    except OSError:
        return None
