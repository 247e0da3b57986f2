"""`extrap batch` as a user meets it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import soundfile

from tests.analysis.band import RATE as BAND_RATE
from tests.analysis.band import band
from tests.batch.processes import EXTRAP
from tests.batch.soak import RATE, song
from tests.conftest import Extrap
from tests.films import film

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "batch.md").read_text()
COMMANDS = re.findall(r"^    (extrap batch .*?)(?:  +#.*)?$", PAGE, re.MULTILINE)


@pytest.fixture
def songs(tmp_path: Path, rng: np.random.Generator) -> Path:
    for name in ("one.flac", "two.wav", "demos/three.wav", "live/four.flac"):
        path = tmp_path / "songs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, song(rng, 2.0), RATE)
    return tmp_path / "songs"


@pytest.fixture
def two_songs(songs: Path) -> None:
    """No more songs than the commands of the page need."""
    (songs / "two.wav").unlink()
    shutil.rmtree(songs / "live")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_first_run_and_a_second(extrap: Extrap, songs: Path, tmp_path: Path) -> None:
    before = files(tmp_path)
    command = ("batch", "songs", "longer", "--minutes", "0:05", "--jobs", "2")
    planned = extrap(*command, "--dry-run")
    assert [line.split(": ")[-1] for line in planned.lines] == ["missing"] * 4
    assert re.search(r"4 of 4 songs; about \d+m\d\ds with 2 jobs, and \d+ MB", planned.stderr)
    assert files(tmp_path) == before
    made = extrap(*command)
    tracks = {"one-0m05s.flac", "two-0m05s.wav", "demos/three-0m05s.wav", "live/four-0m05s.flac"}
    assert set(made.lines) == {f"longer/{track}" for track in tracks}
    assert made.stderr == ""
    assert files(tmp_path / "longer") == tracks | {"manifest.jsonl"}
    again = extrap(*command, "--json")
    assert {json.loads(line)["output"] for line in again.lines} == tracks
    assert all(json.loads(line)["state"] == "done" for line in again.lines)
    assert "0 of 4 songs" in extrap(*command, "--dry-run").stderr


def test_tracks_are_listed_above_the_progress_on_a_terminal(songs: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        ["script", "-qec", f"{EXTRAP} batch songs longer --minutes 0:05", "/dev/null"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
    ).stdout.decode()
    assert shown.count("\r\x1b[2Klonger/") == shown.count("longer/") == 4
    assert re.search("4 made, 0 kept, 0 failed .* 4/4", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown))


@pytest.mark.slow
def test_names_of_all_kinds(tmp_path: Path, rng: np.random.Generator) -> None:
    (tmp_path / "songs").mkdir()
    good = [b"two words.wav", b"two\nlines.wav", b"q'u\"o.wav", b"-dash.wav", "é😀.wav".encode(), b"\xff\xfe.wav",
            b"http:a.wav", b"a%s{stem}[b]*.wav", b"x" * 240 + b".wav"]  # fmt: skip
    for name in (*good, b"y" * 251 + b".wav"):
        with open(os.fsencode(tmp_path / "songs") + b"/" + name, "wb") as file:  # noqa: PTH123
            soundfile.write(file, song(rng, 2.0), RATE, format="WAV")
    (tmp_path / "songs" / "round.wav").symlink_to("round.wav")
    (tmp_path / "songs" / "folder").symlink_to(".")
    os.mkfifo(tmp_path / "songs" / "pipe.wav")
    command = [EXTRAP, "batch", ".", "../longer", "--minutes", "0:05"]
    errors = {}
    for options in (["--dry-run"], ["--quiet"], ["--json"]):
        done = subprocess.run([*command, *options], cwd=tmp_path / "songs", capture_output=True)
        assert done.returncode == (0 if options == ["--dry-run"] else 7), done.stderr
        assert b"Traceback" not in done.stderr
        errors[options[0]] = done.stderr.decode()
        if options == ["--quiet"]:
            tracks = [b"../longer/" + name.replace(b".wav", b"-0m05s.wav") for name in good]
            tracks = sorted([*tracks, b"../longer/" + b"y" * 240 + b"-0m05s.wav"])  # shortened
            assert sorted(done.stdout.replace(b"two\nlines", b"two lines").splitlines()) == [
                track.replace(b"\n", b" ") for track in tracks
            ]
            assert all(os.path.exists(os.fsencode(tmp_path / "songs") + b"/" + track) for track in tracks)  # noqa: PTH110
    for stderr in (errors["--quiet"], errors["--json"]):
        assert stderr.count("\n") == 3
        assert "round.wav: cannot be read: Too many" in stderr
        assert "pipe.wav: not a regular file; extrap batch can leave it out with --exclude GLOB" in stderr
        assert "2 of 12" in stderr


@pytest.mark.slow
def test_links_are_followed_and_what_is_left_out_is_counted(extrap: Extrap, songs: Path, tmp_path: Path) -> None:
    (songs / "live").rename(tmp_path / "elsewhere")
    (songs / "live").symlink_to(tmp_path / "elsewhere")
    (songs / "live" / "back").symlink_to(songs)
    (songs / "two.wav").rename(songs / "two")
    (songs / "old").symlink_to("gone")
    (songs / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    os.mkfifo(songs / "pipe")
    command = ("batch", "songs", "longer", "--minutes", "0:05")
    counted = "extrap: songs: 3 left out: 1 not audio, 1 broken link (old), 1 pipe or device (pipe)\n"
    ran = extrap(*command)
    assert ran.stderr == counted
    tracks = {"one-0m05s.flac", "two-0m05s.flac", "demos/three-0m05s.wav", "live/four-0m05s.flac"}
    assert set(ran.lines) == {f"longer/{track}" for track in tracks}
    dry = extrap(*command, "--dry-run").stderr
    assert dry.endswith(counted)
    for line in ("cover.jpg is left out: not audio", "old is left out: broken link"):
        assert f"extrap: songs: {line}\n" in dry
    assert extrap(*command, "-q").stderr == ""


@pytest.mark.slow
def test_tracks_with_notes_are_counted(extrap: Extrap, songs: Path, tmp_path: Path) -> None:
    command = ("batch", "songs", "longer", "--minutes", "0:05")
    extrap(*command)
    manifest = tmp_path / "longer" / "manifest.jsonl"
    records = [json.loads(line) for line in manifest.read_text().splitlines()]
    last = max(k for k, record in enumerate(records) if record["state"] == "done")
    records[last]["notes"] = ["2.1 dB above full scale were cut off"]
    manifest.write_text("".join(json.dumps(record) + "\n" for record in records))
    told = "1 of 4 tracks have notes on what was lost, changed or not reached; see them in longer/manifest.jsonl"
    assert extrap(*command).stderr == f"extrap: {told}\n"
    assert extrap(*command, "-q").stderr == ""


@pytest.mark.slow
def test_contradictions_are_refused_before_any_work(extrap: Extrap, songs: Path, tmp_path: Path) -> None:
    command = ("batch", "songs", "longer", "--minutes", "0:05")
    one_name = ("--name", "a.{ext}", "--format", "wav", "--include", "one.*", "--include", "two.*")
    assert "would both be written there; choose another --name" in extrap(*command, *one_name, status=2).stderr
    assert "title" in extrap(*command, "--name", "{title}.{ext}", status=2).stderr
    assert "say --engine ray" in extrap(*command, "--address", "here:1", status=2).stderr
    assert "holds the songs" in extrap("batch", "songs", "songs", status=2).stderr
    assert "no such folder" in extrap("batch", "gone", "longer", status=3).stderr
    assert not (tmp_path / "longer").exists()


@pytest.mark.slow
def test_songs_are_fitted_to_a_length(extrap: Extrap, tmp_path: Path) -> None:
    sound, _ = band(np.full(60, 0.5), 4)
    (tmp_path / "songs").mkdir()
    for name, seconds in (("long.flac", 30), ("short.flac", 16)):
        soundfile.write(tmp_path / "songs" / name, sound[: seconds * BAND_RATE], BAND_RATE)
    film(tmp_path / "film.mp4", 500)
    for options, seconds in ((("--minutes", "20s"), 20), (("--like", "film.mp4"), 20)):
        extrap("batch", "songs", "fitted", "--fit", *options, "--overwrite")
        assert {round(soundfile.info(file).duration, 2) for file in (tmp_path / "fitted").glob("*.flac")} == {seconds}
    assert "0 of 2 songs" in extrap("batch", "songs", "fitted", "--fit", "--minutes", "20s", "--dry-run").stderr
    refused: tuple[tuple[tuple[str, ...], str], ...] = (
        (("--fit",), "--fit needs either --minutes LENGTH, --like VIDEO or --lengths FILE"),
        (("--fit", "--add", "1"), "--add and --fit exclude each other"),
        (("--fit", "--minutes", "1", "--variety", "0.9"), "leave out --ending and --variety"),
        (("--like", "film.mp4"), "--like needs --fit"),
    )
    for given, told in refused:
        assert told in " ".join(extrap("batch", "songs", "x", *given, status=2).stderr.replace("│", " ").split())


@pytest.mark.slow
def test_each_song_gets_the_length_that_a_table_has_for_it(extrap: Extrap, songs: Path, tmp_path: Path) -> None:
    table = tmp_path / "lengths.csv"
    table.write_text("song,length\none.flac,5s\n\ndemos/three.wav, 0:07\n")
    command = ("batch", "songs", "longer", "--lengths", table)
    assert set(extrap(*command).lines) == {"longer/one-0m05s.flac", "longer/demos/three-0m07s.wav"}
    assert soundfile.info(tmp_path / "longer" / "demos" / "three-0m07s.wav").duration == 7
    assert "0 of 2 songs" in extrap(*command, "--dry-run").stderr
    table.write_text("one.flac,6s\ndemos/three.wav,0:07\n")
    assert extrap(*command, "--dry-run").lines == ["songs/one.flac -> longer/one-0m06s.flac: missing"]
    fitted = extrap("batch", "songs", "fitted", "--fit", "--lengths", table).lines
    assert set(fitted) == {"fitted/one-0m06s.flac", "fitted/demos/three-0m07s.wav"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("gone.flac,5s", "lengths.csv: gone.flac is not among the songs of songs"),
        ("one.flac", "lengths.csv, line 1: write a song and a length, such as song.mp3,1:30"),
        ("one.flac,soon5", "lengths.csv, line 1: one.flac: 'soon5' is no length"),
        ("song,length\none.flac,soon", "lengths.csv, line 2: one.flac: 'soon' is no length"),
        ("one.flac,soon", "lengths.csv, line 1: one.flac: 'soon' is no length"),
        ("song,length", "lengths.csv: names no song"),
        ("one.flac,5s\none.flac,6s", "has one.flac twice"),
        ("one.flac,0:05", "--lengths has the lengths; leave out --minutes, --add and --like"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(
    extrap: Extrap, songs: Path, tmp_path: Path, content: str, told: str
) -> None:
    (tmp_path / "lengths.csv").write_text(content)
    more = ("--minutes", "1") if "leave out" in told else ()
    stderr = extrap("batch", "songs", "longer", "--lengths", "lengths.csv", *more, status=2).stderr
    assert told in " ".join(stderr.replace("│", " ").split())
    assert not (tmp_path / "longer").exists()


@pytest.mark.slow
def test_the_best_take_is_kept_and_bad_ones_fail(extrap: Extrap, songs: Path, tmp_path: Path) -> None:
    command = ("batch", "songs", "longer", "--minutes", "0:05", "--include", "one.*")
    (line,) = extrap(*command, "--takes", "2", "--json").lines
    assert {"audibility", "worst", "repetition"} <= json.loads(line)["measures"].keys()
    told = extrap("batch", *command[1:2], "other", *command[3:], "--max-audibility", "0", status=7).stderr
    assert "allow more with --max-audibility, or try other seeds with --retries" in told


@pytest.mark.slow
def test_previews_lie_beside_tracks(extrap: Extrap, songs: Path) -> None:
    command = ("batch", "songs", "heard", "--minutes", "0:10", "--include", "one.*")
    assert extrap(*command, "--preview").lines == ["heard/one-0m10s-preview.flac"]
    assert "0 of 1 songs" in extrap(*command, "--preview", "--dry-run").stderr
    assert extrap(*command).lines == ["heard/one-0m10s.flac"]
    preview, track = (soundfile.info(songs.parent / "heard" / f"one-0m10s{end}.flac") for end in ("-preview", ""))
    assert preview.duration <= track.duration == 10


def test_the_page_shows_commands() -> None:
    assert len(COMMANDS) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("two_songs")
def test_every_command_of_the_page_runs(command: str, tmp_path: Path) -> None:
    path = f"{Path(EXTRAP).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command.replace("jq -r .output", "cat")],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or (tmp_path / "made.txt").read_text()
    assert ("--dry-run" in command) != (tmp_path / "longer" / "manifest.jsonl").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("two_songs")
def test_the_python_example_of_the_page_runs(tmp_path: Path) -> None:
    example = re.search(r"^    from (?:.*\n)+?(?=\S)", PAGE, re.MULTILINE)
    assert example
    (tmp_path / "example.py").write_text(dedent(example[0]))
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert all(line.startswith("done ") for line in done.stdout.splitlines())


def test_the_tests_on_the_page_exist() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert len(named) >= 15
    assert [name for name in named if f"def {name}(" not in tests] == []
