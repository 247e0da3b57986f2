"""Malicious tunes: they run no code, read no other file, and take limited time and memory."""

import pickle
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

import music21
import pytest
from music21.converter import PickleFilter

from extrapcli.errors import UnreadableAudio
from extrapcli.melody import seeds
from extrapcli.melody.time_limit import TimeLimitExceeded, run_with_time_limit
from tests.backends.test_untrusted import Pickled
from tests.fuzz.tunes import KERN
from tests.melody.tunes import read_tune


def test_pickles_in_a_public_folder_are_not_loaded(tmp_path: Path) -> None:
    tune, marker = tmp_path / "tune.krn", tmp_path / "ran"
    tune.write_text(KERN)
    planted = PickleFilter(tune).getPickleFp(zipType="gz")
    assert str(planted).startswith(tempfile.gettempdir())
    evil = zlib.compress(pickle.dumps(Pickled(marker)))
    planted.write_bytes(evil)
    try:
        read_tune(tune)
        assert planted.read_bytes() == evil
    finally:
        planted.unlink()
    assert not marker.exists()


def test_entities_of_musicxml_read_no_file(tmp_path: Path) -> None:
    secret, tune = tmp_path / "secret", tmp_path / "tune.musicxml"
    secret.write_text("very secret")
    music21.converter.parse(KERN, format="humdrum").write("musicxml", tune)  # type: ignore[no-untyped-call]
    text = tune.read_text()
    head = text.index("<score-partwise")
    doctype = f'<!DOCTYPE score-partwise [<!ENTITY e SYSTEM "{secret}">]>'
    tune.write_text(text[:head].split("<!DOCTYPE")[0] + doctype + text[head:].replace("<part-name", "&e;<part-name"))
    with pytest.raises(UnreadableAudio) as raised:
        read_tune(tune)
    assert "very secret" not in str(raised.value)


def test_exponential_entities_are_refused(tmp_path: Path) -> None:
    layers = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    tune = tmp_path / "tune.xml"
    tune.write_text(f'<!DOCTYPE x [<!ENTITY e0 "la">{layers}]><score-partwise>&e11;</score-partwise>')
    with pytest.raises(UnreadableAudio, match="cannot be read"):
        read_tune(tune)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    tune = tmp_path / "tune.mxl"
    with zipfile.ZipFile(tune, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tune.xml", b" " * 30_000_000)
    with pytest.raises(UnreadableAudio, match="more than 15 MB of notes"):
        read_tune(tune)


@pytest.mark.parametrize("music", ["L327681/8\nK:Am\n(3ABc", "L:1/8\nK:Am\nc'41e999 (3ABc", "L:1/999\nK:Am\n(3ABc"])
def test_impossible_note_lengths_are_refused_at_once(music: str, tmp_path: Path) -> None:
    (tmp_path / "tune.abc").write_text(f"X:1\nT:In 1812\nM:3/4\n{music} z4 ||\n")
    with pytest.raises(UnreadableAudio, match="numbers of three digits"):
        read_tune(tmp_path / "tune.abc")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it may be raised in a __del__ first
def test_endless_work_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless() -> None:
        while True:
            time.monotonic()

    with pytest.raises(TimeLimitExceeded):
        run_with_time_limit(0.2, endless)
    assert run_with_time_limit(10, lambda: 7) == 7
    monkeypatch.setattr(seeds, "MOST_SECONDS", 0.2)
    tune = tmp_path / "tune.krn"
    tune.write_text(KERN.replace("4b\n", "4b\n" * 20_000))
    with pytest.raises(UnreadableAudio, match="takes more than"):
        read_tune(tune)
