"""The wheel, made by way of the source distribution and installed where there is nothing else, on each Python here.

`make test-wheel` runs these; they are no part of the suite, because they install packages.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import SONG

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
LARGEST_MODEL_BYTES = 10_000_000
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line]
SUBJECT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "EXTRAP_MODELS")}

Installed = Callable[..., str]


def build(source: Path, kind: str, out: Path) -> Path:
    """The path of a distribution, `sdist` or `wheel`, made of the files in a folder."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", out], cwd=source, check=True)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(build(ROOT, "sdist", folder / "packed")) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.glob("extrapcli-*")
    return unpacked


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(sdist, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session", params=PYTHONS)
def environment(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel, without extras, and the newest versions of what it needs."""
    folder = tmp_path_factory.mktemp("environment")
    make = [UV, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", request.param, folder]
    if (made := subprocess.run(make, capture_output=True, text=True)).returncode:
        pytest.skip(f"no Python {request.param} here: {made.stderr}")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", folder, wheel], check=True)
    return folder


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    """Run the command in an empty folder, with every warning an error; give what it said."""

    def run(*args: str | Path, status: int = 0, **variables: str) -> str:
        done = subprocess.run(
            [environment / "bin" / "extrap", *args],
            cwd=tmp_path,
            env=SUBJECT | {"PYTHONWARNINGS": "error"} | variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    return run


def names(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_package_the_recipes_and_the_models_under_10_mb(wheel: Path) -> None:
    package = {f"extrapcli/{file.relative_to(ROOT / 'src' / 'extrapcli')}" for file in tracked("src")}
    recipes = {f"extrapcli/recipes/{file.name}" for file in tracked("training/recipes")}
    models = {
        f"extrapcli/released/{file.relative_to(ROOT / 'models')}"
        for file in tracked("models")
        if file.name == "card.json" or size(file.parent) < LARGEST_MODEL_BYTES
    }
    assert names(wheel) == package | recipes | models
    assert {"extrapcli/evaluation/musicnn/LICENSE", "extrapcli/released/recall/model.onnx"} <= names(wheel)


def test_the_source_distribution_holds_all_that_is_tracked(sdist: Path) -> None:
    here = {str(file.relative_to(sdist)) for file in sdist.rglob("*") if file.is_file()}
    assert {str(file.relative_to(ROOT)) for file in tracked(".")} - here == set()


def tracked(folder: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def test_the_licences_of_the_code_and_of_each_model_are_told(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel).namelist()
    licences = {name.partition(".dist-info/licenses/")[2] for name in inside} - {""}
    assert licences == {str(p.relative_to(ROOT)) for p in tracked(".") if p.name in ("LICENSE", "NOTICE")}
    for name in names(wheel):
        if name.endswith("card.json"):
            licence = json.loads(zipfile.ZipFile(wheel).read(name))["licence"].partition(" (")[0]
            assert licence.replace(" ", "-") in PROJECT["license"].split(" AND ")


def test_it_says_its_version(installed: Installed) -> None:
    assert installed("--version").strip() == PROJECT["version"]


def test_it_continues_a_song(installed: Installed, tmp_path: Path) -> None:
    shutil.copy(SONG, tmp_path)
    assert "length: 30.000 s" in installed("info", "song.mp3")
    assert (
        installed("continue", "song.mp3", "--minutes", "1", "-o", "track.flac", "--device", "cpu") == "track.flac\n"
    )
    assert "length: 60.000 s" in installed("info", "track.flac")


def test_doctor_finds_it_well(installed: Installed) -> None:
    told = installed("doctor")
    assert "backend onnx on cpu: works" in told
    assert re.findall("^format .*: no.*", told, re.MULTILINE) == []


def test_models_are_here_or_it_says_where_to_find_them(installed: Installed) -> None:
    large = {file.parent.name for file in tracked("models") if size(file.parent) >= LARGEST_MODEL_BYTES}
    listed, verified = installed("models"), installed("models", "verify")
    for name in {file.parent.name for file in tracked("models")} - large:
        assert f"{name}: 2 files as released" in verified
    for name in large:
        (row,) = (line for line in listed.splitlines() if line.startswith(f"{name} "))
        assert "not here" in row
        assert f"{name}: not installed" in verified
        for told in (installed("models", name), verified, installed("info", name, status=4)):
            assert f"take the folder models/{name} from extrap's repository" in told
            assert "EXTRAP_MODELS" in told
        assert f"{name}: 2 files as released" in installed("models", "verify", EXTRAP_MODELS=str(ROOT / "models"))


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("continue song.mp3 --backend tensorflow", "tensorflow"),
        ("continue song.mp3 --report", "report"),
        ("evaluate song.mp3 --song song.mp3", "report"),
        ("melody --seed '67 _ 65 _'", "melody"),
        ("train .", "train"),
        ("export .", "train"),
    ],
)
def test_it_names_the_extra_that_is_not_here(command: str, extra: str, installed: Installed, tmp_path: Path) -> None:
    shutil.copy(SONG, tmp_path)
    told = installed(*shlex.split(command), status=5)
    assert re.search(f"pip install ['\"]extrapcli\\[{extra}\\]['\"]", told)
    assert {path.name for path in tmp_path.iterdir()} == {"song.mp3"}
