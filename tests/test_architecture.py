"""The arrows of the house: who may import whom, and what the path of a command does not load."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import extrapcli

PACKAGE = Path(extrapcli.__file__).parent
ALLOWED = {
    "errors": set(),
    "ranges": {"errors"},
    "plugins": set(),
    "words": set(),
    "spec": {"errors", "ranges"},
    "frames": set(),
    "crossfade": set(),
    "dsp": set(),
    "models": {"errors"},
    "audio": {"errors"},
    "signals": set(),
    "backends": {
        "errors",
        "spec",
        "frames",
        "networks",
        "plugins",
        "ranges",
        "signals",
    },  # the layers that TensorFlow loads
    "amplitude": {"backends", "dsp"},
    "analysis": {"audio", "backends", "dsp", "errors", "models", "ranges", "spec"},  # it opens models of its own
    "mood": {"analysis", "audio", "errors", "ranges"},
    "extrapolators": {
        "amplitude",
        "analysis",
        "audio",
        "backends",
        "crossfade",
        "dsp",
        "errors",
        "frames",
        "mood",
        "plugins",
        "ranges",
        "spec",
    },
    "atomic": {"errors"},
    "continuation": {"audio", "errors", "extrapolators", "ranges"},
    "beginning": {"ahead", "analysis", "audio", "continuation", "extrapolators", "model"},
    "model": {
        "analysis",
        "audio",
        "backends",
        "continuation",
        "errors",
        "extrapolators",
        "models",
        "mood",
        "track",
        "wishes",
    },
    "play": {
        "analysis",
        "audio",
        "continuation",
        "crossfade",
        "errors",
        "extrapolators",
        "model",
        "naming",
        "track_file",
        "words",
    },
    "streams": {
        "ahead",
        "atomic",
        "audio",
        "beginning",
        "errors",
        "model",
        "naming",
        "pipeline",
        "progress",
        "takes",
        "track_file",
    },
    "ahead": set(),
    "progress": set(),
    "finding": {"audio", "errors", "words"},
    "naming": {"atomic", "audio", "continuation", "errors", "finding"},
    "pipeline": {
        "analysis",
        "atomic",
        "audio",
        "beginning",
        "continuation",
        "errors",
        "evaluation",
        "extrapolators",
        "model",
        "models",
        "mood",
        "naming",
        "progress",
        "ranges",
        "takes",
        "track_file",
        "words",
    },
    "track": {"continuation", "mood", "rating"},
    "rating": {"continuation"},
    "takes": {
        "analysis",
        "audio",
        "continuation",
        "errors",
        "extrapolators",
        "model",
        "mood",
        "progress",
        "rating",
        "words",
    },
    "track_file": {"atomic", "audio", "continuation", "mood", "rating"},
    "wishes": {"continuation", "errors", "extrapolators", "models", "mood", "ranges"},
    "files": {
        "atomic",
        "audio",
        "continuation",
        "errors",
        "extrapolators",
        "model",
        "models",
        "naming",
        "pipeline",
        "progress",
        "track_file",
        "wishes",
    },
    "loop": {
        "analysis",
        "atomic",
        "audio",
        "continuation",
        "crossfade",
        "errors",
        "extrapolators",
        "files",
        "model",
        "models",
        "naming",
        "pipeline",
        "progress",
        "track_file",
        "wishes",
        "words",
    },
    "batch": {
        "atomic",
        "audio",
        "continuation",
        "errors",
        "finding",
        "models",
        "naming",
        "pipeline",
        "progress",
        "ranges",
        "signals",
        "track_file",
        "words",
    },
    "prediction": {
        "amplitude",
        "analysis",
        "atomic",
        "audio",
        "backends",
        "errors",
        "extrapolators",
        "models",
        "naming",
        "pipeline",
        "progress",
        "ranges",
        "spec",
    },
    "describe": {"analysis", "audio", "backends", "errors", "models", "spec"},
    "doctor": {"atomic", "audio", "backends", "errors", "extrapolators", "models", "plugins"},
    "networks": {"dsp"},
    "melody": {"atomic", "audio", "backends", "dsp", "errors", "models", "ranges", "spec", "words"},
    "evaluation": {
        "analysis",
        "atomic",
        "audio",
        "backends",
        "continuation",
        "dsp",
        "errors",
        "extrapolators",
        "mood",
        "ranges",
        "spec",
        "words",
    },
    "training": {
        "amplitude",
        "analysis",  # whose beats it measures
        "atomic",
        "audio",
        "backends",
        "errors",
        "evaluation",
        "extrapolators",  # whose slots a planner learns from
        "finding",
        "melody",
        "models",
        "networks",
        "signals",
        "spec",
    },
    "serve": {
        "analysis",
        "atomic",
        "audio",
        "batch",  # its worker processes
        "beginning",
        "continuation",
        "errors",
        "evaluation",
        "extrapolators",
        "finding",
        "loop",
        "melody",
        "model",
        "models",
        "naming",
        "pipeline",
        "progress",
        "ranges",
        "takes",
        "track_file",
        "wishes",
    },
    "console": {"batch", "errors", "progress", "training"},  # but for errors, for types alone
    "__main__": {"cli"},
    "cli": {
        "analysis",
        "streams",
        "model",
        "naming",
        "play",
        "signals",
        "describe",
        "doctor",
        "atomic",
        "audio",
        "batch",
        "console",
        "continuation",
        "errors",
        "evaluation",
        "extrapolators",
        "files",
        "loop",
        "melody",
        "models",
        "mood",
        "ranges",
        "pipeline",
        "prediction",
        "serve",
        "training",
        "wishes",
    },
}
ONLY_USERS = {
    "typer": {"cli"},
    "rich": {"console"},
    "ray": {"batch"},
    "fsspec": {"batch"},
    "soundfile": {"audio"},
    "av": {"audio"},
    "soxr": {"audio"},
    "sounddevice": {"play"},
    "mutagen": {"audio"},
    "PIL": {"audio", "evaluation"},
    "onnxruntime": {"backends"},
    "tensorflow": {"backends", "training"},
    "keras": {"backends", "networks", "training"},
    "scipy": {"evaluation", "training"},
    "jax": {"training"},
    "matplotlib": {"evaluation", "training"},
    "librosa": {"evaluation", "melody", "training"},
    "mir_eval": {"evaluation"},
    "music21": {"melody"},
    "mido": {"melody"},
    "midirenderer": {"melody"},
    "verovio": {"melody"},
    "fastapi": {"serve"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "pydantic": {"networks", "serve", "training"},
}


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if room(path) != "__init__"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path: Path) -> None:
    here = room(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("extrapcli.")} - {here}
    assert used <= ALLOWED[here]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_has_one_user(path: Path) -> None:
    for name in imports(path):
        assert room(path) in ONLY_USERS.get(name.split(".")[0], {room(path)})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_keep_their_insides_to_themselves(path: Path) -> None:
    """Nothing imports a private name, nor a module that lies more than one level inside another room."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("extrapcli."):
            parts = (node.module or "").split(".")[1:]
            assert not any(part.startswith("_") for part in parts)
            assert not any(alias.name.startswith("_") for alias in node.names)
            assert parts[0] == room(path) or len(parts) <= 2, node.module


