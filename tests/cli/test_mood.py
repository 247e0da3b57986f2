"""`extrap mood`, and --mood and --arc of the commands that make tracks."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from extrapcli.analysis import Analysis
from extrapcli.audio.decode import decode
from extrapcli.evaluation.following import following
from extrapcli.mood.summary import facts
from tests.conftest import Extrap
from tests.mood.songs import calm_then_lively


@pytest.fixture
def song(tmp_path: Path) -> Path:
    made = calm_then_lively()
    path = tmp_path / "song.wav"
    soundfile.write(path, made.samples, made.sample_rate)
    return path


def test_the_curve_is_drawn_in_text(extrap: Extrap, song: Path) -> None:
    lines = extrap("mood", song).lines
    assert lines[0] == f"song: {song}"
    assert lines[1].startswith("lively |")
    assert any(line.startswith("liveliest 10 seconds: from 0:2") for line in lines)


def test_the_curve_is_printed_as_json(extrap: Extrap, song: Path) -> None:
    (line,) = extrap("mood", song, "--json").lines
    assert json.loads(line) == facts(Analysis(decode(song, name=str(song))))


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_curve_is_drawn_as_a_picture(extrap: Extrap, song: Path, suffix: str) -> None:
    picture = song.with_name(f"mood.{suffix}")
    assert extrap("mood", song, "--picture", picture).lines[-1] == f"picture: {picture}"
    if suffix == "png":
        image = np.asarray(Image.open(picture).convert("RGB")).astype(int)
        red = (image[..., 0] - image[..., 1] > 30)[image.shape[0] // 2 :]
        left, right = np.array_split(red[:, 60:-20], 2, axis=1)
        assert right.sum() > 1.5 * left.sum() > 0
    refused = extrap("mood", song, "--picture", picture, status=6)
    assert "exists" in refused.stderr


def test_a_model_has_no_mood(extrap: Extrap) -> None:
    assert "only songs" in extrap("mood", "recall", status=2).stderr


def test_a_folder_has_no_mood(extrap: Extrap, song: Path) -> None:
    told = extrap("mood", song.parent, status=2).stderr
    assert told == f"extrap: {song.parent}: is a folder; only songs can be analysed\n"


def test_a_track_follows_an_arc_and_says_how_well(extrap: Extrap, song: Path) -> None:
    (line,) = extrap("continue", song, "--minutes", "2:30", "--arc", "calm:lively", "--ending", "cut", "--json").lines
    mood = json.loads(line)["mood"]
    assert mood["from_seconds"] == 40
    assert len(mood["wanted"]) == len(mood["reached"]) == 110
    assert mood["wanted"] == sorted(mood["wanted"])
    assert following(np.array(mood["wanted"]), np.array(mood["reached"]), step_seconds=1).correlation > 0.4


def test_without_one_there_is_none(extrap: Extrap, song: Path) -> None:
    (line,) = extrap("continue", song, "--minutes", "1", "--json").lines
    assert json.loads(line)["mood"] is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--mood", "sad"), "'sad' isn't a mood; choose calm, lively, keep, or a number from 0 to 1"),
        (("--arc", "calm, lively"), "isn't an arc"),
        (("--arc", "2:00 calm, 1:00 lively"), "don't increase"),
        (("--mood", "calm", "--arc", "calm:lively"), "give either a mood or an arc, not both"),
        (("--mood", "calm", "--model", "seq2seq"), "seq2seq can't be steered to a mood; use recall"),
    ],
)
@pytest.mark.parametrize("command", ["continue", "batch"])
def test_what_makes_no_sense_is_refused(
    extrap: Extrap, song: Path, command: str, options: tuple[str, ...], sentence: str
) -> None:
    places = [song, "--minutes", "1"] if command == "continue" else [song.parent, song.parent / "tracks"]
    ran = extrap(command, *places, *options, status=2)
    assert sentence in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not list(song.parent.glob("song-*"))


def test_a_batch_knows_moods_again(extrap: Extrap, song: Path) -> None:
    command = ("batch", song.parent, song.parent / "tracks", "--minutes", "1", "--jobs", "1", "--json")
    (made,) = extrap(*command, "--arc", "0:45 calm, 1:00 lively").lines
    record = json.loads(made)
    assert record["state"] == "done"
    (track,) = extrap("continue", song, "--minutes", "1", "--arc", "0:45 calm, 1:00 lively", "--json").lines
    mood = json.loads(track)["mood"]
    distance = np.abs(np.subtract(mood["wanted"], mood["reached"])).mean()
    assert record["measures"]["from_wanted_mood"] == pytest.approx(distance, abs=1e-3)
    first = (song.parent / "tracks" / "song-1m00s.wav").read_bytes()
    assert extrap(*command, "--arc", "0:45 calm, 1:00 lively").lines == [made]
    assert extrap(*command, "--arc", "0:45 lively, 1:00 calm").lines != [made]
    assert (song.parent / "tracks" / "song-1m00s.wav").read_bytes() != first
