"""`extrap evaluate` and `extrap continue --report`: what they write, find, and refuse."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from extrapcli.cli import app
from extrapcli.errors import CannotWrite, ExtrapError, UnreadableAudio, UsageError
from extrapcli.evaluation.measures import CONTROLS, MEASURES
from extrapcli.evaluation.report import report_paths
from tests.conftest import EXTRAP, SONG
from tests.evaluation.sounds import Sound

pytestmark = pytest.mark.slow

RATE = 22050
NAMES = [measure.name for measure in MEASURES]


def beside(track: Path, suffix: str) -> Path:
    return track.with_name(track.name + suffix)


@dataclass(frozen=True)
class Made:
    """A song of ten seconds, the whole that it was cut from, and what `continue --report --json` made of it."""

    folder: Path
    song: Path
    whole: Path
    track: Path
    joins: Path

    def report(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(beside(self.track, ".json").read_text())
        return read


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EXTRAP, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    decoded = decode(SONG)
    stereo = resample(decoded.samples, from_rate=decoded.sample_rate, to_rate=RATE)
    soundfile.write(folder / "whole.wav", stereo, RATE, subtype="PCM_16")
    soundfile.write(folder / "song.wav", stereo[: 10 * RATE], RATE, subtype="PCM_16")
    done = run(
        "continue", "song.wav", "--minutes", "0:40", "--report", "--json", "-q", "--device", "cpu", folder=folder
    )
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "joins.json").write_text(done.stdout)
    track = folder / "song-0m40s.wav"
    assert json.loads(done.stdout)["track"] == track.name
    return Made(folder, folder / "song.wav", folder / "whole.wav", track, folder / "joins.json")


@pytest.fixture(scope="module")
def alone(made: Made) -> subprocess.CompletedProcess[str]:
    """The same track, evaluated without its joins."""
    return run("evaluate", made.track, "--song", made.song, "-q", "-o", "alone.html", folder=made.folder)


def refused(*arguments: str | Path) -> ExtrapError:
    """Run the command and return the error it raises."""
    error = CliRunner().invoke(app, ["evaluate", *map(str, arguments)]).exception
    assert isinstance(error, ExtrapError), error
    sentence = str(error)
    assert "\n" not in sentence
    return error


def test_a_report_lies_beside_its_track(made: Made) -> None:
    report = made.report()
    joins = json.loads(made.joins.read_text())["joins"]
    assert (report["song"], report["track"]) == ("song.wav", "song-0m40s.wav")
    assert (report["song_seconds"], report["track_seconds"], report["sample_rate"]) == (10, 40, RATE)
    assert len(report["short_term_loudness"]) == 40
    assert [join["seconds"] for join in report["joins"]] == [join["seconds"] for join in joins]
    assert [join["jump"] for join in report["joins"]] == [join["jump"] for join in joins]
    assert report["head_seconds"] == pytest.approx(joins[0]["seconds"], abs=1e-3)
    for join in report["joins"]:
        assert all(0 <= join[f"{kind}_percentile"] <= 100 for kind in ("sharpness", "flux", "level"))
        assert join["beat_error"] is None or 0 <= join["beat_error"] <= 0.5
    page = beside(made.track, ".html").read_text()
    assert page.startswith("<!doctype html>")


def test_a_report_has_all_measures_beside_all_controls(made: Made) -> None:
    results = made.report()["measures"]
    assert list(results) == [name for name in NAMES if name != "mean_squared_error"]
    for name, result in results.items():
        assert result["measure"]["name"] == name
        assert list(result["controls"]) == list(CONTROLS)
        for value in (result["value"], *result["controls"].values()):
            assert value is None or np.isfinite(value)
        if name not in ("tempo_ratio", "beat_error", "bar_continuity") and result["measure"]["group"] != "jumps":
            assert result["value"] is not None
    assert results["copied_share"]["controls"]["loop"] > 90
    assert results["jumps_per_minute"]["value"] > 2
    assert results["max_loudness_difference"]["value"] < 10


def test_the_page_holds_what_the_json_says(made: Made) -> None:
    found = re.search(r'id="data">(.*?)</script>', beside(made.track, ".html").read_text())
    assert found is not None
    data = json.loads(found[1])
    assert data["head"] == made.report()["head_seconds"]
    assert len(data["joins"]) == len(made.report()["joins"])
    titles = [row["title"] for group in data["groups"] for row in group["rows"]]
    assert titles == [measure.title for measure in MEASURES if measure.name != "mean_squared_error"]


def test_without_joins_the_end_of_the_head_is_found(made: Made, alone: subprocess.CompletedProcess[str]) -> None:
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout.splitlines() == ["alone.html", "alone.json"]
    report = json.loads((made.folder / "alone.json").read_text())
    assert report["head_seconds"] == pytest.approx(made.report()["head_seconds"], abs=0.2)
    assert len(report["joins"]) == 1
    assert (made.folder / "alone.html").stat().st_size > 100_000


def test_joins_and_truth_are_taken(made: Made) -> None:
    """The true continuation has no squared error; the track that was made has."""
    done = run(
        "evaluate", made.track, "--song", made.song, "--joins", made.joins, "--truth", made.whole,
        "--json", "-q", "--overwrite", "-o", "with-truth.html", folder=made.folder,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report == json.loads((made.folder / "with-truth.json").read_text())
    assert (made.folder / "with-truth.html").exists()
    assert report["joins"] == made.report()["joins"]
    error = report["measures"]["mean_squared_error"]
    assert 0.2 < error["value"] < 5
    assert error["controls"]["true continuation"] == 0
    assert error["controls"]["silence"] == pytest.approx(1, abs=0.1)
    assert error["controls"]["loop"] > 1


def test_an_existing_report_is_refused_and_kept(made: Made) -> None:
    before = {suffix: beside(made.track, suffix).read_bytes() for suffix in (".json", ".html")}
    done = run("evaluate", made.track, "--song", made.song, folder=made.folder)
    assert (done.returncode, done.stdout) == (6, "")
    assert re.fullmatch(r"extrap: .*song-0m40s\.wav\.html: exists already; .*--overwrite\n", done.stderr)
    assert {suffix: beside(made.track, suffix).read_bytes() for suffix in before} == before
    (made.folder / "half.json").write_text("kept")
    assert isinstance(refused(made.track, "--song", made.song, "-o", made.folder / "half.html"), CannotWrite)
    assert (made.folder / "half.json").read_text() == "kept"
    assert not (made.folder / "half.html").exists()


def test_contradictions_are_refused(made: Made, other: Sound, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "other.wav", other[: 12 * RATE], RATE)
    soundfile.write(tmp_path / "short.wav", other[: RATE // 2], RATE)
    (tmp_path / "broken.json").write_text('{"joins": 3}')
    late = tmp_path / "late.json"
    late.write_text('{"joins": [{"seconds": 10}, {"seconds": 41}]}')
    unlike, short, broken = tmp_path / "other.wav", tmp_path / "short.wav", tmp_path / "broken.json"
    for arguments, why in (
        ((unlike, "--song", made.song), "other.wav: does not begin with .*song.wav$"),
        ((made.song, "--song", made.song), "song.wav: does not go on for a second"),
        ((made.song, "--song", made.whole), "song.wav: does not go on for a second"),
        ((made.track, "--song", made.song, "--truth", made.song), "song.wav: is not a second longer"),
        ((made.track, "--song", made.song, "--truth", unlike), "other.wav: does not begin with"),
        ((made.track, "--song", short), "short.wav: lasts less than a second"),
        ((made.track, "--song", made.song, "--joins", broken), "broken.json: lists no joins"),
        ((made.track, "--song", made.song, "--joins", made.song), "song.wav: lists no joins"),
        ((made.track, "--song", made.song, "--joins", tmp_path / "none"), "none: lists no joins .No such file"),
        (
            (made.track, "--song", made.song, "--joins", late),
            "song-0m40s.wav: ends before its join at 41 seconds",
        ),
    ):
        error = refused(*arguments, "-o", tmp_path / "new.html")
        assert isinstance(error, UsageError)
        assert re.search(why, str(error)), error
        assert (error.hint == "joins") == why.endswith("song.wav$")
    assert not list(tmp_path.glob("new.*"))


def test_files_without_sound_are_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("This is not music.")
    soundfile.write(tmp_path / "silent.wav", np.zeros((3 * RATE, 2)), RATE)
    out = ("-o", tmp_path / "new.html")
    for bad in (tmp_path / name for name in ("text.wav", "silent.wav", "missing.wav")):
        for track, song, truth in (
            (bad, made.song, made.whole),
            (made.track, bad, bad),
            (made.track, made.song, bad),
        ):
            assert isinstance(refused(track, "--song", song, "--truth", truth, *out), UnreadableAudio)
    assert not list(tmp_path.glob("new.*"))


def test_a_refusal_has_a_status_and_one_sentence(made: Made) -> None:
    for arguments, status in (
        (("evaluate", made.song, "--song", made.whole, "-o", "new.html"), 2),
        (("continue", made.song, "--report", "-o", "-"), 2),
    ):
        done = run(*arguments, folder=made.folder)
        assert (done.returncode, done.stdout) == (status, "")
        assert re.fullmatch("extrap: [^\n]+\n", done.stderr)
    assert not list(made.folder.glob("new.*"))


def test_a_report_that_exists_stops_a_continuation_before_it_begins(made: Made) -> None:
    (made.folder / "new.wav.json").touch()
    done = run("continue", "song.wav", "--minutes", "0:20", "-o", "new.wav", "--report", folder=made.folder)
    assert (done.returncode, done.stdout) == (6, "")
    assert not (made.folder / "new.wav").exists()
    (made.folder / "new.wav.json").unlink()


def test_inputs_are_not_replaced(made: Made) -> None:
    for output, inputs in (
        ("joins.html", ("--joins", made.joins)),
        ("whole.html", ("--truth", made.folder / "whole.json")),
    ):
        if inputs[0] == "--truth":
            (made.folder / "whole.json").write_bytes(made.whole.read_bytes())
        before = Path(inputs[1]).read_bytes()
        done = run(
            "evaluate", made.track, "--song", made.song, *inputs, "-o", output, "--overwrite", folder=made.folder
        )
        assert done.returncode == 2
        assert "is read" in done.stderr
        assert Path(inputs[1]).read_bytes() == before
        assert not (made.folder / output).exists()


@pytest.mark.parametrize(("out", "status"), [("-", 2), ("v1.2", 2), ("page.txt", 2), ("nowhere/page.html", 6)])
def test_a_report_needs_a_place_for_a_page(out: str, status: int, made: Made) -> None:
    done = run("evaluate", made.track, "--song", made.song, "-o", out, folder=made.folder)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1


def test_a_report_goes_into_a_folder(made: Made, tmp_path: Path) -> None:
    assert report_paths(made.track, tmp_path) == (
        tmp_path / "song-0m40s.wav.html",
        tmp_path / "song-0m40s.wav.json",
    )
    assert report_paths(tmp_path / "a.wav") != report_paths(tmp_path / "a.flac")


def test_a_track_too_short_for_a_report_is_not_made(made: Made) -> None:
    done = run("continue", "song.wav", "--add", "0:00.5", "-o", "little.wav", "--report", folder=made.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (made.folder / "little.wav").exists()
