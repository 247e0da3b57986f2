"""What a batch makes and leaves alone, song by song; the work is real, and done in this process."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import soundfile

from extrapcli.batch import Batch, Counts
from extrapcli.batch.estimate import estimate, needed
from extrapcli.batch.manifest import Manifest, Record
from extrapcli.batch.scheduler import Scheduler
from extrapcli.batch.worker import fingerprint
from extrapcli.errors import CannotWrite, SomeFailed
from extrapcli.extrapolators.base import Style
from extrapcli.models import find_model, sha256
from extrapcli.pipeline import Options
from tests.batch.conftest import NAMES, OPTIONS, InProcessEngine, jobs_of

OLD = Path(__file__).parent / "data" / "old_manifest"


def scheduler_of(songs: Path, *, overwrite: bool = False, retry: int = 0, fail_fast: bool = False) -> Scheduler:
    tracks = songs.parent / "tracks"
    tracks.mkdir(exist_ok=True)
    options = replace(OPTIONS, overwrite=overwrite)
    manifest = Manifest(tracks / "manifest.jsonl")
    return Scheduler(jobs_of(songs, tracks), manifest, options, retry=retry, fail_fast=fail_fast)


def run(scheduler: Scheduler, engine: InProcessEngine) -> Counts:
    list(scheduler.run(engine))
    return scheduler.counts


def lines(songs: Path) -> list[Record]:
    text = (songs.parent / "tracks" / "manifest.jsonl").read_text()
    return [Record.from_json(line) for line in text.splitlines()]


def tracks(songs: Path) -> dict[str, tuple[int, bytes]]:
    folder = songs.parent / "tracks"
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


TRACKS = {"a-0m06s.wav", "b-0m06s.wav", "folder/c-0m06s.flac", "folder/d-0m06s.wav"}


@pytest.fixture
def made(songs: Path, engine: InProcessEngine) -> Path:
    """The songs, with a batch of them done."""
    assert run(scheduler_of(songs), engine) == Counts(4, made=4)
    return songs


def test_the_manifest_describes_the_tracks(made: Path) -> None:
    assert set(tracks(made)) == TRACKS
    assert Counter(record.state for record in lines(made)) == {"started": 4, "done": 4}
    for record in lines(made):
        if record.state == "done":
            track = made.parent / "tracks" / record.output
            assert record.output_bytes == track.stat().st_size
            assert record.output_seconds == soundfile.info(track).duration == 6.0
            assert record.measures["song_seconds"] == 2.0
            assert record.measures["joins"] >= 1
            assert len(record.input_sha256) == len(record.output_sha256) == 64
            assert record.wall_seconds > 0


def test_run_again_it_does_nothing_and_writes_nothing(made: Path, engine: InProcessEngine) -> None:
    before, lines_before = tracks(made), lines(made)
    assert run(scheduler_of(made), engine) == Counts(4, kept=4)
    assert (tracks(made), lines(made)) == (before, lines_before)


def change_song(songs: Path) -> None:
    sound, rate = soundfile.read(songs / "a.wav")
    soundfile.write(songs / "a.wav", sound[::-1], rate)


def remove_track(songs: Path) -> None:
    (songs.parent / "tracks" / "a-0m06s.wav").unlink()


def forget_track(songs: Path) -> None:
    """Leave the manifest as a run that was killed before it could record that a track is done."""
    path = songs.parent / "tracks" / "manifest.jsonl"
    kept = [record for record in lines(songs) if (record.input, record.state) != ("a.wav", "done")]
    path.write_text("".join(record.to_json() + "\n" for record in kept))


@pytest.mark.parametrize("change", [change_song, remove_track, forget_track])
def test_run_again_it_does_what_is_missing_or_changed(
    change: Callable[[Path], None], made: Path, engine: InProcessEngine
) -> None:
    before = tracks(made)
    change(made)
    assert run(scheduler_of(made), engine) == Counts(4, made=1, kept=3)
    after = tracks(made)
    assert {name for name in TRACKS if before[name] != after[name]} == (
        set() if change is forget_track else {"a-0m06s.wav"}
    )
    assert (before["a-0m06s.wav"][1] == after["a-0m06s.wav"][1]) == (change is not change_song)
    assert run(scheduler_of(made), engine) == Counts(4, kept=4)


def test_a_file_where_a_killed_run_may_have_put_its_track_is_compared(made: Path, engine: InProcessEngine) -> None:
    forget_track(made)
    mine = made.parent / "tracks" / "a-0m06s.wav"
    mine.write_text("mine")
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed: a.wav"):
        run(scheduler_of(made), engine)
    assert mine.read_text() == "mine"
    assert "was not made by this batch" in lines(made)[-1].error


def test_a_song_of_too_many_channels_for_the_format_is_named(songs: Path, engine: InProcessEngine) -> None:
    soundfile.write(songs / "a.wav", np.random.default_rng(1).uniform(-0.1, 0.1, (16000, 3)), 8000)
    (songs / "a.wav").rename(songs / "a.mp3")
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed: a.mp3"):
        run(scheduler_of(songs), engine)
    (failed,) = (line for line in lines(songs) if line.state == "failed")
    assert failed.error == f"{songs / 'a.mp3'}: mp3 holds at most 2 channels, not 3"
    assert (failed.hint, failed.exit_status) == ("format", 2)


def test_other_options_make_other_tracks(made: Path) -> None:
    other = replace(OPTIONS, style=Style(variety=1.0, seed=3))
    jobs = jobs_of(made, made.parent / "tracks")
    assert not list(needed(scheduler_of(made), jobs))
    scheduler = Scheduler(jobs, Manifest(made.parent / "tracks" / "manifest.jsonl"), other)
    assert run(scheduler, InProcessEngine(other)) == Counts(4, made=4)


@pytest.mark.parametrize("years", [-30, 30])
def test_files_with_other_times_are_compared_and_kept(years: int, made: Path, engine: InProcessEngine) -> None:
    """The clock was set, or files were copied: times differ, and contents don't."""
    for folder in (made, made.parent / "tracks"):
        for path in folder.rglob("*.*"):
            time = path.stat().st_mtime_ns + years * 365 * 24 * 3600 * 10**9
            os.utime(path, ns=(time, time))
    before = tracks(made)
    assert not list(needed(scheduler_of(made), jobs_of(made, made.parent / "tracks")))
    assert run(scheduler_of(made), engine) == Counts(4, kept=4)
    assert tracks(made) == before
    lines_before = lines(made)
    assert run(scheduler_of(made), engine) == Counts(4, kept=4)
    assert lines(made) == lines_before


