"""The released models: folders that hold `card.json` beside one model file for each backend.

For a model that is too large, the package has only the card.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from extrapcli.errors import UnusableModel

DEFAULT = "recall"
CARD = "card.json"
_PLACES = (Path(__file__).parent / "released", Path(__file__).parents[2] / "models")


@dataclass(frozen=True)
class Card:
    """What a user should know about a model, and the checksums of its files.

    `title` says in a few words what it does; a `research` model is there to be compared with. `figures` are named
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


def folders() -> list[Path]:
    """Return the folders of the models in $EXTRAP_MODELS, the package and its checkout, sorted by name."""
    return [folder for folder in _released() if _is_here(folder)]


def elsewhere() -> list[Path]:
    """Return the folders, sorted by name, that hold only the card of a released model."""
    return [folder for folder in _released() if not _is_here(folder)]


def _released() -> list[Path]:
    places = [Path(p) for p in os.environ.get("EXTRAP_MODELS", "").split(os.pathsep) if p]
    found: dict[str, Path] = {}
    for place in (*places, *_PLACES):
        for card in sorted(place.glob(f"*/{CARD}")):
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
    if path.exists():
        return path
    if name_or_path in [folder.name for folder in elsewhere()]:
        raise UnusableModel(f"{name_or_path}: {how_to_get(name_or_path)}")
    known = ", ".join(folder.name for folder in folders()) or "none"
    raise UnusableModel(f"{name_or_path}: no such model or file; the models here: {known} (see extrap models)")


def read_card(folder: Path) -> Card:
    """Read a model's card; raise UnusableModel where it is damaged."""
    path = folder / CARD
    try:
        card = Card(**json.loads(path.read_text(encoding="utf-8")))
        if not isinstance(card.figures, dict) or not all(isinstance(digest, str) for digest in card.files.values()):
            raise TypeError("figures and files must be tables")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableModel(f"{path}: not a model card: {error}") from None
    if any(Path(name).name != name for name in card.files):
        raise UnusableModel(f"{path}: names files elsewhere; a model's files lie beside its card")
    return card


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
