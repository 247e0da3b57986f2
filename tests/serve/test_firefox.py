"""The page in Firefox, driven through Marionette, its own protocol: Playwright has only a Firefox of its own."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.batch.processes import wait_until
from tests.serve.servers import Server

FIREFOX = shutil.which("firefox") or shutil.which("firefox-esr")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(FIREFOX is None, reason="no Firefox here")]
CLIPS = Path(__file__).parents[1] / "data" / "clips"
SETTINGS = 'user_pref("media.autoplay.default", 0);\nuser_pref("marionette.port", {port});\n'
WATCH = """
window.complaints = [];
addEventListener("error", (event) => complaints.push(event.message));
addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => complaints.push(event.violatedDirective));
"""


class Firefox:
    """A connection to Marionette: messages are JSON, each after its length and a colon."""

    def __init__(self, port: int) -> None:
        self._stream = socket.create_connection(("127.0.0.1", port), timeout=120).makefile("rwb")
        self._read()
        self("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})

    def __call__(self, command: str, **parameters: Any) -> Any:
        message = json.dumps([0, 1, command, parameters]).encode()
        self._stream.write(b"%d:%s" % (len(message), message))
        self._stream.flush()
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def _read(self) -> Any:
        length = b""
        while (letter := self._stream.read(1)) != b":":
            assert letter, "Firefox is gone"
            length += letter
        return json.loads(self._stream.read(int(length)))

    def run(self, script: str) -> Any:
        return self("WebDriver:ExecuteScript", script=script, args=[], sandbox=None)["value"]

    def wait(self, condition: str) -> None:
        wait_until(lambda: self.run(f"return {condition}"))


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return (str(CLIPS),)


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "user.js").write_text(SETTINGS.format(port=port))
    command = [str(FIREFOX), "-headless", "-marionette", "-no-remote", "-profile", str(tmp_path)]
    with subprocess.Popen(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port), process)
            yield Firefox(port)
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_song_is_continued_looped_and_a_tune_written(firefox: Firefox, server: Server) -> None:
    firefox("WebDriver:Navigate", url=server.address)
    firefox.run(WATCH)
    firefox.wait("document.querySelector('#library-song option') !== null")
    firefox.run("document.querySelector('#library-song').value = 'credits-ballad.opus'")
    firefox.run("document.querySelector('#library button').click()")
    firefox.wait("document.querySelector('#chosen-summary').textContent.includes('C major, 140 beats')")
    firefox.run("document.querySelector('#options button.primary').click()")
    firefox.wait("document.querySelector('article audio')?.readyState >= 3")
    firefox.wait("[...document.querySelectorAll('article button')].some((one) => one.textContent === 'Download')")
    assert firefox.run("return document.querySelector('article audio').duration") == 180
    assert firefox.run("return document.querySelectorAll('article [aria-label^=Join]').length") > 10

    firefox.run("document.querySelector('#tab-loop').click()")
    firefox.run("document.querySelector('#loop-find').click()")
    firefox.wait("document.querySelectorAll('#loop-list input').length > 3")

    firefox.run("document.querySelector('#tab-melody').click()")
    firefox.run("for (const key of [...document.querySelectorAll('#piano button')].slice(4, 8)) key.click()")
    firefox.wait("document.querySelector('#seed-words').textContent.includes('quarter')")
    firefox.run("document.querySelector('#tune-form button.primary').click()")
    firefox.wait("document.querySelector('#tunes img')?.naturalWidth > 100")
    assert firefox.run("return document.documentElement.scrollWidth <= innerWidth")
    assert firefox.run("return complaints") == []
