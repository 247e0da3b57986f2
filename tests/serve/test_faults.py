"""Workers and servers that die, are stopped, and find no room: what was made stays, and the next thing works."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.batch.processes import alive, file_of, wait_until
from tests.serve.servers import COMMAND, ENVIRONMENT, Facts, Server, start

LONG = {"length": "50:00"}


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "1")


def begun(server: Server, song: Facts, request: Facts | None = None) -> Facts:
    """Ask for a track; return its job when some of it is made."""
    track = server.made(f"/api/songs/{song['id']}/tracks", request or LONG)
    wait_until(lambda: server.get(f"/api/jobs/{track['id']}/peaks").body)
    return track


@contextmanager
def running(data: Path, *options: str) -> Iterator[Server]:
    server = start(data, "--jobs", "1", *options)
    try:
        yield server
    finally:
        server.process.kill()
        server.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_takes_one_job_with_it(number: signal.Signals, server: Server, song: Facts) -> None:
    track = begun(server, song)
    (worker,) = server.workers()
    os.kill(worker, number)
    assert number.name in server.done(track, "failed")["error"]
    file = server.made(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
    assert server.done(file)["result"]["seconds"] == 10
    assert not alive(worker)


def test_a_worker_that_dies_without_work_is_replaced(server: Server, song: Facts) -> None:
    server.make(f"/api/songs/{song['id']}/loops")
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: b"Threads:\t1\n" in (status := file_of(worker, "status")) and b"State:\tZ" in status)
    server.make(f"/api/songs/{song['id']}/loops")
    assert server.workers() != [worker]


def test_what_is_deleted_while_it_is_made_is_stopped(server: Server, song: Facts) -> None:
    track = begun(server, song)
    (worker,) = server.workers()
    told = server.stream(track)
    next(told)
    waiting = server.made(f"/api/jobs/{track['id']}/files", {"format": "mp3"})
    assert server.ask("DELETE", f"/api/jobs/{track['id']}").status == 204
    wait_until(lambda: not alive(worker))
    *_, (_, last) = told
    assert (last["type"], last["state"]) == ("state", "failed")
    assert server.get(f"/api/jobs/{waiting['id']}").status == 404
    assert not {track["id"], waiting["id"]} & server.folders()
    server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})


def test_what_is_deleted_while_it_waits_is_never_made(server: Server, song: Facts) -> None:
    path = f"/api/songs/{song['id']}/tracks"
    first = begun(server, song)
    second, third = (server.made(path, {"length": "0:10", "seed": seed}) for seed in (1, 2))
    assert [server.job(job)["ahead"] for job in (second, third)] == [0, 1]
    server.ask("DELETE", f"/api/jobs/{second['id']}")
    assert server.job(third)["ahead"] == 0
    server.ask("DELETE", f"/api/jobs/{first['id']}")
    server.done(third)
    assert second["id"] not in server.folders()


def test_nobody_waits_for_all_that_somebody_else_wants(server: Server, song: Facts) -> None:
    path = f"/api/songs/{song['id']}/tracks"
    server.owner = "b" * 32
    many = [server.made(path, {"length": "1:00", "seed": seed}) for seed in range(6)]
    server.owner = "c" * 32
    one = server.made(path, {"length": "0:10"})
    assert one["ahead"] <= 2
    ahead = [event["ahead"] for event in server.events(one) if event["type"] == "waiting"]
    assert ahead == sorted(ahead, reverse=True)
    assert server.job(one)["state"] == "done"
    assert [server.job(job)["state"] for job in many[2:]].count("done") <= 1
    for job in many:
        server.done(job)


@pytest.mark.slow
def test_a_server_that_is_killed_goes_on_where_it_was(tmp_path: Path, song_path: Path) -> None:
    request = {"length": "2:00", "seed": 4}
    with running(tmp_path / "kept") as server:
        song = server.done(server.uploaded(song_path))
        short = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
        kept = server.get(f"/api/jobs/{short['id']}/sound").body
        whole = server.make(f"/api/songs/{song['id']}/tracks", request)
        wanted = server.get(f"/api/jobs/{whole['id']}/sound").body
        long = begun(server, song)
        track = server.made(f"/api/songs/{song['id']}/tracks", request)
        before = server.folders()
        host, _, port = server.host.rpartition(":")
        with socket.create_connection((host, int(port))) as connection:
            kind = "Content-Type: application/octet-stream"
            head = f"POST /api/songs HTTP/1.1\r\nHost: {server.host}\r\n{kind}\r\nContent-Length: 99999\r\n\r\n"
            connection.sendall(head.encode() + bytes(5000))
            wait_until(lambda: len(server.folders()) > len(before))
            workers = server.workers()
            server.process.kill()
            server.process.wait()
        wait_until(lambda: not any(map(alive, workers)))
        (half,) = server.folders() - before
    with running(tmp_path / "kept") as server:
        assert half not in server.folders()
        assert server.folders() == before
        assert [server.job(job)["state"] for job in (song, short, whole)] == ["done"] * 3
        assert server.get(f"/api/jobs/{short['id']}/sound").body == kept
        assert server.ask("DELETE", f"/api/jobs/{long['id']}").status == 204
        again = server.done(track)
        assert again["result"] == whole["result"]
        assert server.get(f"/api/jobs/{track['id']}/sound").body == wanted
        assert server.events(track) == server.events(whole)
        assert server.file(short, {"format": "wav"})[:4] == b"RIFF"
        assert server.stop(signal.SIGTERM) in (143, -signal.SIGTERM)
        assert "Traceback" not in server.told


@pytest.mark.slow
def test_ctrl_c_ends_a_server_with_its_workers(tmp_path: Path, song_path: Path) -> None:
    with running(tmp_path / "kept") as server:
        song = server.done(server.uploaded(song_path))
        events = server.stream(server.made(f"/api/songs/{song['id']}/tracks", LONG))
        next(event for _, event in events if event["type"] == "made")
        assert server.workers()
        assert server.stop(signal.SIGINT) in (130, -signal.SIGINT)
        assert "Traceback" not in server.told


def refused(*options: str | Path) -> str:
    """Start a server that can't start; return the sentence about it, for which the exit status is not 1."""
    command = [*COMMAND, "serve", "--no-browser", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert (done.returncode in (2, 3, 6), done.stdout) == (True, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("extrap: ")
    return line


def test_a_server_that_can_t_start_says_why(server: Server, tmp_path: Path) -> None:
    port = server.host.rpartition(":")[2]
    assert f":{port}" in refused("--port", port, "--data", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refused("--port", "0", "--data", tmp_path / "file")
    assert str(tmp_path / "none") in refused(tmp_path / "none", "--port", "0", "--data", tmp_path / "kept")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    (tmp_path / "disk").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path / "disk"], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield tmp_path / "disk"
    finally:
        subprocess.run(["umount", "--lazy", tmp_path / "disk"], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_is_a_sentence(small: Path, song_path: Path) -> None:
    with running(small / "kept") as server:
        song = server.done(server.uploaded(song_path))
        track = server.done(server.made(f"/api/songs/{song['id']}/tracks", {"length": "2:00"}), "failed")
        sentences = [track["error"]]
        server.ask("DELETE", f"/api/jobs/{track['id']}")
        before = server.folders()
        upload = server.send("/api/songs", bytes(3_500_000))
        assert upload.status == 507
        assert server.folders() == before
        server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
        with (small / "rest").open("wb") as rest:
            fill(rest.fileno())
        post = server.post(f"/api/songs/{song['id']}/loops", {})
        assert post.status == 507
        sentences += [upload.error, post.error]
        for sentence in sentences:
            assert "No space left" in sentence
            assert str(small) not in sentence
        (small / "rest").unlink()
        server.make(f"/api/songs/{song['id']}/loops")


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def fill(file: int) -> None:
    """Write until the disk is full."""
    try:
        while os.write(file, bytes(4096)):
            pass
    except OSError:
        return


def test_what_has_no_room_anyway_takes_none_from_others(tmp_path: Path, song_path: Path) -> None:
    with running(tmp_path / "kept", "--max-size", "0.003") as server:
        song = server.done(server.uploaded(song_path))
        refused = server.send("/api/songs?name=big.wav", bytes(4_000_000))
        assert (refused.status, bool(refused.error)) == (429, True)
        refused = server.send("/api/songs?name=unknown.wav", iter([bytes(1000)]))  # which may become 500 MB
        assert (refused.status, bool(refused.error)) == (429, True)
        assert server.job(song)["state"] == "done"


@pytest.mark.slow
def test_what_is_oldest_makes_room_and_what_is_too_old_goes(tmp_path: Path, song_path: Path) -> None:
    with running(tmp_path / "kept", "--max-size", "0.003") as server:
        songs = [server.done(server.uploaded(song_path)) for _ in range(4)]
        assert used(server.data) < 0.003 * 2**30 + 3_000_000
        assert server.get(f"/api/jobs/{songs[0]['id']}").status == 404
        assert server.job(songs[-1])["state"] == "done"
        answer = server.post(f"/api/songs/{songs[0]['id']}/tracks", {})
        assert (answer.status, bool(answer.error)) == (404, True)
    unreadable = tmp_path / "kept" / ("0" * 32)
    unreadable.mkdir()
    (unreadable / "job.json").write_text("{")
    with running(tmp_path / "kept", "--keep-days", "0.0000001") as server:
        wait_until(lambda: server.folders() == {unreadable.name})  # something may be on its way to it
    two_days_ago = time.time() - 2 * 86400
    os.utime(unreadable, (two_days_ago, two_days_ago))
    with running(tmp_path / "kept", "--keep-days", "0.0000001") as server:
        wait_until(lambda: not server.folders())
