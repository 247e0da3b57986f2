"""Files that are sent to a server: how they are called, how large they are, and what they turn out to hold."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import soundfile

from extrapcli.serve import site
from tests.serve.servers import Facts, Server, beats, write_song

MB = 2**20
LIMIT = 2 * MB


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "1", "--max-upload", "2", "--max-minutes", "1")


@pytest.fixture(scope="module")
def song_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_song(tmp_path_factory.mktemp("songs") / "song.wav", 6)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("song.mp3", "song.mp3"),
        ("../../etc/passwd", "passwd"),
        ("/etc/cron.d/evil.mp3", "evil.mp3"),
        ("C:\\Windows\\evil.mp3", "evil.mp3"),
        ("..\\..\\evil.mp3", "evil.mp3"),
        ("a\r\nSet-Cookie: extrap_token=x.mp3", "a  Set-Cookie: extrap_token=x.mp3"),
        ("a\x00b.mp3", "a b.mp3"),
        ("\x1b[2Jevil.mp3", "[2Jevil.mp3"),
        ("evil\u202e3pm.exe", "evil 3pm.exe"),
        ("Ä „quoted\" 'song'; x=y.mp3", "Ä „quoted\" 'song'; x=y.mp3"),
        ("音楽.flac", "音楽.flac"),
        ("", "song"),
        ("/", "song"),
        ("\r\n", "song"),
    ],
    ids=ascii,
)
def test_a_name_is_never_a_path(sent: str, kept: str, server: Server) -> None:
    job = server.send(f"/api/songs?name={quote(sent)}", b"").json
    assert job["name"] == kept
    server.done(job, "failed")
    assert {path.name for path in (server.data / job["id"]).iterdir()} <= {"job.json", "upload", "events.jsonl"}
    assert server.done(job, "failed")["error"].startswith(kept)
    server.ask("DELETE", f"/api/jobs/{job['id']}")


def test_a_name_that_is_no_text_is_one_all_the_same(server: Server) -> None:
    job = server.send("/api/songs?name=%ff%fe%c3.mp3", b"").json
    assert job["name"] == "\ufffd\ufffd\ufffd.mp3"
    assert server.send(f"/api/songs?name={'x' * 1001}", b"").status == 422
    server.ask("DELETE", f"/api/jobs/{job['id']}")


@pytest.mark.parametrize(
    "name", ["x" * 990 + ".wav", "音" * 300 + ".wav", 'a\r\nX-Evil: "1";\\.wav'], ids=["x", "y", "z"]
)
def test_the_name_of_a_download_is_one_header(name: str, server: Server, song_path: Path) -> None:
    song = server.done(server.uploaded(song_path, name))
    track = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
    made = server.make(f"/api/jobs/{track['id']}/files", {"format": "wav"})
    answer = server.get(f"/api/jobs/{made['id']}/file")
    assert answer.status == 200
    assert "X-Evil" not in answer.headers
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert not set("\r\n\\") & set(disposition)
    server.ask("DELETE", f"/api/jobs/{song['id']}")


def pieces(total: int) -> Iterator[bytes]:
    for _ in range(total // 65536):
        yield bytes(65536)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_that_is_too_large_leaves_nothing(chunked: bool, server: Server) -> None:
    before = server.folders()
    body = pieces(LIMIT + MB // 2) if chunked else bytes(LIMIT + 1)
    refused = server.send("/api/songs?name=big.wav", body)
    assert refused.status == 413
    assert refused.error.startswith("big.wav: ")
    assert "2 MB" in refused.error
    assert server.folders() == before


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_that_is_just_small_enough_is_kept_as_it_is(chunked: bool, server: Server) -> None:
    song = server.send("/api/songs?name=big.wav", pieces(LIMIT) if chunked else bytes(LIMIT)).json
    assert (server.data / song["id"] / "upload").read_bytes() == bytes(LIMIT)
    server.ask("DELETE", f"/api/jobs/{song['id']}")


def test_a_length_that_lies_is_refused_or_held_to(server: Server) -> None:
    before = server.folders()
    begin = f"POST /api/songs HTTP/1.1\r\nHost: {server.host}\r\nContent-Type: application/octet-stream\r\n"
    for length in ("-1", "x", "1\r\nContent-Length: 2"):
        answer = server.raw(f"{begin}Connection: close\r\nContent-Length: {length}\r\n\r\nabc".encode())
        assert answer.split()[1] == b"400"
    answer = server.raw(f"{begin}Connection: close\r\nContent-Length: 3\r\n\r\nabcdef".encode())
    assert answer.split()[1] in (b"201", b"400")  # 400 from older versions of uvicorn
    made = server.folders() - before
    assert len(made) == (answer.split()[1] == b"201")
    for job in made:
        assert (server.data / job / "upload").read_bytes() == b"abc"
        server.ask("DELETE", f"/api/jobs/{job}")


def silence(path: Path, minutes: int, rate: int, **settings: str) -> Path:
    """Write minutes of hardly anything, which takes next to no room."""
    with soundfile.SoundFile(path, "w", rate, 1, **settings) as file:
        file.write(beats(1, rate, 1))
        for _ in range(minutes):
            file.write(np.zeros(60 * rate, np.int16))
    return path


def refused_quickly(server: Server, file: Path) -> str:
    """Send a song that is refused; return why."""
    assert file.stat().st_size < LIMIT
    begin = time.monotonic()
    song = server.done(server.uploaded(file), "failed")
    assert time.monotonic() - begin < 20
    kept = sum(path.stat().st_size for path in (server.data / song["id"]).iterdir())
    assert kept < file.stat().st_size + 10_000
    server.ask("DELETE", f"/api/jobs/{song['id']}")
    return str(song["error"])


def test_hours_in_a_small_file_are_refused(server: Server, tmp_path: Path) -> None:
    long = silence(tmp_path / "long.flac", 60, 8000, subtype="PCM_16")
    assert refused_quickly(server, long) == "long.flac: is longer than the 1 minutes that this server takes"


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [2, 60])
def test_hours_in_a_file_that_hides_them_are_refused(minutes: int, server: Server, tmp_path: Path) -> None:
    """A FLAC may say that it doesn't know how long it is."""
    long = silence(tmp_path / "long.flac", minutes, 8000, subtype="PCM_16")
    flac = bytearray(long.read_bytes())
    assert flac[:4] == b"fLaC"
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    long.write_bytes(flac)
    assert "server takes" in refused_quickly(server, long) or minutes == 60


