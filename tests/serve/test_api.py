"""The HTTP API of a server: songs, and tracks of them that are heard while they are made."""

import io
import json
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from tests.conftest import SONG
from tests.serve.servers import JSON, Facts, Server, beats, extrap

STEP = 1 / 32768
SECOND = 1 << 15


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "1", "--max-minutes", "10")


def samples_of(wav: bytes) -> tuple[NDArray[np.float64], int]:
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        assert (file.format, file.subtype) == ("WAV", "PCM_16")
        return file.read(always_2d=True), file.samplerate


def peaks_of(samples: NDArray[np.floating], rate: int) -> list[int]:
    """The greatest amplitude of each whole twentieth of a second, 255 for full scale."""
    edges = [round(number * rate / 20) for number in range(len(samples) * 20 // rate + 1)]
    return [round(255 * np.abs(samples[begin:end]).max()) for begin, end in pairwise(edges)]


def test_a_song_is_heard_and_drawn_as_it_was_decoded(server: Server, song: Facts, song_path: Path) -> None:
    heard, rate = samples_of(server.get(f"/api/jobs/{song['id']}/sound").body)
    sent, _ = soundfile.read(song_path)
    assert rate == 22050
    np.testing.assert_array_equal(heard, sent)
    drawn = server.get(f"/api/jobs/{song['id']}/peaks")
    assert list(drawn.body) == peaks_of(sent, rate)
    assert len(drawn.body) == 20 * 8


def test_what_is_known_of_a_song_is_told_as_soon_as_it_is(server: Server, song: Facts) -> None:
    decoded, analysis, over = server.events(song)
    assert {key: decoded[key] for key in ("seconds", "sample_rate", "channels")} == {
        "seconds": 8,
        "sample_rate": 22050,
        "channels": 2,
    }
    assert over == {"type": "state", "state": "done", "error": None}
    found = analysis["analysis"]
    assert song["result"]["analysis"] == found
    assert (found["bpm"], found["metre"], found["has_pulse"]) == (120, 4, True)
    assert np.allclose(found["beats"], np.arange(17) / 2, atol=0.05)
    assert set(found["downbeats"]) <= set(found["beats"])
    assert len(found["energy"]) == pytest.approx(8 / found["energy_step"], abs=2)
    assert found["sections"][0]["begin"] == 0
    assert found["cut_off"] in (True, False)


@pytest.mark.slow
def test_a_compressed_song_is_heard_within_16_bits(server: Server) -> None:
    song = server.done(server.uploaded(SONG))
    heard, rate = samples_of(server.get(f"/api/jobs/{song['id']}/sound").body)
    wanted = decode(SONG)
    assert (rate, heard.shape) == (wanted.sample_rate, wanted.samples.shape)
    assert np.abs(heard - np.clip(wanted.samples, -1, 1 - STEP)).max() <= STEP
    drawn = np.array(list(server.get(f"/api/jobs/{song['id']}/peaks").body))
    assert np.abs(drawn - np.minimum(255, peaks_of(wanted.samples, rate))).max() == 0


def test_a_browser_gets_two_channels_at_a_rate_that_it_plays(server: Server, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", beats(3, 96000, 4), 96000, subtype="PCM_24")
    song = server.done(server.uploaded(tmp_path / "song.wav"))
    heard, rate = samples_of(server.get(f"/api/jobs/{song['id']}/sound").body)
    assert (rate, heard.shape) == (48000, (3 * 48000, 2))
    assert (song["result"]["sample_rate"], song["result"]["channels"]) == (96000, 4)
    assert len(server.get(f"/api/jobs/{song['id']}/peaks").body) == 60


@pytest.mark.slow
def test_a_track_is_heard_while_it_is_made(server: Server, song: Facts, song_path: Path, tmp_path: Path) -> None:
    track = server.made(f"/api/songs/{song['id']}/tracks", {"length": "3:00", "seed": 3})
    path = f"/api/jobs/{track['id']}/sound"
    size = 44 + 180 * 22050 * 4
    events = server.stream(track)
    assert next(event for _, event in events if event["type"] == "begun")["seconds"] == 180
    begin = server.get(path, Range=f"bytes=0-{SECOND - 1}")
    assert server.job(track)["state"] == "working"
    assert (begin.status, begin.headers["Content-Range"]) == (206, f"bytes 0-{SECOND - 1}/{size}")
    assert server.get(path, Range=f"bytes={size}-").headers["Content-Range"] == f"bytes */{size}"
    got: dict[str, bytes] = {}

    def get(name: str, **headers: str) -> None:
        answer = server.get(path, **headers)
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        got[name] = answer.body

    asked = {"whole": {}, "end": {"Range": "bytes=-1001"}, "rest": {"Range": f"bytes={SECOND}-"}}
    threads = [threading.Thread(target=get, args=(name,), kwargs=headers) for name, headers in asked.items()]
    for thread in threads:
        thread.start()
    made = [event["seconds"] for _, event in events if event["type"] == "made"]
    for thread in threads:
        thread.join()
    assert made == sorted(made)
    assert made[-1] == 180
    assert len(got["whole"]) == size
    assert begin.body + got["rest"] == got["whole"] == server.get(path).body
    assert got["end"] == got["whole"][-1001:]
    extrap("continue", song_path, "--minutes", "3", "--seed", "3", "-o", "track.wav", cwd=tmp_path)
    heard, _ = samples_of(got["whole"])
    wanted, _ = soundfile.read(tmp_path / "track.wav")
    assert heard.shape == wanted.shape
    assert np.abs(heard - wanted).max() <= STEP
    assert list(server.get(f"/api/jobs/{track['id']}/peaks").body) == pytest.approx(peaks_of(heard, 22050), abs=1)


def test_parts_of_a_sound_are_those_of_the_whole(server: Server, song: Facts) -> None:
    path = f"/api/jobs/{song['id']}/sound"
    whole = server.get(path)
    size = len(whole.body)
    assert (whole.status, whole.headers["Accept-Ranges"], whole.headers["Content-Type"]) == (
        200,
        "bytes",
        "audio/wav",
    )
    for asked, part in {
        "bytes=0-0": whole.body[:1],
        "bytes=44-": whole.body[44:],
        f"bytes=-{size + 5}": whole.body,
        f"bytes=9-{10 * size}": whole.body[9:],
        "bytes=100-199, 300-": whole.body[100:200],
    }.items():
        answer = server.get(path, Range=asked)
        begin = whole.body.index(part) if len(part) > 1 else 0
        assert (answer.status, answer.body) == (206, part)
        assert answer.headers["Content-Range"] == f"bytes {begin}-{begin + len(part) - 1}/{size}"
    for wrong in ("bytes=x-", "seconds=1-2", "bytes=1", "bytes=-", "bytes=1-2-3"):
        assert server.get(path, Range=wrong).body == whole.body
    for beyond in (f"bytes={size}-", "bytes=-0", f"bytes={size + 9}-{size + 10}"):
        refused = server.get(path, Range=beyond)
        assert (refused.status, refused.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_joins_are_told_as_they_are_decided(server: Server, song: Facts) -> None:
    track = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:20"})
    events = server.events(track)
    joins = [event["join"] for event in events if event["type"] == "join"]
    assert joins
    assert track["result"]["joins"] == joins
    assert [join["number"] for join in joins] == list(range(1, len(joins) + 1))
    assert track["result"]["seconds"] == 20
    assert track["result"]["song_seconds"] == 8
    done = 0.0
    for event in events:
        if event["type"] == "join":
            assert event["join"]["seconds"] >= done - 1
        if event["type"] == "made":
            done = event["seconds"]


def test_another_way_leaves_all_before_it(server: Server, song: Facts) -> None:
    path, request = f"/api/songs/{song['id']}/tracks", {"length": "0:30", "variety": 0.8}
    one, other = (server.make(path, request | {"another": another}) for another in ([], [2]))
    heard, changed = (samples_of(server.get(f"/api/jobs/{track['id']}/sound").body)[0] for track in (one, other))
    first, second = (track["result"]["joins"] for track in (one, other))
    assert first[0] == second[0]
    same = int((first[1]["seconds"] - 1) * 22050)
    np.testing.assert_array_equal(heard[:same], changed[:same])
    assert not np.array_equal(heard, changed)


def test_new_bars_are_what_the_song_never_had(server: Server, song: Facts) -> None:
    path, request = f"/api/songs/{song['id']}/tracks", {"length": "0:20"}
    usual, new = (server.make(path, request | {"new": share}) for share in (None, 1))
    heard, other = (samples_of(server.get(f"/api/jobs/{track['id']}/sound").body)[0] for track in (usual, new))
    assert len(heard) == len(other)
    assert not np.array_equal(heard, other)


def test_events_go_on_where_a_browser_lost_them(server: Server, song: Facts) -> None:
    track = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:20"})
    told = list(server.stream(track))
    assert [number for number, _ in told] == [*map(str, range(1, len(told))), None]
    for last in (0, 1, len(told) - 2, len(told) - 1, 10**9):
        assert list(server.stream(track, last)) == told[min(last, len(told) - 1) :]
    assert server.get(f"/api/jobs/{track['id']}/events", Last_Event_ID="x").status == 200


def test_my_jobs_are_only_mine(server: Server, song: Facts) -> None:
    server.owner = "b" * 32
    assert server.get("/api/jobs").json == []
    track = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
    assert [job["id"] for job in server.get("/api/jobs").json] == [track["id"]]
    loops = server.made(f"/api/songs/{song['id']}/loops")
    assert [job["id"] for job in server.get("/api/jobs").json] == [loops["id"], track["id"]]
    server.owner = "a" * 32
    mine = server.get("/api/jobs").json
    assert song["id"] in {job["id"] for job in mine}
    assert not {track["id"], loops["id"]} & {job["id"] for job in mine}
    assert [job["created"] for job in mine] == sorted((job["created"] for job in mine), reverse=True)
    assert "owner" not in song
    assert "a" * 32 not in json.dumps(mine)


def test_a_browser_gets_its_own_cookie_with_the_page(server: Server) -> None:
    server.owner = ""
    cookies = set()
    for _ in range(2):
        page = server.ask("GET", "/", headers={"Cookie": None})
        name, _, rest = page.headers["Set-Cookie"].partition("=")
        assert name == "extrap_owner"
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(rest.split("; "))
        cookies.add(rest.partition(";")[0])
    assert len(cookies) == 2
    assert "Set-Cookie" not in server.ask("GET", "/", headers={"Cookie": "extrap_owner=xyz"}).headers


def test_deletion_takes_all_that_was_made_with_it(server: Server, song_path: Path) -> None:
    before = server.folders()
    song = server.done(server.uploaded(song_path))
    track = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
    loops = server.make(f"/api/songs/{song['id']}/loops")
    file = server.make(f"/api/jobs/{track['id']}/files", {"format": "wav"})
    made = [job["id"] for job in (song, track, loops, file)]
    assert server.folders() - before == set(made)
    assert server.ask("DELETE", f"/api/jobs/{track['id']}").status == 204
    assert server.folders() - before == {song["id"], loops["id"]}
    assert server.get(f"/api/jobs/{file['id']}").status == 404
    assert server.ask("DELETE", f"/api/jobs/{song['id']}").status == 204
    assert server.folders() == before
    for id in made:
        assert server.get(f"/api/jobs/{id}").status == 404
        for part in ("sound", "peaks", "events", "file", "page", "score"):
            assert server.get(f"/api/jobs/{id}/{part}").status == 404
        assert server.ask("DELETE", f"/api/jobs/{id}").status == 404
        assert not {id} & {job["id"] for job in server.get("/api/jobs").json}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("songs/{song}/tracks", {"length": "forever"}, 422),
        ("songs/{song}/tracks", {"length": "1:00", "add": "1:00"}, 422),
        ("songs/{song}/tracks", {"variety": 2}, 422),
        ("songs/{song}/tracks", {"new": 2}, 422),
        ("songs/{song}/tracks", {"mood": "furious"}, 422),
        ("songs/{song}/tracks", {"mood": "calm", "arc": "calm:lively"}, 422),
        ("songs/{song}/tracks", {"ending": "abrupt"}, 422),
        ("songs/{song}/tracks", {"seed": -1}, 422),
        ("songs/{song}/tracks", {"another": [0]}, 422),
        ("songs/{song}/tracks", {"out": "/etc/passwd"}, 422),
        ("songs/{song}/tracks", [], 422),
        ("songs/{song}/loops", {"bars": 0}, 422),
        ("songs/{song}/loops", {"least": "2:00", "most": "1:00"}, 422),
        ("songs/{song}/loops", {"near": [3, 2]}, 422),
        ("songs/{nothing}/tracks", {}, 404),
        ("songs/x/tracks", {}, 422),
        ("jobs/{song}/files", {"format": "wav"}, 422),
        ("jobs/{song}/files", {"format": "exe"}, 422),
        ("jobs/{song}/report", {}, 422),
        ("tunes", {"notes": [[12, 4]]}, 422),
        ("tunes", {"seed": "{song}"}, 404),
        ("tunes", {"tempo": 0}, 422),
        ("library/songs", {"path": "song.mp3"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    path: str, body: object, status: int, server: Server, song: Facts
) -> None:
    jobs = server.folders()
    ids = {"song": song["id"], "nothing": "0" * 32}
    text = json.dumps(body).replace("{song}", song["id"])
    refused = server.ask("POST", "/api/" + path.format(**ids), text.encode(), JSON)
    assert (refused.status, bool(refused.error)) == (status, True)
    assert server.folders() == jobs


def test_what_is_not_there_is_a_sentence(server: Server, song: Facts) -> None:
    for part in ("file", "page", "score", "nothing"):
        answer = server.get(f"/api/jobs/{song['id']}/{part}")
        assert (answer.status, bool(answer.error)) == (404, True)
    assert server.ask("PUT", "/api/jobs").status == 405
    assert server.ask("POST", "/api/library/songs", b"[" * 200_000, JSON).status in (400, 422)
    assert server.get("/api/library").json == []


def test_a_song_that_is_none_fails_with_what_is_asked_of_it(server: Server) -> None:
    for content in (b"no music", b"", b"RIFF\xff\xff\xff\xffWAVEfmt "):
        song = server.done(server.send("/api/songs?name=x.mp3", content).json, "failed")
        assert song["error"].startswith("x.mp3: ")
        assert server.get(f"/api/jobs/{song['id']}/sound").status == 404
        assert server.get(f"/api/jobs/{song['id']}/peaks").body == b""
        track = server.done(server.made(f"/api/songs/{song['id']}/tracks"), "failed")
        assert track["error"] == song["error"]


def test_a_track_is_as_long_as_the_server_takes_at_most(server: Server, song: Facts) -> None:
    jobs = server.folders()
    refused = server.post(f"/api/songs/{song['id']}/tracks", {"length": "10:01"})
    assert (refused.status, refused.error) == (422, "this server makes tracks of up to 10 minutes; ask for less")
    refused = server.post(f"/api/songs/{song['id']}/tracks", {"length": "0:08"})
    assert (refused.status, "beat.wav: lasts 0m08s already" in refused.error) == (422, True)
    assert server.folders() == jobs


def test_a_track_of_a_song_that_waits_is_as_long_as_the_server_takes(
    server: Server, song: Facts, song_path: Path
) -> None:
    busy = server.made(f"/api/songs/{song['id']}/tracks", {"length": "9:00"})
    waiting = server.uploaded(song_path)
    track = server.made(f"/api/songs/{waiting['id']}/tracks", {"length": "10:01"})
    server.ask("DELETE", f"/api/jobs/{busy['id']}")
    assert "10 minutes" in server.done(track, "failed")["error"]


def test_takes_are_numbered_and_keep_their_numbers(server: Server, song: Facts, song_path: Path) -> None:
    other = server.done(server.uploaded(song_path))
    takes = [server.made(f"/api/songs/{other['id']}/tracks", {"length": "0:10", "seed": seed}) for seed in range(3)]
    assert [take["number"] for take in takes] == [1, 2, 3]
    server.ask("DELETE", f"/api/jobs/{takes[1]['id']}")
    last = server.make(f"/api/songs/{other['id']}/tracks", {"length": "0:10", "seed": 3})
    assert last["number"] == 4
    file = server.make(f"/api/jobs/{last['id']}/files", {"format": "flac"})
    assert file["result"]["name"] == "beat-0m10s-take4.flac"


def test_models_that_continue_can_be_chosen(server: Server) -> None:
    names = [model["name"] for model in server.get("/api/about").json["models"]]
    assert names[0] == "recall"
    assert {"seq2seq", "study", "amplitude"} <= set(names)
    assert not {"beats", "voice", "melody"} & set(names)
