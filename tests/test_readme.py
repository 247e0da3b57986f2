"""The README is true: its commands run, and its exit statuses are the program's."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

from extrapcli import errors
from extrapcli.audio.decode import decode
from extrapcli.training.recipe import find_recipe
from tests.audio.test_round_trip import write
from tests.conftest import EXTRAP, SONG
from tests.films import film
from tests.play.device import Device, why_no_device

ROOT = Path(__file__).parents[1]
CLIPS = ROOT / "tests" / "data" / "clips"
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^    (.*\bextrap .*?)(?:  +#.*)?$", README.partition("## Train")[0], re.MULTILINE)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the songs that the README speaks of, twelve seconds each, a ballad and a film."""
    folder = tmp_path_factory.mktemp("music")
    song = decode(SONG)
    piece = song.samples[: 12 * song.sample_rate]
    (folder / "album").mkdir()
    write(folder / "track.flac", np.concatenate([piece, piece[::-1]]), "flac", song.sample_rate, "s16")
    for name in ("song.mp3", "song.flac", "song.wav", "album/one.mp3", "album/two.wav"):
        write(folder / name, piece, Path(name).suffix[1:], song.sample_rate, "s16")
    ballad = decode(CLIPS / "credits-ballad.opus")
    write(folder / "ballad.mp3", ballad.samples, "mp3", ballad.sample_rate, "s16")
    film(folder / "scene.mp4", 1250)
    return folder


def test_it_shows_commands() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_runs(command: str, music: Path, tmp_path: Path) -> None:
    shutil.copytree(music, tmp_path, dirs_exist_ok=True)
    path = f"{EXTRAP.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    if " play " in command:
        if why := why_no_device():
            pytest.skip(why)
        environment |= Device.into(tmp_path).environment | {"PATH": path}
    if " serve " in command:
        check_server(command, tmp_path, environment)
        return
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if "continue" in command:
        written = done.stdout.split() or ["track.flac"]
        for track in written:
            assert decode(tmp_path / track).seconds >= 130


def check_server(command: str, folder: Path, environment: dict[str, str]) -> None:
    words = [*shlex.split(command), "--no-browser", "--port", "0", "--data", "served"]
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # ignored where the tests run in the background
    ) as server:
        assert server.stdout
        address = server.stdout.readline().strip()
        with urlopen(address) as page:
            assert b"<title>extrap</title>" in page.read()
        server.send_signal(signal.SIGINT)
        assert server.wait() == 130


@pytest.mark.slow
def test_the_python_of_the_readme_runs(music: Path, tmp_path: Path) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    shutil.copytree(music, tmp_path, dirs_exist_ok=True)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert [decode(tmp_path / name).seconds for name in ("long.flac", "long.wav")] == [180, 180]


TRAINING = {
    command.strip(" \\'")
    for page in ("README.md", "training/README.md", "training/tpu.md", "docs/study.md", "docs/amplitude.md")
    for command in re.findall(
        r"\bextrap (?:train|export) (?:[^`#\n]|\\\n)*(?=[`#\n])", (ROOT / page).read_text().replace("\\\n", " ")
    )
    if "..." not in command and "--" in command
}


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(TRAINING))
def test_commands_of_training_have_the_options_and_recipes_that_are_told(command: str) -> None:
    """They take hours and a corpus; that they would be understood takes neither."""
    words = shlex.split(command.removeprefix("extrap "))
    done = subprocess.run([EXTRAP, *words, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if "--recipe" in words:
        recipe = words[words.index("--recipe") + 1]
        assert recipe in {"NAME"} or (ROOT / "training" / "recipes" / f"{recipe}.toml").exists()
        if "--tpu" in words and recipe != "NAME":
            assert all(size % 16 == 0 for size in find_recipe(recipe).fit.batch_sizes)


def test_there_are_such_commands() -> None:
    assert {command.split()[1] for command in TRAINING} == {"train", "export"}
    assert any("--tpu" in command and "--resume" in command for command in TRAINING)


def test_exit_statuses_are_those_of_the_program() -> None:
    told = {int(status) for status in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    raised = {kind.exit_code for kind in errors.ExtrapError.__subclasses__()}
    assert told == raised | {0, 1, 130}