@pytest.mark.parametrize(
    "when", ["before any run", "over a track", "after a run that kept it", "after one that failed"]
)
def test_a_file_that_no_batch_made_is_never_replaced(when: str, songs: Path, engine: InProcessEngine) -> None:
    mine = songs.parent / "tracks" / "a-0m06s.wav"
    mine.parent.mkdir()
    if when != "before any run":
        run(scheduler_of(songs), engine)
    if when == "after a run that kept it":
        run(scheduler_of(songs), engine)
    mine.write_text("mine")
    for _ in range(2 if when == "after one that failed" else 1):
        with pytest.raises(SomeFailed, match="1 of 4"):
            run(scheduler_of(songs), engine)
        assert mine.read_text() == "mine"
        failure = lines(songs)[-1] if when != "before any run" else next(r for r in lines(songs) if r.error)
        assert "a-0m06s.wav: exists and was not made by this batch" in failure.error
        assert (failure.exit_status, failure.hint) == (6, "overwrite")
        jobs = jobs_of(songs, mine.parent)
        assert [(job.input, why) for job, why in needed(scheduler_of(songs), jobs)] == [("a.wav", "in the way")]
    assert run(scheduler_of(songs, overwrite=True), engine).made == 1
    assert soundfile.info(mine).duration == 6.0


