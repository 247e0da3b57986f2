"""Files that are downloaded from a server, which are those that the commands write."""

import io
import zipfile
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from tests.serve.servers import Facts, Server, beats, extrap

TRACK = {"length": "0:30", "variety": 0.8, "ending": "fade", "mood": "lively", "seed": 7, "another": [2]}
OPTIONS = "--minutes 0:30 --variety 0.8 --ending fade --mood lively --seed 7 --another-way 2"
NOTES = [[67, 2], [69, 2], [71, 4], [None, 2], [72, 2], [71, 4], [69, 4], [67, 8]]


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "2")


@pytest.fixture(scope="module")
def song_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A song with tags, in a format of its own."""
    path = tmp_path_factory.mktemp("songs") / "Ein Lied.flac"
    soundfile.write(path, beats(12), 22050, subtype="PCM_16")
    tagged = mutagen.File(path)
    tagged["title"], tagged["artist"] = "Ein Lied", ["One", "Two"]
    tagged.save()
    return path


@pytest.fixture(scope="module")
def track(the_server: Server, song: Facts) -> Facts:
    return the_server.make(f"/api/songs/{song['id']}/tracks", TRACK)


@pytest.fixture(scope="module")
def loops(the_server: Server, song: Facts) -> Facts:
    return the_server.make(f"/api/songs/{song['id']}/loops")


@pytest.mark.slow
@pytest.mark.parametrize("format", ["flac", "opus", "mp3"])
def test_a_file_of_a_track_is_that_of_the_command(
    format: str, server: Server, track: Facts, song_path: Path, tmp_path: Path
) -> None:
    extrap("continue", song_path, *OPTIONS.split(), "-o", f"track.{format}", cwd=tmp_path)
    made = server.make(f"/api/jobs/{track['id']}/files", {"format": format})
    answer = server.get(f"/api/jobs/{made['id']}/file")
    assert answer.body == (tmp_path / f"track.{format}").read_bytes()
    assert made["result"]["name"] == f"Ein Lied-0m30s.{format}"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=utf-8''Ein%20Lied-0m30s.{format}"
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_what_is_heard_of_a_track_is_what_is_downloaded(server: Server, track: Facts) -> None:
    file = server.file(track, {"format": "wav"})
    heard, _ = soundfile.read(io.BytesIO(server.get(f"/api/jobs/{track['id']}/sound").body))
    kept, _ = soundfile.read(io.BytesIO(file))
    assert heard.shape == kept.shape
    assert np.abs(heard - kept).max() <= 1 / 32768


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "spoken", "name"),
    [
        ({"format": "wav", "number": 1}, "--pick 2", "loop.wav"),
        ({"format": "ogg", "what": "marked"}, "--tag", "looped.ogg"),
        ({"format": "flac", "what": "minutes", "minutes": "0:40"}, "--minutes 0:40", None),
    ],
)
def test_a_file_of_a_loop_is_that_of_the_command(
    wanted: Facts, spoken: str, name: str | None, server: Server, loops: Facts, song_path: Path, tmp_path: Path
) -> None:
    made = server.make(f"/api/jobs/{loops['id']}/files", wanted)
    out = tmp_path / f"made.{wanted['format']}"
    extrap("loop", song_path, *spoken.split(), "-o", out, cwd=tmp_path)
    assert server.get(f"/api/jobs/{made['id']}/file").body == out.read_bytes()
    if name:
        assert made["result"]["name"] == f"Ein Lied-{name}"


@pytest.mark.slow
def test_the_parts_of_a_song_with_a_loop_come_packed(
    server: Server, loops: Facts, song_path: Path, tmp_path: Path
) -> None:
    made = server.make(f"/api/jobs/{loops['id']}/files", {"format": "wav", "what": "parts"})
    assert made["result"]["name"] == "Ein Lied-loop.zip"
    extrap("loop", song_path, "--split", "--format", "wav", "-o", "made.wav", cwd=tmp_path)
    files = {path.name.removeprefix("made"): path.read_bytes() for path in tmp_path.glob("made*")}
    with zipfile.ZipFile(io.BytesIO(server.get(f"/api/jobs/{made['id']}/file").body)) as packed:
        parts = {name.removeprefix("Ein Lied"): packed.read(name) for name in packed.namelist()}
    assert parts == files
    assert len(parts) == 3


def test_loops_are_where_they_repeat(server: Server, song: Facts, loops: Facts) -> None:
    found = loops["result"]["loops"]
    assert [loop["number"] for loop in found] == list(range(len(found)))
    assert found
    for loop in found:
        assert 0 <= loop["begin"] < loop["end"] <= 12
        assert loop["seconds"] == pytest.approx(loop["end"] - loop["begin"])
        assert loop["seconds"] == pytest.approx(2 * loop["bars"], abs=0.1)
    near = server.make(f"/api/songs/{song['id']}/loops", {"near": [2.1, 6.1]})["result"]["loops"]
    assert near[0]["begin"] == pytest.approx(2, abs=0.3)
    assert near[0]["end"] == pytest.approx(6, abs=0.3)


@pytest.mark.slow
def test_a_tune_is_written_heard_and_seen(server: Server) -> None:
    tune = server.make("/api/tunes", {"notes": NOTES, "bars": 8, "tempo": 120, "metre": "4/4"})
    result = tune["result"]
    assert [note[0] for note in result["notes"][:7]] == [67, 69, 71, 72, 71, 69, 67]
    assert result["notes"][3][1:] == [10 / 8, 2 / 8]  # after the rest; a sixteenth lasts 1/8 s
    assert result["seconds"] <= 8 * 2 + 0.1
    sound = server.get(f"/api/jobs/{tune['id']}/sound")
    heard, rate = soundfile.read(io.BytesIO(sound.body))
    assert len(heard) / rate >= result["seconds"]
    assert np.abs(heard).max() > 0.01
    score = server.get(f"/api/jobs/{tune['id']}/score")
    assert score.headers["Content-Type"] == "image/svg+xml"
    assert score.headers["Content-Security-Policy"].startswith("sandbox")
    assert b"<svg" in score.body
    assert b"<score-partwise" in server.file(tune, {"format": "musicxml"})
    named = server.make(f"/api/jobs/{tune['id']}/files", {"format": "mid"})["result"]["name"]
    assert named == f"tune-{tune['number']}.mid"
    assert server.file(tune, {"format": "svg"}) == score.body
    assert server.file(tune, {"format": "wav"}) == sound.body


@pytest.mark.slow
def test_a_tune_that_begins_with_a_file_is_that_of_the_command(server: Server, tmp_path: Path) -> None:
    begun = server.make("/api/tunes", {"notes": NOTES, "bars": 8, "metre": "4/4"})
    (tmp_path / "seed.mid").write_bytes(server.file(begun, {"format": "mid"}))
    assert (tmp_path / "seed.mid").read_bytes()[:4] == b"MThd"
    sent = server.done(server.send("/api/seeds?name=my.mid", (tmp_path / "seed.mid").read_bytes()).json)
    assert sent["result"]["symbols"].startswith("67 _ 69 _ 71 _ _ _ r _ 72 _")
    assert sent["result"]["metre"] == "4/4"
    request = {"seed": sent["id"], "bars": 12, "temperature": 1.5, "random_seed": 5}
    tune = server.make("/api/tunes", request)
    options = "--seed seed.mid --bars 12 --temperature 1.5 --random-seed 5 --tempo 100 -o tune.mid --audio tune.mp3"
    extrap("melody", *options.split(), cwd=tmp_path)
    assert server.file(tune, {"format": "mid"}) == (tmp_path / "tune.mid").read_bytes()
    assert server.file(tune, {"format": "mp3"}) == (tmp_path / "tune.mp3").read_bytes()


def test_only_files_of_tunes_begin_tunes(server: Server) -> None:
    refused = server.send("/api/seeds?name=song.mp3", b"x")
    assert refused.status == 422
    assert refused.error.startswith("song.mp3: ")
    assert server.send("/api/seeds?name=..%2F..%2Fetc%2Fcron.d%2Fx", b"x").status == 422


@pytest.mark.slow
def test_a_report_is_a_page_of_its_own_that_can_do_nothing_to_the_server(server: Server, track: Facts) -> None:
    report = server.make(f"/api/jobs/{track['id']}/report")
    page = server.get(f"/api/jobs/{report['id']}/page")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.body.lower().lstrip().startswith(b"<!doctype html")
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert policy[0] in ("sandbox", "sandbox allow-scripts")  # so that it has no origin, and no cookies
    assert "default-src 'none'" in policy
    assert not any(part.startswith(("connect-src", "form-action")) for part in policy)
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert str(server.data) not in page.body.decode()
    assert report["result"]["name"].startswith("Ein Lied-0m30s")
    assert {path.name for path in (server.data / report["id"]).iterdir()} == {"job.json", report["result"]["file"]}