@pytest.mark.slow
def test_minutes_in_a_small_opus_file_are_refused(server: Server, tmp_path: Path) -> None:
    long = silence(tmp_path / "long.opus", 10, 48000, format="OGG", subtype="OPUS")
    assert "longer than the 1 minutes" in refused_quickly(server, long)


def test_nobody_has_more_than_some_jobs_waiting(server: Server, song: Facts) -> None:
    path = f"/api/songs/{song['id']}/tracks"
    server.owner = "d" * 32
    answers = [server.post(path, {"length": "1:00", "seed": seed}) for seed in range(60)]
    made = [answer.json for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status != 201]
    assert refused
    assert 20 <= len(made) < 60
    assert {answer.status for answer in refused} == {429}
    assert refused[0].error
    before = server.folders()
    assert server.send("/api/songs", b"x").status == 429
    assert server.folders() == before
    server.owner = "e" * 32
    theirs = server.made(path, {"length": "0:10"})
    assert theirs["ahead"] <= 2
    server.done(theirs)
    for job in made:
        server.ask("DELETE", f"/api/jobs/{job['id']}")
    server.owner = "d" * 32
    assert server.get("/api/jobs").json == []
    server.make(path, {"length": "0:10"})


def test_an_upload_that_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side may have gone to sleep."""

    async def body() -> AsyncIterator[bytes]:
        yield b"begin"
        await asyncio.sleep(100)

    async def arrived() -> list[bytes]:
        return [piece async for piece in site.arriving(body(), "song.wav")]

    monkeypatch.setattr(site, "PIECE_SECONDS", 0.05)
    with pytest.raises(site.TooSlow, match=r"song\.wav: nothing more of it came"):
        asyncio.run(arrived())