def test_one_bad_song_fails_alone_and_is_tried_again(songs: Path, engine: InProcessEngine) -> None:
    (songs / "b.wav").write_text("no music")
    scheduler = scheduler_of(songs, retry=2)
    outcomes: list[Record] = []
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed: b.wav$"):
        outcomes.extend(scheduler.run(engine))
    assert scheduler.counts == Counts(4, made=3, failed=1)
    assert outcomes[-1].input == "b.wav"
    assert "not audio" in outcomes[-1].error
    assert outcomes[-1].exit_status == 3
    states = Counter(record.state for record in lines(songs) if record.input == "b.wav")
    assert states == {"started": 3, "failed": 3}


def test_a_song_that_is_repaired_succeeds_when_it_is_tried_again(songs: Path, engine: InProcessEngine) -> None:
    good = (songs / "a.wav").read_bytes()
    (songs / "a.wav").write_text("no music")
    records = scheduler_of(songs, retry=1).run(engine)
    first = next(records)
    (songs / "a.wav").write_bytes(good)
    assert [first.input, *(record.input for record in records)] == [*NAMES[1:], NAMES[0]]


def test_fail_fast_starts_no_more(songs: Path, engine: InProcessEngine) -> None:
    (songs / "b.wav").write_text("no music")
    scheduler = scheduler_of(songs, fail_fast=True)
    with pytest.raises(SomeFailed, match=r"1 of 4 songs failed; 2 were not started: b.wav$"):
        list(scheduler.run(engine))
    assert scheduler.counts == Counts(4, made=1, failed=1)
    assert set(tracks(songs)) == {"a-0m06s.wav"}


def test_songs_that_vanish_fail_by_name(songs: Path, engine: InProcessEngine) -> None:
    records = scheduler_of(songs).run(engine)
    next(records)
    for name in NAMES[2:]:
        (songs / name).unlink()
    with pytest.raises(SomeFailed, match=f"2 of 4 songs failed: {NAMES[2]}, {NAMES[3]}$"):
        list(records)
    errors = [record.error for record in lines(songs) if record.error]
    assert errors == [f"{songs / name}: cannot be read: No such file or directory" for name in NAMES[2:]]
    assert set(tracks(songs)) == {"a-0m06s.wav", "b-0m06s.wav"}


