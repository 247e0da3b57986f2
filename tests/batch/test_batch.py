"""What a batch does and leaves alone, song by song; the work is real, and done in this process."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from extrapcli.batch.batch import Batch, Counts
from extrapcli.batch.estimate import estimate, needed
from extrapcli.batch.manifest import Manifest, Record
from extrapcli.errors import SomeFailed
from extrapcli.extrapolators.base import Style
from tests.batch.conftest import NAMES, OPTIONS, Here, works_of


class Heard:
    """What a batch says of its progress."""

    def __init__(self) -> None:
        self.counts = Counts(0)

    def say(self, line: str) -> None: ...

    def ended(self, counts: Counts) -> None:
        self.counts = replace(counts)


def batch_of(songs: Path, *, overwrite: bool = False, retry: int = 0, fail_fast: bool = False) -> Batch:
    tracks = songs.parent / "tracks"
    tracks.mkdir(exist_ok=True)
    options = replace(OPTIONS, overwrite=overwrite)
    manifest = Manifest(tracks / "manifest.jsonl")
    return Batch(works_of(songs, tracks), manifest, options, retry=retry, fail_fast=fail_fast)


def run(batch: Batch, here: Here) -> Counts:
    heard = Heard()
    list(batch.run(here, heard))
    return heard.counts


def lines(songs: Path) -> list[Record]:
    text = (songs.parent / "tracks" / "manifest.jsonl").read_text()
    return [Record(**json.loads(line)) for line in text.splitlines()]


def tracks(songs: Path) -> dict[str, tuple[int, bytes]]:
    folder = songs.parent / "tracks"
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


TRACKS = {"a-0m06s.wav", "b-0m06s.wav", "folder/c-0m06s.flac", "folder/d-0m06s.wav"}


@pytest.fixture
def made(songs: Path, here: Here) -> Path:
    """The songs, with a batch of them done."""
    assert run(batch_of(songs), here) == Counts(4, made=4)
    return songs


def test_the_manifest_says_what_was_made(made: Path) -> None:
    assert set(tracks(made)) == TRACKS
    assert Counter(record.state for record in lines(made)) == {"begun": 4, "done": 4}
    for record in lines(made):
        if record.state == "done":
            track = made.parent / "tracks" / record.output
            assert record.bytes == track.stat().st_size
            assert record.seconds == soundfile.info(track).duration == 6.0
            assert record.measures["song_seconds"] == 2.0
            assert record.measures["joins"] >= 1
            assert len(record.input_sha256) == len(record.sha256) == 64
            assert record.took > 0


def test_run_again_it_does_nothing_and_writes_nothing(made: Path, here: Here) -> None:
    before, said = tracks(made), lines(made)
    assert run(batch_of(made), here) == Counts(4, kept=4)
    assert (tracks(made), lines(made)) == (before, said)


def change_song(songs: Path) -> None:
    sound, rate = soundfile.read(songs / "a.wav")
    soundfile.write(songs / "a.wav", sound[::-1], rate)


def remove_track(songs: Path) -> None:
    (songs.parent / "tracks" / "a-0m06s.wav").unlink()


def forget(songs: Path) -> None:
    """Leave the manifest as a run that was killed before it could say that a track is done."""
    path = songs.parent / "tracks" / "manifest.jsonl"
    kept = [record for record in lines(songs) if (record.input, record.state) != ("a.wav", "done")]
    path.write_text("".join(record.to_json() + "\n" for record in kept))


@pytest.mark.parametrize("change", [change_song, remove_track, forget])
def test_run_again_it_does_what_is_missing_or_changed(change: object, made: Path, here: Here) -> None:
    before = tracks(made)
    assert callable(change)
    change(made)
    assert run(batch_of(made), here) == Counts(4, made=1, kept=3)
    after = tracks(made)
    assert {name for name in TRACKS if before[name] != after[name]} == (
        set() if change is forget else {"a-0m06s.wav"}
    )
    assert (before["a-0m06s.wav"][1] == after["a-0m06s.wav"][1]) == (change is not change_song)
    assert run(batch_of(made), here) == Counts(4, kept=4)


def test_what_lies_where_a_killed_run_would_have_put_its_track_is_compared(made: Path, here: Here) -> None:
    forget(made)
    mine = made.parent / "tracks" / "a-0m06s.wav"
    mine.write_text("mine")
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed: a.wav"):
        run(batch_of(made), here)
    assert mine.read_text() == "mine"
    assert "was not made by this batch" in lines(made)[-1].error


def test_other_options_make_other_tracks(made: Path, here: Here) -> None:
    batch = batch_of(made)
    other = replace(OPTIONS, style=Style(variety=1.0, seed=3))
    manifest = Manifest(made.parent / "tracks" / "manifest.jsonl")
    assert not list(needed(batch, works_of(made, made.parent / "tracks")))
    batch = Batch(works_of(made, made.parent / "tracks"), manifest, other)
    assert run(batch, Here(other)) == Counts(4, made=4)


@pytest.mark.parametrize("years", [-30, 30])
def test_songs_of_another_time_are_looked_at_and_kept(years: int, made: Path, here: Here) -> None:
    """A clock that was set, or files that were copied: times differ, and what is in the files does not."""
    for folder in (made, made.parent / "tracks"):
        for path in folder.rglob("*.*"):
            time = path.stat().st_mtime_ns + years * 365 * 24 * 3600 * 10**9
            os.utime(path, ns=(time, time))
    before = tracks(made)
    assert not list(needed(batch_of(made), works_of(made, made.parent / "tracks")))
    assert run(batch_of(made), here) == Counts(4, kept=4)
    assert tracks(made) == before
    said = lines(made)
    assert run(batch_of(made), here) == Counts(4, kept=4)
    assert lines(made) == said


@pytest.mark.parametrize(
    "when", ["before any run", "over a track", "after a run that kept it", "after one that failed"]
)
def test_what_no_batch_made_is_never_replaced(when: str, songs: Path, here: Here) -> None:
    mine = songs.parent / "tracks" / "a-0m06s.wav"
    mine.parent.mkdir()
    if when != "before any run":
        run(batch_of(songs), here)
    if when == "after a run that kept it":
        run(batch_of(songs), here)
    mine.write_text("mine")
    for _ in range(2 if when == "after one that failed" else 1):
        with pytest.raises(SomeFailed, match="1 of 4"):
            run(batch_of(songs), here)
        assert mine.read_text() == "mine"
        error = lines(songs)[-1] if when != "before any run" else next(r for r in lines(songs) if r.error)
        assert "a-0m06s.wav: exists and was not made by this batch" in error.error
        assert error.status == 6
        works = works_of(songs, mine.parent)
        assert [(w.input, why) for w, why in needed(batch_of(songs), works)] == [("a.wav", "in the way")]
    assert run(batch_of(songs, overwrite=True), here).made == 1
    assert soundfile.info(mine).duration == 6.0


def test_one_bad_song_fails_alone_and_is_tried_again(songs: Path, here: Here) -> None:
    (songs / "b.wav").write_text("no music")
    batch = batch_of(songs, retry=2)
    heard = Heard()
    ended: list[Record] = []
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed: b.wav$"):
        ended.extend(batch.run(here, heard))
    assert heard.counts == Counts(4, made=3, failed=1)
    assert [record.input for record in ended][-1] == "b.wav"
    assert "not audio" in ended[-1].error
    assert ended[-1].status == 3
    states = Counter(record.state for record in lines(songs) if record.input == "b.wav")
    assert states == {"begun": 3, "failed": 3}


def test_one_that_is_mended_meanwhile_succeeds_when_it_is_tried_again(songs: Path, here: Here) -> None:
    good = (songs / "a.wav").read_bytes()
    (songs / "a.wav").write_text("no music")
    records = batch_of(songs, retry=1).run(here, Heard())
    first = next(records)
    (songs / "a.wav").write_bytes(good)
    assert [first.input, *(record.input for record in records)] == [*NAMES[1:], NAMES[0]]


def test_fail_fast_begins_no_more(songs: Path, here: Here) -> None:
    (songs / "b.wav").write_text("no music")
    heard = Heard()
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed; 2 were not begun: b.wav$"):
        list(batch_of(songs, fail_fast=True).run(here, heard))
    assert heard.counts == Counts(4, made=1, failed=1)
    assert set(tracks(songs)) == {"a-0m06s.wav"}


def test_two_runs_at_once_share_the_work(songs: Path, here: Here) -> None:
    one, two = (batch_of(songs).run(Here(), Heard()) for _ in range(2))
    ended = [next(one), next(two), *one, *two]
    assert set(tracks(songs)) == TRACKS
    assert {record.input for record in ended} == set(NAMES)
    assert len(ended) == 2 * len(NAMES)
    made = [record.output for record in lines(songs) if record.state == "done"]
    assert sorted(made) == sorted(TRACKS)
    assert run(batch_of(songs), here) == Counts(4, kept=4)


def test_what_another_run_began_and_left_is_done_in_the_end(songs: Path, here: Here) -> None:
    batch = batch_of(songs)
    other = Manifest(songs.parent / "tracks" / "manifest.jsonl")
    for name, track in (("a.wav", "a-0m06s.wav"), ("b.wav", "b-0m06s.wav")):
        other.add(Record("begun", name, track, "another run"))
    assert [record.input for record in batch.run(here, Heard())] == [*NAMES[2:], *NAMES[:2]]
    assert set(tracks(songs)) == TRACKS


def test_the_estimate_is_what_it_takes(songs: Path, here: Here) -> None:
    batch = batch_of(songs)
    works = works_of(songs, songs.parent / "tracks")
    assert [why for _, why in needed(batch, works)] == ["missing"] * 4
    guessed = estimate(works, batch, Manifest(songs.parent / "none"), OPTIONS)
    assert not tracks(songs)
    run(batch, here)
    known = estimate(works, batch_of(songs), Manifest(songs.parent / "tracks" / "manifest.jsonl"), OPTIONS)
    size = sum(len(content) for _, content in tracks(songs).values())
    assert known.bytes == pytest.approx(size, rel=0.01)
    assert guessed.bytes == pytest.approx(size, rel=0.2)
    assert guessed.seconds > 0
    took = [record.took for record in lines(songs) if record.state == "done"]
    assert min(took) * 4 <= known.seconds * 1.01 <= max(took) * 4.1
