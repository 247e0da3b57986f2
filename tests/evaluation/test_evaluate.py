"""`extrap evaluate` and `extrap continue --report`: what they write, find, and refuse."""

import json
import re
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from typer.testing import CliRunner

from extrapcli import evaluation
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.cli import app
from extrapcli.continuation import Join
from extrapcli.errors import CannotWrite, ExtrapError, MissingDependency, UnreadableAudio, UsageError
from extrapcli.evaluation.head import head_seconds, match_format
from extrapcli.evaluation.measures import CONTROLS, MEASURES
from extrapcli.evaluation.report import read_joins, report_paths
from extrapcli.evaluation.results import Evaluation
from extrapcli.evaluation.track import evaluate_track
from tests.conftest import EXTRAP, SONG
from tests.evaluation.sounds import Sound

RATE = 22050
NAMES = [measure.name for measure in MEASURES]

Samples = NDArray[np.floating]


def song_of(samples: NDArray[np.floating], rate: int = RATE, name: str = "song.wav") -> Song:
    columns = samples[:, None] if samples.ndim == 1 else samples
    return Song(name, np.ascontiguousarray(columns, dtype=np.float32), rate, "s16", "wav")


def evaluated(song: Samples, *follows: Samples, rate: int = RATE, **options: Any) -> Evaluation:
    """Evaluate a track made of the song and what follows; warnings are errors."""
    track = song_of(np.concatenate([song, *follows]), rate, "track.wav")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate_track(track, song_of(song, rate), **options)
    found.to_json()
    return found


@pytest.fixture(scope="module")
def other(music: Sound) -> Sound:
    return music[::-1].copy()


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
    done = run("continue", "song.wav", "--minutes", "0:40", "--report", "--json", "--device", "cpu", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "joins.json").write_text(done.stdout)
    track = folder / "song-0m40s.wav"
    assert json.loads(done.stdout)["track"] == track.name
    return Made(folder, folder / "song.wav", folder / "whole.wav", track, folder / "joins.json")


@pytest.fixture(scope="module")
def alone(made: Made) -> subprocess.CompletedProcess[str]:
    """The same track, evaluated without its joins."""
    return run("evaluate", made.track, "--song", made.song, "-o", "alone.html", folder=made.folder)


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
        if name not in ("tempo_ratio", "beat_error"):
            assert result["value"] is not None
    assert results["copied_share"]["controls"]["loop"] > 90
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
        "--json", "--overwrite", "-o", "with-truth.html", folder=made.folder,
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


def test_the_squared_error_is_against_what_followed_the_head(music: Sound) -> None:
    """Even if the track leaves the song before the song's end."""
    whole = song_of(music[: 7 * RATE], name="track.wav")
    found = evaluate_track(whole, song_of(music[: 4 * RATE]), joins=[Join(2.5, 0.0)], truth=whole)
    assert found.measures["mean_squared_error"].value == 0


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3", "m4a"])
def test_the_head_is_found_in_every_format(format: str, music: Sound, other: Sound, tmp_path: Path) -> None:
    head = 3.33
    song = resample(music[: 5 * RATE, None], from_rate=RATE, to_rate=48000)
    follows = resample(other[: 3 * RATE, None], from_rate=RATE, to_rate=48000)
    samples = np.concatenate([song[: round(head * 48000)], follows])
    path = tmp_path / f"track.{format}"
    with open_track(
        path, format=format, sample_rate=48000, channels=1, depth="s16", expected_samples=len(samples)
    ) as track:
        track.write(samples)
    assert head_seconds(decode(path), song_of(song, 48000)) == pytest.approx(head, abs=0.2)


@pytest.mark.parametrize("change", ["48 kHz", "mono", "stereo", "20 dB softer", "40 ms later", "40 ms earlier"])
def test_the_head_is_found_despite_changes(change: str, music: Sound, other: Sound) -> None:
    late = 40 * RATE // 1000
    song, track = song_of(music[: 5 * RATE]), np.concatenate([music[: 4 * RATE], other[: 3 * RATE]])[:, None]
    rate = 48000 if change == "48 kHz" else RATE
    if change == "48 kHz":
        track = resample(track, from_rate=RATE, to_rate=rate)
    elif change == "mono":
        song = song_of(song.samples * [0.8, 1.2])
    elif change == "stereo":
        track = track * np.array([0.8, 1.2], np.float32)
    elif change == "20 dB softer":
        track = track * np.float32(0.1)
    elif change == "40 ms later":
        track = np.concatenate([np.zeros((late, 1), np.float32), track])
    else:
        track = track[late:]
    assert head_seconds(match_format(song_of(track, rate), song), song) == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("left", [1.1, 2.5, 4.4, 4.65, 4.95, 5.0])
def test_a_head_may_end_anywhere(left: float, music: Sound, other: Sound) -> None:
    track = np.concatenate([music[: round(left * RATE)], other[: 3 * RATE]])
    assert head_seconds(song_of(track), song_of(music[: 5 * RATE])) == pytest.approx(left, abs=0.2)