def texts(path: Path) -> list[str]:
    """The strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [str(node.value) for node in strings if id(node) not in docs]


OPTION = re.compile(r"\w[;,:]? (?<!ray start )(--[a-z]{2}|-[a-z]\b)")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_names_options(path: Path) -> None:
    """Below it, errors state facts and hints name parameters: Python has no options."""
    if room(path) != "cli":
        assert not [text for text in texts(path) if OPTION.search(text)]


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "onnxruntime", "tensorflow", "keras", "soundfile", "av", "soxr", "mutagen"}
    assert not heavy & loaded_by("import extrapcli.cli.commands")


def test_continuing_loads_neither_tensorflow_nor_librosa() -> None:
    heavy = {"tensorflow", "keras", "librosa", "matplotlib", "pydantic", "scipy", "mir_eval", "PIL", "ray", "fsspec"}
    heavy |= {"extrapcli.evaluation"}  # nothing is measured that nobody asked for
    assert not heavy & loaded_by("import extrapcli.pipeline, extrapcli.prediction, extrapcli.backends.onnx")


def test_loading_a_model_starts_no_process() -> None:
    assert "multiprocessing" not in loaded_by("import extrapcli; extrapcli.load('recall')")


def test_modules_stay_short() -> None:
    assert {p.name: n for p in MODULES if (n := len(p.read_text().splitlines())) > 320} == {}