def test_a_song_that_is_cut_off_while_it_is_read_fails_by_name(
    songs: Path, engine: InProcessEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = soundfile.SoundFile.read

    def cut_and_read(file: soundfile.SoundFile, *args: object, **kwargs: object) -> object:
        os.truncate(songs / "a.wav", (songs / "a.wav").stat().st_size // 2)
        return read(file, *args, **kwargs)

    (songs / "b.wav").unlink()
    shutil.rmtree(songs / "folder")
    monkeypatch.setattr(soundfile.SoundFile, "read", cut_and_read)
    with pytest.raises(SomeFailed):
        run(scheduler_of(songs), engine)
    assert f"{songs / 'a.wav'}: cut off or damaged" in lines(songs)[-1].error
    assert not tracks(songs)


def test_a_folder_of_tracks_that_is_taken_away_ends_the_batch(songs: Path, engine: InProcessEngine) -> None:
    records = scheduler_of(songs).run(engine)
    next(records)
    (songs.parent / "tracks").rename(songs.parent / "elsewhere")
    with pytest.raises(CannotWrite, match=r"manifest.jsonl: cannot be written: No such file or directory"):
        next(records)
    assert not (songs.parent / "tracks").exists()
    assert {path.name for path in (songs.parent / "elsewhere").iterdir()} == {"a-0m06s.wav", "manifest.jsonl"}


def test_two_runs_at_once_share_the_work(songs: Path, engine: InProcessEngine) -> None:
    one, two = (scheduler_of(songs).run(InProcessEngine()) for _ in range(2))
    outcomes = [next(one), next(two), *one, *two]
    assert set(tracks(songs)) == TRACKS
    assert {record.input for record in outcomes} == set(NAMES)
    assert len(outcomes) == 2 * len(NAMES)
    done = [record.output for record in lines(songs) if record.state == "done"]
    assert sorted(done) == sorted(TRACKS)
    assert run(scheduler_of(songs), engine) == Counts(4, kept=4)


def test_songs_that_another_run_left_unfinished_are_done_at_the_end(songs: Path, engine: InProcessEngine) -> None:
    scheduler = scheduler_of(songs)
    other = Manifest(songs.parent / "tracks" / "manifest.jsonl")
    for name, track in (("a.wav", "a-0m06s.wav"), ("b.wav", "b-0m06s.wav")):
        other.append(Record("started", name, track, "another run"))
    assert [record.input for record in scheduler.run(engine)] == [*NAMES[2:], *NAMES[:2]]
    assert set(tracks(songs)) == TRACKS


def test_the_estimate_is_what_it_takes(songs: Path, engine: InProcessEngine) -> None:
    scheduler = scheduler_of(songs)
    jobs = jobs_of(songs, songs.parent / "tracks")
    assert [why for _, why in needed(scheduler, jobs)] == ["missing"] * 4
    from_one = estimate(jobs, scheduler, Manifest(songs.parent / "none"), OPTIONS)
    assert not tracks(songs)
    run(scheduler, engine)
    from_all = estimate(jobs, scheduler_of(songs), Manifest(songs.parent / "tracks" / "manifest.jsonl"), OPTIONS)
    size = sum(len(content) for _, content in tracks(songs).values())
    assert from_all.bytes == pytest.approx(size, rel=0.01)
    assert from_one.bytes == pytest.approx(size, rel=0.2)
    assert from_one.seconds > 0
    took = [record.wall_seconds for record in lines(songs) if record.state == "done"]
    assert min(took) * 4 <= from_all.seconds * 1.01 <= max(took) * 4.1


def test_tracks_in_an_old_manifest_are_kept(tmp_path: Path, engine: InProcessEngine) -> None:
    """Version 0.1 made a, failed with b, and was killed while it worked on c; its manifest has other keys."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "tracks" / "manifest.jsonl"
    lines_before = manifest.read_text()
    for file, digest in json.loads(lines_before.splitlines()[0])["options"]["model"].items():
        lines_before = lines_before.replace(digest, sha256(find_model(OPTIONS.model) / file)[:16])
    manifest.write_text(lines_before)
    old = lines(tmp_path / "songs")
    assert [(record.input, record.state) for record in old] == [
        ("a.ogg", "started"), ("a.ogg", "done"), ("b.ogg", "started"), ("b.ogg", "failed"), ("c.ogg", "started")
    ]  # fmt: skip
    assert (old[1].output_bytes, old[1].output_seconds, old[1].wall_seconds) == (23530, 6.0, 0.809)
    assert (old[1].measures["audible_joins"], old[3].exit_status) == (1, 3)
    track = tracks(tmp_path / "songs")["a-0m06s.ogg"]
    for made, kept in ((1, 1), (0, 2)):
        scheduler = scheduler_of(tmp_path / "songs")
        with pytest.raises(SomeFailed, match=r"1 of 3 songs failed: b.ogg"):
            list(scheduler.run(engine))
        assert scheduler.counts == Counts(3, made=made, kept=kept, failed=1)
        assert tracks(tmp_path / "songs")["a-0m06s.ogg"] == track
        assert manifest.read_text().startswith(lines_before)
    assert lines(tmp_path / "songs")[6].run == old[1].run  # it was compared, and has the times of the copy now


@pytest.mark.parametrize(
    ("model", "new", "same"), [("recall", 0.0, True), ("compose", 0.0, False), ("compose", 1.0, False)]
)
def test_no_new_bars_of_a_model_that_has_none_are_no_difference(model: str, new: float, same: bool) -> None:
    plain, other = (
        fingerprint(Options(model=model, style=Style(new=share)), "flac", find_model(model)) for share in (None, new)
    )
    assert (plain == other) == same


def test_a_batch_runs_in_any_thread(songs: Path) -> None:
    batch = Batch(str(songs), str(songs.parent / "tracks"), OPTIONS, workers=1, include=["a.wav"])
    outcomes: list[Record] = []
    thread = Thread(target=lambda: outcomes.extend(batch.run()))
    thread.start()
    thread.join()
    assert [(record.state, record.output) for record in outcomes] == [("done", "a-0m06s.wav")]
    assert (batch.counts, set(tracks(songs))) == (Counts(1, made=1), {"a-0m06s.wav"})
