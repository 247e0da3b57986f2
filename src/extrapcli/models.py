"""The released models: folders that hold `card.json` beside one model file for each backend."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from extrapcli.errors import UnusableModel

DEFAULT = "recall"
_PLACES = (Path(__file__).parent / "released", Path(__file__).parents[2] / "models")


@dataclass(frozen=True)
class Card:
    """What a user should know of a model, and what verifies its files.

    `figures` are named measurements, the main one first; `files` maps a file name to its SHA-256.
    """

    name: str
    summary: str
    licence: str
    data: str
    made_by: str
    figures: dict[str, float | int | str]
    files: dict[str, str]


def folders() -> list[Path]:
    """The folder of each released model, by name: those in the package, its checkout and $EXTRAP_MODELS."""
    places = [Path(p) for p in os.environ.get("EXTRAP_MODELS", "").split(os.pathsep) if p]
    found: dict[str, Path] = {}
    for place in (*places, *_PLACES):
        for card in sorted(place.glob("*/card.json")):
            found.setdefault(card.parent.name, card.parent)
    return [found[name] for name in sorted(found)]


def find_model(name_or_path: str) -> Path:
    """Give the file or folder of a model; raise UnusableModel where nothing has that name or path."""
    for folder in folders():
        if folder.name == name_or_path:
            return folder
    path = Path(name_or_path)
    if path.exists():
        return path
    known = ", ".join(folder.name for folder in folders()) or "none"
    raise UnusableModel(f"{name_or_path}: no such model or file; the models here: {known} (see extrap models)")


def read_card(folder: Path) -> Card:
    """Read a model's card; raise UnusableModel where it is damaged."""
    path = folder / "card.json"
    try:
        card = Card(**json.loads(path.read_text()))
        if not isinstance(card.figures, dict) or not all(isinstance(digest, str) for digest in card.files.values()):
            raise TypeError("figures and files must be tables")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableModel(f"{path}: not a model card: {error}") from None
    if any(Path(name).name != name for name in card.files):
        raise UnusableModel(f"{path}: names files elsewhere; a model's files lie beside its card")
    return card


def write_card(folder: Path, card: Card) -> None:
    (folder / "card.json").write_text(json.dumps(card.__dict__, indent=2) + "\n")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged_files(folder: Path) -> list[Path]:
    """The files of a model that are missing or differ from its card."""
    files = read_card(folder).files
    return [folder / name for name, digest in files.items() if _digest(folder / name) != digest]


def _digest(path: Path) -> str | None:
    try:
        return sha256(path)
    except OSError:
        return None
