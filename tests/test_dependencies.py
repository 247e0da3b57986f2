"""What pyproject.toml asks for, and what requirements.lock pins."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
    if not line.startswith("extrapcli")
]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE)


def pins(name: str) -> list[str]:
    return [version for pinned, version in PINNED if pinned == re.sub(r"[-_.]+", "-", name).lower()]


@pytest.mark.parametrize("requirement", ASKED, ids=str)
def test_each_has_a_lower_and_an_upper_bound(requirement: Requirement) -> None:
    assert sorted(bound.operator for bound in requirement.specifier) == ["<", ">="]


@pytest.mark.parametrize("requirement", ASKED, ids=str)
def test_each_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    versions = pins(requirement.name)
    assert versions, "run make lock"
    assert all(version in requirement.specifier for version in versions), "run make lock"


def test_the_lock_names_no_place_to_install_from() -> None:
    assert "://" not in LOCK
    assert "index" not in LOCK
