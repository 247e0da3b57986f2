from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from extrapcli.audio.decode import decode
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.tagger import Tagger
from tests.browsing import browsing
from tests.conftest import SONG
from tests.evaluation.pages import Opened
from tests.evaluation.sounds import Sound


@pytest.fixture(scope="session")
def music() -> Sound:
    """Half a minute of slow electronic music, mono at 22050 Hz."""
    song = decode(SONG)
    return mono(song.samples, song.sample_rate)


@pytest.fixture(scope="session")
def other(music: Sound) -> Sound:
    """The same backwards."""
    return music[::-1].copy()


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return Tagger(threads=1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


@pytest.fixture
def open_file(browser: Browser) -> Iterator[Callable[[Path, int], Opened]]:
    """Opens the page in a file, in a window of some width, and waits until its track can be played."""
    contexts = []

    def opened(path: Path, width: int) -> Opened:
        context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
        contexts.append(context)
        shown = Opened(context.new_page())
        context.on("request", lambda request: shown.requests.append(request.url))
        shown.page.on("console", lambda message: shown.complaints.append(message.text))
        shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.page.goto(path.as_uri())
        shown.wait("track.readyState >= 3")
        return shown

    yield opened
    for context in contexts:
        context.close()