def test_silence_in_a_song_does_not_mislead(music: Sound, other: Sound) -> None:
    """A song begins with silence; another ends in it, and its track goes on before or after the silence."""
    silence = np.zeros(12 * RATE, np.float32)
    begun, ended = (
        np.concatenate([silence, music[: 3 * RATE]]),
        np.concatenate([music[: 3 * RATE], silence[: 2 * RATE]]),
    )
    for song, head, seconds in ((begun, begun, 15), (ended, music[: 3 * RATE], 3), (ended, ended, 5)):
        track = song_of(np.concatenate([head, other[: 4 * RATE]]))
        assert head_seconds(track, song_of(song)) == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("seconds", [0.01, 0.9])
def test_less_than_a_second_is_no_head(seconds: float, music: Sound, other: Sound) -> None:
    begun = np.concatenate([music[: round(seconds * RATE)], other[: 3 * RATE]])
    assert head_seconds(song_of(begun), song_of(music[: 5 * RATE])) is None
    assert head_seconds(song_of(music[: round(seconds * RATE)]), song_of(music)) is None


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
        ((unlike, "--song", made.song), "other.wav: does not begin with .*song.wav; say where its joins are"),
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
        assert (error.hint == "joins") == ("say where its joins" in why)
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


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ('{"joins": [{"seconds": 3}]}', [Join(3, 0)]),
        (
            '{"joins": [{"seconds": 5.5, "fade_seconds": 0.1}, {"seconds": 3, "fade_seconds": 0}]}',
            [Join(3, 0), Join(5.5, 0.1)],
        ),
    ],
)
def test_joins_are_read_in_order(text: str, joins: list[Join], tmp_path: Path) -> None:
    path = tmp_path / "joins.json"
    path.write_text(text)
    assert read_joins(path) == joins


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "3", "null", '{"joins": []}', '{"joins": [3]}', '{"joins": [{"seconds": -1}]}',
     '{"joins": [{"fade_seconds": 1}]}', '{"joins": [{"seconds": "soon"}]}', '{"joins": [{"seconds": 1e999}]}',
     '{"joins": [{"seconds": NaN}]}', '{"joins": {"seconds": 3}}', '{"joins": [{"seconds": null}]}'],
)  # fmt: skip
def test_json_without_joins_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "joins.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="lists no joins"):
        read_joins(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="lists no joins"):
        read_joins(path)


@pytest.mark.parametrize(("song", "follows"), [(2, 1.5), (1, 1)])
def test_little_sound_is_evaluated(song: float, follows: float, music: Sound, other: Sound) -> None:
    found = evaluated(music[5 * RATE :][: round(song * RATE)], other[: round(follows * RATE)])
    assert found.head_seconds == pytest.approx(song, abs=0.1)
    for result in found.measures.values():
        assert result.value is None or np.isfinite(result.value)


@pytest.mark.parametrize("rate", [8000, 96000])
def test_every_rate_is_evaluated(rate: int, music: Sound, other: Sound) -> None:
    song, follows = (resample(sound[: 2 * RATE, None], from_rate=RATE, to_rate=rate) for sound in (music, other))
    assert evaluated(song, follows, rate=rate).head_seconds == pytest.approx(2, abs=0.1)


def test_eight_channels_are_evaluated(music: Sound, other: Sound) -> None:
    song, follows = (np.outer(sound[: 2 * RATE], np.linspace(0.5, 1, 8)) for sound in (music, other))
    assert evaluated(song, follows).head_seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("kind", ["silence", "an impulse", "a constant"])
def test_degenerate_sound_is_evaluated(kind: str) -> None:
    """Sound that a decoder would refuse; all values are numbers, and there is no warning."""
    song = np.full(3 * RATE, 0.3 if kind == "a constant" else 0, np.float32)
    song[1000] += kind == "an impulse"
    evaluated(song, song if kind == "a constant" else 0 * song, joins=[Join(3, 0.1)])


def test_silence_after_a_song_is_evaluated(music: Sound) -> None:
    found = evaluated(music[: 3 * RATE], np.zeros(3 * RATE, np.float32))
    values = {name: result.value for name, result in found.measures.items()}
    assert values["collapsed_share"] == 100
    assert values["chroma_similarity"] == values["key_similarity"] == values["copied_share"] == 0
    assert values["flatness_drift"] is values["rolloff_drift"] is values["tempo_ratio"] is None


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


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "PACKAGES", ("numpy", "no_such_package"))
    with pytest.raises(MissingDependency, match=r"^no_such_package: not installed; pip install"):
        evaluation.evaluate(np.zeros(2), RATE, head=1)


@pytest.mark.parametrize("seconds", [40, 70])
def test_controls_of_a_longer_song_have_the_expected_values(seconds: int, music: Sound) -> None:
    """A loop is recognised, and music that continues as loud as its song has not collapsed."""
    rng = np.random.default_rng(1)
    gains = np.repeat(rng.uniform(0.5, 1, seconds), RATE).astype(np.float32)
    song = np.concatenate([np.roll(music, 977 * k)[: 10 * RATE][:: (-1) ** k] for k in range(seconds // 10)]) * gains
    song[-5 * RATE :] *= np.linspace(1, 0, 5 * RATE, dtype=np.float32)
    results = evaluated(song, music[: 12 * RATE]).measures
    found = {name: result.controls for name, result in results.items()}
    for name in ("loop_share", "repeated_within_minute", "copied_share"):
        assert (found[name]["loop"] or 0) > 60
        assert (found[name]["noise"] or 0) < 5
    assert found["collapsed_share"]["true continuation"] == 0
    assert (found["longest_loop_seconds"]["loop"] or 0) > 8
