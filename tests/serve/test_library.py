"""The folder of songs that a server may be given, from which nothing leads out."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.servers import Server, start, write_song


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs, and links out of the folder and round it."""
    root = tmp_path_factory.mktemp("here")
    folder = root / "songs"
    (folder / "album" / ".hidden").mkdir(parents=True)
    (root / "secret").mkdir()
    song = write_song(folder / "one.wav", 4)
    for name in ("album/two.wav", ".hidden.wav", "album/.hidden/three.wav", "../secret/secret.wav", "../beside.wav"):
        shutil.copy(song, folder / name)
    (folder / "none.wav").write_text("no music")
    (folder / "text.txt").write_text("no song")
    (folder / "file-link.wav").symlink_to(root / "secret" / "secret.wav")
    (folder / "folder-link").symlink_to(root / "secret")
    (folder / "passwd.wav").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder)
    (folder / "inside.wav").symlink_to(folder / "album" / "two.wav")
    (folder / "album" / "up").symlink_to(root)
    return folder


@pytest.fixture(scope="module")
def the_server(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server") / "kept", library, "--jobs", "1")
    try:
        yield running
        assert not [text for text in running.texts if str(running.data) in text]
        told = [
            text for text in running.texts if f"{library}/one.wav" not in text
        ]  # which is said back as it was sent
        assert not [text for text in told if str(library.parent) in text and "beside.wav" not in text]
    finally:
        running.stop()
    assert "Traceback" not in running.told


def test_the_songs_of_a_folder_are_those_inside(server: Server) -> None:
    listed = server.get("/api/library").json
    assert {"one.wav", "album/two.wav", "none.wav"} <= set(listed)
    assert set(listed) <= {"one.wav", "album/two.wav", "none.wav", "inside.wav"}
    for path in listed:
        assert server.post("/api/library/songs", {"path": path}).status == 201
    assert server.get("/api/about").json["library"]


def test_a_song_of_the_folder_is_continued(server: Server, library: Path) -> None:
    song = server.make("/api/library/songs", {"path": "album/two.wav"})
    assert song["name"] == "two.wav"
    assert song["result"]["seconds"] == 4
    assert not (server.data / song["id"] / "upload").exists()
    track = server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"})
    assert server.file(track, {"format": "wav"})[:4] == b"RIFF"
    assert server.ask("DELETE", f"/api/jobs/{song['id']}").status == 204
    assert (library / "album" / "two.wav").is_file()


@pytest.mark.parametrize(
    "path",
    [
        "../secret/secret.wav",
        "../beside.wav",
        "album/../../beside.wav",
        "album/../one.wav",
        "./one.wav",
        "/etc/passwd",
        "{library}/one.wav",
        "{library}/../beside.wav",
        "file-link.wav",
        "folder-link/secret.wav",
        "passwd.wav",
        "loop/one.wav",
        "loop/loop/loop/one.wav",
        "album/up/beside.wav",
        "album/up/songs/one.wav",
        ".hidden.wav",
        "album/.hidden/three.wav",
        "text.txt",
        "album",
        "",
        ".",
        "one.wav\x00",
        "one.wav/",
        "..\\beside.wav",
        "ONE.WAV",
        "x" * 4096,
        "~/one.wav",
        "file://{library}/one.wav",
        "http://127.0.0.1/one.wav",
        "concat:one.wav",
    ],
    ids=lambda path: path[:30].replace("\x00", "0"),
)
def test_nothing_leads_out_of_the_folder(path: str, server: Server, library: Path) -> None:
    jobs = server.folders()
    refused = server.post("/api/library/songs", {"path": path.format(library=library)})
    assert (refused.status, bool(refused.error)) == (422, True)
    assert server.folders() == jobs


def test_a_song_that_was_just_added_can_be_taken(server: Server, library: Path) -> None:
    """The list of songs may be a few seconds old."""
    assert "new.wav" not in server.get("/api/library").json
    shutil.copy(library / "one.wav", library / "new.wav")
    assert server.make("/api/library/songs", {"path": "new.wav"})["result"]["seconds"] == 4
    (library / "new.wav").unlink()
    assert server.post("/api/library/songs", {"path": "new.wav"}).status == 422


def test_a_song_that_becomes_a_link_leads_nowhere(server: Server, library: Path) -> None:
    """However it was when it was chosen, it counts what it is when it is read."""
    shutil.copy(library / "one.wav", library / "later.wav")
    first = server.make("/api/library/songs", {"path": "later.wav"})
    long = server.made(f"/api/songs/{first['id']}/tracks", {"length": "5:00"})
    second = server.made("/api/library/songs", {"path": "later.wav"})
    (library / "later.wav").unlink()
    (library / "later.wav").symlink_to(library.parent / "beside.wav")
    server.ask("DELETE", f"/api/jobs/{long['id']}")
    assert server.done(second, "failed")["error"] == "later.wav: is no longer in the server's folder"
    (library / "later.wav").unlink()
    assert server.post("/api/library/songs", {"path": "later.wav"}).status == 422


def test_a_damaged_song_of_the_folder_is_named_without_its_place(server: Server) -> None:
    song = server.done(server.made("/api/library/songs", {"path": "none.wav"}), "failed")
    assert song["error"].startswith("none.wav: ")
