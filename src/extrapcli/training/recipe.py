"""Recipes from TOML files, and from the folders of runs."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from extrapcli.errors import UsageError
from extrapcli.training.kinds import RECIPES
from extrapcli.training.kinds.base import Recipe

_FOLDERS = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "training" / "recipes")


def find_recipe(name_or_path: str) -> Recipe:
    """Read the recipe of a name that extrap knows, or of a file; raise UsageError where neither is there."""
    for folder in _FOLDERS:
        if (known := folder / f"{name_or_path}.toml").is_file():
            return read_recipe(known)
    return read_recipe(Path(name_or_path))


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe; raise UsageError with the first thing that is wrong."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(p.stem for folder in _FOLDERS for p in folder.glob("*.toml")))
        raise UsageError(
            f"{path}: cannot read the recipe ({error.strerror}); name a file, or one of {known}"
        ) from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or numbers of thousands of digits
        raise UsageError(f"{path}: not TOML: {error}") from None
    return parse_recipe(values, path)


def parse_recipe(values: object, path: Path) -> Recipe:
    """Make a recipe of the tables of a file; raise UsageError, which names the file, for the first thing wrong."""
    network = values.get("network") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(network, str) or network not in RECIPES:
        raise UsageError(f"{path}: network must be one of {', '.join(RECIPES)}, not {network!r}")
    recipe = RECIPES[network]
    foreign = {name for other in RECIPES.values() for name in other.model_fields} - recipe.model_fields.keys()
    for name in sorted(foreign & values.keys()):
        raise UsageError(f"{path}: [{name}] says nothing about a {network} network")
    try:
        return recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{path}: {where}: {message}" if where else f"{path}: {message}") from None
