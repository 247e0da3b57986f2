"""`extrap info` of songs, and what an analysis adds."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from tests.conftest import SONG, Extrap

RATE = 22050
BEATEN = SONG.parent / "clips" / "ivory-tower.opus"  # has a clear pulse


@pytest.fixture
def drone(tmp_path: Path) -> Path:
    t = np.arange(12 * RATE) / RATE
    path = tmp_path / "drone.wav"
    soundfile.write(path, 0.2 * np.sin(2 * np.pi * 110 * t) * np.minimum(1, t), RATE)
    return path


def test_an_analysis_adds_lines_to_what_is_told(extrap: Extrap) -> None:
    plain, analysed = extrap("info", BEATEN).lines, extrap("info", BEATEN, "--analysis").lines
    assert analysed[: len(plain)] == plain
    added = analysed[len(plain) :]
    names = [line.partition(":")[0] for line in added if not line.startswith(" ")]
    for name in ("tempo", "metre", "key", "chords", "loudness", "energy", "music", "sections"):
        assert name in names
    assert sum(line.startswith("  ") for line in added) == len(Analysis(decode(BEATEN)).sections)


def test_all_that_is_found_is_printed_as_json(extrap: Extrap) -> None:
    (line,) = extrap("info", SONG, "--json").lines
    told, analysis = json.loads(line), Analysis(decode(SONG))
    assert told["beats"] == pytest.approx(analysis.beats.times, abs=1e-3)
    assert told["positions"] == analysis.beats.positions.tolist()
    assert [section["label"] for section in told["sections"]] == [section.label for section in analysis.sections]
    assert told["key"]["name"] == (analysis.key and analysis.key.name)


@pytest.mark.parametrize("suffix", ["png", "SVG"])
def test_a_picture_is_drawn(suffix: str, extrap: Extrap, tmp_path: Path) -> None:
    path = tmp_path / f"song.{suffix}"
    assert extrap("info", SONG, "--picture", path).lines[-1] == f"picture: {path}"
    begin = {"png": b"\x89PNG", "SVG": b"<?xml"}[suffix]
    assert path.read_bytes().startswith(begin)
    if suffix == "png":
        pixels = np.asarray(Image.open(path).convert("RGB"))
        assert pixels.shape[1] > 1000
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_a_song_without_a_pulse_has_a_line_that_says_so(extrap: Extrap, drone: Path) -> None:
    lines = extrap("info", drone, "--analysis", "--picture", "drone.png").lines
    (tempo,) = (line for line in lines if line.startswith("tempo:"))
    assert tempo.startswith("tempo: no clear pulse (confidence 0.")
    assert not [line for line in lines if line.startswith("metre:")]
    assert json.loads(extrap("info", drone, "--json").stdout)["has_pulse"] is False


@pytest.mark.parametrize(
    ("args", "status", "told"),
    [
        (("recall", "--analysis"), 2, "recall: is a model, or names one; only songs can be analysed"),
        (("drone.wav", "--picture", "drone.jpeg"), 2, "name it .png, .svg or .pdf"),
        (("drone.wav", "--picture", "none/p.png"), 6, "there is no folder none; make it first"),
        (("drone.wav", "--picture", "there.png"), 6, "there.png: exists already; choose another name, or say --ov"),
        (("gone.wav", "--analysis"), 3, "gone.wav: "),
        (("silent.wav", "--json"), 3, "silent from start to end"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    args: tuple[str, ...], status: int, told: str, extrap: Extrap, drone: Path, tmp_path: Path
) -> None:
    (tmp_path / "there.png").write_bytes(b"there")
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    ran = extrap("info", *args, status=status)
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == b""
    assert (tmp_path / "there.png").read_bytes() == b"there"


def test_a_picture_is_replaced_when_asked_for(extrap: Extrap, drone: Path, tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(b"there")
    extrap("info", drone, "--picture", "there.png", "--overwrite")
    assert (tmp_path / "there.png").read_bytes().startswith(b"\x89PNG")
