"""The smaller commands."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from extrapcli.errors import UnusableModel
from extrapcli.models import read_card
from tests.conftest import EXTRAP, SONG, Extrap

ROOT = Path(__file__).parents[2]
COMMANDS = ("continue", "predict", "models", "info", "doctor", "train", "export", "melody", "batch", "evaluate")


def test_models_is_a_table_that_fits_a_terminal(extrap: Extrap) -> None:
    lines = extrap("models").lines
    assert max(map(len, lines)) <= 80
    for part in ("recall (default)", "melody", "MB", "study", "(for research)"):
        assert part in "\n".join(lines)
    (recall,) = (line for line in lines if line.startswith("recall"))
    assert "research" not in recall


def test_more_is_told_of_one_model(extrap: Extrap) -> None:
    told = extrap("models", "study").stdout.decode()
    for part in ("licence: CC BY-SA 4.0", "MB", "made by: extrap train", "validation_mse: 1.03", "trained on: 167"):
        assert part in told
    assert "the models here: amplitude," in extrap("models", "nothing", status=4).stderr


def test_help_groups_the_commands_and_cuts_no_summary_off(extrap: Extrap) -> None:
    told = extrap("--help").stdout.decode()
    places = [told.index(f"{title}:") for title in ("Make music", "Measure", "Models", "Train")]
    assert places == sorted(places)
    assert "..." not in told.partition("Make music:")[2]
    for command in COMMANDS:
        assert f"\n  {command} " in told


def test_models_verify_finds_an_altered_file(extrap: Extrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = ("amplitude", "amplitude-long", "beats", "compose", "melody", "recall", "seq2seq", "study", "voice")
    assert extrap("models", "verify").lines == [f"{name}: 2 files as released" for name in shipped]
    shutil.copytree(ROOT / "models" / "study", tmp_path / "models" / "study")
    with (tmp_path / "models" / "study" / "model.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"altered")
    monkeypatch.setenv("EXTRAP_MODELS", str(tmp_path / "models"))
    ran = extrap("models", "verify", status=4)
    assert "model.onnx" in ran.stderr
    assert "model.keras" not in ran.stderr


def lay_models(folder: Path) -> None:
    """Lay a sound model, an altered one, two whose card is damaged, and one that lacks a file."""
    for name in ("sound", "altered", "lacking", "no-json", "wrong"):
        shutil.copytree(ROOT / "models" / "amplitude", folder / name)
    (folder / "altered" / "model.onnx").write_bytes(b"altered")
    (folder / "lacking" / "model.onnx").unlink()
    (folder / "no-json" / "card.json").write_text("{")
    (folder / "wrong" / "card.json").write_text('{"name": 3}')


@pytest.mark.parametrize("command", [("models",), ("models", "verify")])
def test_one_bad_model_does_not_hide_the_rest(
    command: tuple[str, ...], extrap: Extrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_models(tmp_path / "models")
    monkeypatch.setenv("EXTRAP_MODELS", str(tmp_path / "models"))
    ran = extrap(*command, status=4)
    names = [line.split()[0].removesuffix(":") for line in ran.lines if line]
    assert {"sound", "recall", "study", "amplitude"} <= set(names)
    for part in (
        "no-json/card.json: not a model card, which is JSON; export the model again",
        "wrong/card.json: not a model card: name must be text",
        "lacking/model.onnx: ",
    ):
        assert part in ran.stderr
    assert ("altered/model.onnx: missing or not as released" in ran.stderr) == ("verify" in command)
    assert "install extrap again" not in ran.stderr
    assert "bug" not in ran.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "it is no table"),
        ('{"name": "x"}', "it lacks summary"),
        ('{"names": "x"}', "names is no part of one"),
    ],
)
def test_what_is_wrong_with_a_card_is_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(UnusableModel, match=says):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"files": {}}, "files must be a table"),
        ({"files": {"model.onnx": 3}}, "files must be a table"),
        ({"files": {"../model.onnx": "x"}}, "names files elsewhere"),
        ({"figures": [1]}, "figures must be a table"),
        ({"figures": {"loss": None}}, "figures must be a table"),
        ({"licence": 3}, "licence must be text"),
        ({"title": None}, "title must be text"),
        ({"research": "yes"}, "research must be true or false"),
        ({"continues": 1}, "continues must be true or false"),
    ],
)
def test_every_part_of_a_card_is_checked(change: dict[str, object], says: str, tmp_path: Path) -> None:
    card = json.loads((ROOT / "models" / "recall" / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(card | change))
    with pytest.raises(UnusableModel, match=says):
        read_card(tmp_path)


def test_places_of_models_that_have_none_are_named(
    extrap: Extrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    places = (tmp_path / "gone", tmp_path / "empty", tmp_path / "file", ROOT / "models" / "study")
    monkeypatch.setenv("EXTRAP_MODELS", os.pathsep.join(map(str, places)))
    told = (
        f"EXTRAP_MODELS: {tmp_path / 'gone'}: there is no such folder",
        f"EXTRAP_MODELS: {tmp_path / 'empty'}: holds no models",
        f"EXTRAP_MODELS: {tmp_path / 'file'}: is a file",
        f"EXTRAP_MODELS: {ROOT / 'models' / 'study'}: is a model itself; name the folder that it lies in, {ROOT}",
    )
    for command, status in ((("models",), 4), (("models", "verify"), 4), (("info", "recall"), 0)):
        said = extrap(*command, status=status).stderr
        assert all(said.count(part) == 1 for part in told)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("n" * 5000, "no such model or file"),
        ("https://example.com/model.onnx", "extrap downloads nothing"),
        ("folder", "folder: this folder holds no model.onnx or model.keras"),
    ],
)
def test_what_is_no_model_is_said(name: str, says: str, extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert says in extrap("continue", SONG, "--model", name, "-o", "t.wav", status=4).stderr


@pytest.mark.slow
def test_a_model_that_is_only_a_card_is_listed_with_how_to_get_it(
    extrap: Extrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "huge").mkdir(parents=True)
    card = (ROOT / "models" / "study" / "card.json").read_text().replace('"name": "study"', '"name": "huge"')
    (tmp_path / "models" / "huge" / "card.json").write_text(card)
    monkeypatch.setenv("EXTRAP_MODELS", str(tmp_path / "models"))
    assert any(line.split()[:3] == ["huge", "not", "here"] for line in extrap("models").lines)
    assert "EXTRAP_MODELS" in extrap("models", "huge").stdout.decode()
    assert extrap("models", "verify").lines[-1].startswith("huge: not installed; ")
    said = extrap("continue", SONG, "--model", "huge", "-o", "track.wav", status=4).stderr
    assert said.startswith("extrap: huge: its files are too large for the package; take the folder models/huge from")
    assert "EXTRAP_MODELS" in said
    shutil.copytree(ROOT / "models" / "study", tmp_path / "more" / "huge")
    monkeypatch.setenv("EXTRAP_MODELS", f"{tmp_path / 'models'}{os.pathsep}{tmp_path / 'more'}")
    assert "huge: 2 files as released" in extrap("models", "verify").lines


@pytest.mark.slow
def test_info_of_a_song_and_of_a_model(extrap: Extrap) -> None:
    song = extrap("info", SONG).lines
    assert {"length: 30.000 s (1440000 samples)", "rate: 48000 Hz", "channels: 2", "format: mp3"} <= set(song)
    assert any(line.startswith("takes: 20 frames of 1 s at 22050 Hz") for line in extrap("info", "seq2seq").lines)
    assert any(line.startswith("takes: any number of frames of 1 s") for line in extrap("info", "recall").lines)


@pytest.mark.parametrize(("name", "status"), [("gone.mp3", 3), ("gone.onnx", 4)])
def test_info_of_nothing(name: str, status: int, extrap: Extrap) -> None:
    assert name in extrap("info", name, status=status).stderr


@pytest.mark.slow
def test_doctor_says_what_works_and_what_to_install(extrap: Extrap) -> None:
    told = extrap("doctor").stdout.decode()
    for part in ("backend onnx on cpu: works", "backend tensorflow on cpu: works", "format m4a: reads and writes"):
        assert part in told
    assert "backend onnx on cuda: no" in told
    assert "pip install onnxruntime-gpu" in told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, extrap: Extrap) -> None:
    assert extrap(command, "--help").stdout.startswith(b"Usage: extrap")


def test_version(extrap: Extrap) -> None:
    assert extrap("--version").lines[0].count(".") == 2


@pytest.mark.parametrize(("shell", "words"), [("bash", "COMP_WORDS"), ("zsh", "_TYPER_COMPLETE_ARGS")])
def test_completion_offers_the_commands(shell: str, words: str) -> None:
    environment = os.environ | {"_EXTRAP_COMPLETE": f"complete_{shell}", words: "extrap ", "COMP_CWORD": "1"}
    done = subprocess.run([EXTRAP], env=environment, capture_output=True, text=True)
    for command in COMMANDS:
        assert command in done.stdout


def test_traceback_shows_where_an_error_came_from(extrap: Extrap, tmp_path: Path) -> None:
    done = subprocess.run(
        [EXTRAP, "--traceback", "info", "gone.mp3"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "decode.py" in done.stderr
