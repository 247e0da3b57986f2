from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.servers import OWNER, Facts, Server, start, write_song


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    """The options of the server of a module."""
    return ()


@pytest.fixture(scope="module")
def token() -> str | None:
    """What the server of a module is signed in to with."""
    return None


@pytest.fixture(scope="module")
def the_server(
    tmp_path_factory: pytest.TempPathFactory, options: tuple[str, ...], token: str | None
) -> Iterator[Server]:
    """The server of a module. No answer of it tells where it keeps things, and it never stumbles."""
    signed = ("--token", token) if token else ()
    running = start(tmp_path_factory.mktemp("server") / "kept", *options, *signed, token=token)
    try:
        yield running
        assert running.process.poll() is None
        assert not [text for text in running.texts if str(running.data.parent) in text]
    finally:
        running.stop()
    assert "Traceback" not in running.told


@pytest.fixture
def server(the_server: Server) -> Server:
    """The server of a module, asked by the browser that most tests have."""
    the_server.owner = OWNER
    return the_server


@pytest.fixture(scope="session")
def song_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds with a beat, 16 bits, stereo."""
    return write_song(tmp_path_factory.mktemp("songs") / "beat.wav")


@pytest.fixture(scope="module")
def song(the_server: Server, song_path: Path) -> Facts:
    """A song that was sent to the server of a module, and is ready."""
    return the_server.done(the_server.uploaded(song_path))
