import pytest

from extrapcli.audio.decode import decode
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.tagger import Tagger
from tests.conftest import SONG
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
