"""Recipes from TOML files, and from the folders of runs. They are checked before Keras is loaded."""

import json
import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from extrapcli.errors import UsageError
from extrapcli.training.kinds import RECIPES
from extrapcli.training.kinds.base import Recipe

MOST_BYTES = 10**6
_FOLDERS = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "training" / "recipes")
_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "tuple_type": "a list in brackets",
    "model_type": "a table",
    "finite_number": "a finite number",
}


def find_recipe(name_or_path: str) -> Recipe:
    """Read the recipe of a name that extrap knows, or of a file; raise UsageError where neither is there."""
    for folder in _FOLDERS:
        if os.path.isfile(known := folder / f"{name_or_path}.toml"):  # noqa: PTH113
            return read_recipe(known)
    return read_recipe(Path(name_or_path))


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe; raise UsageError with the first thing that is wrong."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise UsageError(f"{path}: too large for a recipe, which is a page of TOML")
        values = tomllib.loads(text.decode("utf-8-sig"))
    except OSError as error:
        known = ", ".join(sorted(p.stem for folder in _FOLDERS for p in folder.glob("*.toml")))
        raise UsageError(
            f"{path}: cannot read the recipe ({error.strerror}); name a file, or one of {known}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except (ValueError, RecursionError):  # not UTF-8, or numbers of thousands of digits
        raise UsageError(f"{path}: not TOML, which is UTF-8 text with numbers of ordinary size") from None
    return parse_recipe(values, path)


def parse_recipe(values: object, path: Path) -> Recipe:
    """Make a recipe of the tables of a file; raise UsageError, which names the file, for the first thing wrong."""
    network = values.get("network") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(network, str) or network not in RECIPES:
        given = "" if network is None else f", not {_written(network)}"
        raise UsageError(f"{path}: network must be one of {', '.join(RECIPES)}{given}")
    recipe = RECIPES[network]
    if fault := _unknown_key(values, recipe):
        raise UsageError(f"{path}: {fault}")
    try:
        return recipe.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error.errors()[0])}") from None


def differences(one: Recipe, other: Recipe) -> dict[str, str]:
    """Return the keys in which two recipes differ, as `fit.epochs`, each with both values: `3, not 2`."""
    ours, theirs = _flat(one.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
    return {
        key: f"{_written(ours.get(key))}, not {_written(theirs.get(key))}"
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    }


def _flat(tables: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tables.items():
        found |= {f"{name}.{key}": of for key, of in value.items()} if isinstance(value, dict) else {name: value}
    return found


def _unknown_key(values: dict[str, Any], recipe: type[Recipe]) -> str | None:
    """Say which key of a recipe is unknown, and where or how it is written right."""
    tables = {
        name: list(field.annotation.model_fields)
        for name, field in recipe.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    names = list(recipe.model_fields)
    others = {name for other in RECIPES.values() for name in other.model_fields}
    for name, value in values.items():
        if name not in names and name in others:
            return f"[{name}] says nothing about a {values['network']} network"
        if name not in names:
            return _unknown(name, names, tables, "a recipe")
        for key in value if name in tables and isinstance(value, dict) else ():
            if key not in tables[name]:
                return _unknown(key, tables[name], tables, f"[{name}]")
    return None


def _unknown(key: str, known: list[str], tables: dict[str, list[str]], where: str) -> str:
    if homes := [f"[{name}]" for name, keys in tables.items() if key in keys]:
        return f"{key} is no key of {where}; it belongs in {homes[0]}"
    if similar := get_close_matches(key, known, 1):
        return f"{key} is no key of {where}; write {similar[0]}"
    return f"{key} is no key of {where}, which has {', '.join(known)}"


def _sentence(error: Any) -> str:
    """Say what pydantic found, in the words of the file."""
    names = [name for name in error["loc"] if isinstance(name, str)]
    where, value, limits = ".".join(names), _written(error["input"]), error.get("ctx", {})
    in_list = len(names) < len(error["loc"])
    if error["type"] == "missing":
        if in_list:
            return f"{where} has too few entries"
        return f"{where} is missing" if len(names) > 1 else f"the table [{where}] is missing"
    if in_list:
        where = f"each entry of {where}"
    match error["type"]:
        case "value_error":
            return f"{where}: {limits['error']}" if where else str(limits["error"])
        case "greater_than_equal" | "greater_than" as kind:
            least = f"at least {limits['ge']}" if kind.endswith("equal") else f"more than {limits['gt']}"
            return f"{where} must be {least}, not {value}"
        case "less_than_equal" | "less_than" as kind:
            most = f"{limits['le']} at most" if kind.endswith("equal") else f"less than {limits['lt']}"
            return f"{where} must be {most}, not {value}; lower {'.'.join(names)}"
        case "too_short" | "string_too_short":
            return f"{where} is empty or has too few entries"
        case "too_long":
            return f"{where} has {limits['actual_length']} entries; it takes {limits['max_length']} at most"
        case "literal_error":
            return f"{where} must be {limits['expected']}, not {value}"
        case kind:
            return f"{where} must be {_TYPES.get(kind, 'something else')}, not {value}"


def _written(value: Any) -> str:
    """Write a value as TOML does, nearly."""
    text = "none" if value is None else json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
