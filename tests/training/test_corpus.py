"""A corpus: prepared once, again only for what has changed, and never held in memory."""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from extrapcli.errors import CannotWrite, UnreadableAudio, UsageError
from extrapcli.networks.settings import StudySettings
from extrapcli.training.corpus import Corpus, Shard, Stamp, content_hash, decoded, prepare
from extrapcli.training.device import ALONE, Worker
from extrapcli.training.kinds.clips import Clips, scaled
from extrapcli.training.tables import ClipSettings
from tests.conftest import chord
from tests.training.conftest import RecordedProgress


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Forty songs of a second."""
    paths = [tmp_path / "corpus" / "train" / f"{number}.wav" for number in range(40)]
    paths[0].parent.mkdir(parents=True)
    for number, path in enumerate(paths):
        soundfile.write(path, chord(1, 8000, 2) * (1 - number / 50), 8000)
    return paths


def test_a_shard_is_the_song_in_mono_at_the_rate(songs: list[Path], tmp_path: Path) -> None:
    (shard,) = prepare(songs[:1], tmp_path / "shards", decoded(8000), RecordedProgress())
    stereo, _ = soundfile.read(songs[0])
    np.testing.assert_allclose(shard.read() / 32767, stereo.mean(axis=1), atol=1e-4)
    assert shard.length == 8000
    np.testing.assert_array_equal(shard.read(100, 200), shard.read()[100:200])
    assert prepare(songs[:1], tmp_path / "4000", decoded(4000), RecordedProgress())[0].length == 4000


def test_songs_are_decoded_once_and_again_where_they_changed(songs: list[Path], tmp_path: Path) -> None:
    made: list[Path] = []

    def make(song: Path) -> np.ndarray:
        made.append(song)
        return decoded(8000)(song)

    first = prepare(songs, tmp_path / "shards", make, RecordedProgress())
    assert sorted(made) == sorted(songs)
    assert prepare(songs, tmp_path / "shards", make, RecordedProgress()) == first
    os.utime(songs[1])  # touched, but the same
    soundfile.write(songs[2], chord(2, 8000, 1), 8000)
    made.clear()
    second = prepare(songs, tmp_path / "shards", make, RecordedProgress())
    assert made == [songs[2]]
    assert second[2].length == 16000
    assert content_hash(second) != content_hash(first)
    assert content_hash(second[:1], second[1:2]) == content_hash(first[:1], first[1:2])
    assert content_hash(second[:1], second[1:2]) != content_hash(first[1:2], first[:1])
    assert content_hash(second[:2], []) != content_hash(second[:1], second[1:2])


def test_preparing_that_was_cut_short_goes_on(songs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    whole = prepare(songs[:3], folder, decoded(8000), RecordedProgress())
    whole[0].path.with_suffix(".json").unlink()  # cut off between the two
    stale, fresh = folder / ".extrap-1-x", folder / ".extrap-2-x"
    stale.write_text("half")
    os.utime(stale, (0, 0))
    fresh.write_text("another process is at it")
    whole[1].path.with_suffix(".json").write_text("{")
    assert prepare(songs[:3], folder, decoded(8000), RecordedProgress()) == whole
    assert list(folder.glob(".extrap-*")) == [fresh]


def test_broken_songs_are_named_and_counted(songs: list[Path], tmp_path: Path) -> None:
    for song in songs[3:5]:
        song.write_text("no music")
    progress = RecordedProgress()
    assert len(prepare(songs, tmp_path / "shards", decoded(8000), progress)) == 38
    assert all(any(song.name in line for line in progress.lines) for song in songs[3:5])
    assert "2 of 40 songs cannot be read" in progress.lines[-1]
    songs[5].unlink()
    with pytest.raises(UnreadableAudio, match=r"3 of 40 songs cannot be read, more than 5%, such as .*; repair"):
        prepare(songs, tmp_path / "shards", decoded(8000), progress)
    assert any("No such file" in line for line in progress.lines)


def test_a_folder_that_takes_no_shard_is_no_fault_of_the_songs(songs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot prepare songs there"):
        prepare(songs, tmp_path / "file" / "shards", decoded(8000), RecordedProgress())


def test_only_audio_files_of_a_folder_are_songs(songs: list[Path], tmp_path: Path) -> None:
    (songs[0].parent / "cover.jpg").write_text("a picture")
    (songs[0].parent / "album").mkdir()
    songs[0].rename(songs[0].parent / "album" / "1.wav")  # of the name of another song
    corpus = Corpus.open(tmp_path / "corpus")
    assert len(corpus.songs("train")) == 40
    assert (
        len(
            {
                shard.path
                for shard in prepare(corpus.songs("train"), tmp_path / "s", decoded(8000), RecordedProgress())
            }
        )
        == 40
    )


def test_a_manifest_may_name_anything(songs: list[Path], tmp_path: Path) -> None:
    odd = ['"quoted".wav', "'x' y.wav", "音楽" * 27 + ".wav"]
    for song, name in zip(songs, odd, strict=False):
        song.rename(song.with_name(name))
    rows = "".join(f"train\tcorpus/train/{name}\n" for name in odd)
    (tmp_path / "songs.tsv").write_text(f"split\tfile\n{rows}", encoding="utf-8-sig")
    listed = Corpus.open(tmp_path / "songs.tsv").songs("train")
    assert {song.name for song in listed} == set(odd)
    assert len(prepare(listed, tmp_path / "shards", decoded(8000), RecordedProgress())) == 3


def test_a_manifest_lists_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "songs.tsv").write_text("split\tfile\ntrain\ta.wav\nvalidation\ta.wav\n")
    with pytest.raises(UsageError, match=r"lists .*a\.wav more than once"):
        Corpus.open(tmp_path / "songs.tsv")


def test_a_manifest_lists_what_folders_hold(songs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "songs.tsv").write_text(
        "file\tsplit\tmore\n" + "".join(f"corpus/train/{song.name}\ttrain\t1\n" for song in songs)
    )
    folder, manifest = Corpus.open(tmp_path / "corpus"), Corpus.open(tmp_path / "songs.tsv")
    assert manifest.songs("train") == folder.songs("train") == sorted(songs)
    for corpus in (folder, manifest):
        with pytest.raises(UsageError, match="no songs"):
            corpus.songs("validation")


@pytest.mark.parametrize("text", ["", "a\tb\n1\t2\n", "split\tfile\ntrain\n", "\x00\xff"])
def test_what_is_no_manifest_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "songs.tsv").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError):
        Corpus.open(tmp_path / "songs.tsv").songs("train")


def clips(shards: list[Shard], *, random: bool, worker: Worker = ALONE, **settings: object) -> Clips:
    return Clips(
        shards=tuple(shards),
        settings=ClipSettings.model_validate({"per_song": 4, **settings}),
        sizes=StudySettings(context_frames=2, horizon_frames=1, frame_samples=100),
        batch_size=8,
        random=random,
        seed=1,
        worker=worker,
    )


def on_disk(path: Path, samples: np.ndarray) -> Shard:
    np.save(path, samples)
    return Shard(path, path, Stamp(0, 0, ""), len(samples))


@pytest.fixture
def shards(rng: np.random.Generator, tmp_path: Path) -> list[Shard]:
    return [
        on_disk(tmp_path / f"{n}.npy", rng.integers(-3000, 3000, size=n).astype(np.int16)) for n in (300, 1000, 5000)
    ]


def test_clips_are_standardised_and_follow_each_other(shards: list[Shard]) -> None:
    data = clips(shards, random=False)
    assert (data.items, data.steps) == (12, 2)
    for step in range(data.steps):
        inputs, targets, _ = data.batch(0, step)
        assert inputs.shape == (8, 2, 100)
        assert targets.shape == (8, 1, 100)
        whole = np.concatenate([inputs.reshape(8, -1), targets.reshape(8, -1)], axis=1)
        np.testing.assert_allclose(whole.std(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(whole.mean(axis=1), 0, atol=1e-5)
    first = shards[0].read().astype(float)
    np.testing.assert_allclose(
        data.batch(0, 0).inputs[0].ravel(), ((first - first.mean()) / first.std())[:200], rtol=1e-4
    )


def test_the_last_batch_of_a_fixed_set_is_filled_up_with_what_weighs_nothing(shards: list[Shard]) -> None:
    data = clips(shards, random=False)
    weights = np.concatenate([data.batch(0, step).weights.ravel() for step in range(data.steps)])
    np.testing.assert_array_equal(weights, [1] * 12 + [0] * 4)
    assert clips(shards, random=True).batch(0, 1).weights.all()


def test_random_clips_differ_by_epoch_and_repeat_by_seed(shards: list[Shard]) -> None:
    one, two = clips(shards, random=True), clips(shards, random=True)
    np.testing.assert_array_equal(one.batch(3, 1).inputs, two.batch(3, 1).inputs)
    assert not np.array_equal(one.batch(3, 1).inputs, one.batch(4, 1).inputs)
    fixed = clips(shards, random=False)
    np.testing.assert_array_equal(fixed.batch(3, 1).inputs, fixed.batch(0, 1).inputs)


def test_workers_share_the_items_of_a_batch(shards: list[Shard]) -> None:
    whole = clips(shards, random=True).batch(2, 1)
    shares = [clips(shards, random=True, worker=Worker(index, 4)).batch(2, 1) for index in range(4)]
    for part in ("inputs", "targets", "weights"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(share, part) for share in shares]), getattr(whole, part)
        )


def test_batches_come_in_order_from_any_step(shards: list[Shard]) -> None:
    data = clips(shards, random=True)
    for first in (0, 1):
        coming = [batch.inputs for batch, _ in data.prefetched(5, first)]
        assert len(coming) == data.steps - first
        for step, inputs in enumerate(coming, first):
            np.testing.assert_array_equal(inputs, data.batch(5, step).inputs)


def test_the_beginning_is_the_beginning(shards: list[Shard]) -> None:
    data = clips(shards, random=True, per_song=1, start="beginning", scaling="none")
    beginnings = {shard.read()[:300].tobytes() for shard in shards}
    inputs, targets, _ = data.batch(7, 0)
    rows = np.concatenate([inputs.reshape(8, -1), targets.reshape(8, -1)], axis=1)
    assert {np.rint(row * 32768).astype(np.int16).tobytes() for row in rows} == beginnings


def test_scalings(rng: np.random.Generator) -> None:
    clip = rng.normal(0.1, 0.2, size=300).astype(np.float32)
    assert scaled(clip, 200, "none") is clip
    assert np.abs(scaled(clip, 200, "peak")).max() == pytest.approx(1)
    assert scaled(clip, 200, "clip").std() == pytest.approx(1, rel=1e-5)
    assert scaled(clip, 200, "context")[:200].std() == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(
        scaled(clip, 200, "context")[:200],
        scaled(np.append(clip[:200], [9, 9]).astype(np.float32), 200, "context")[:200],
    )
    click = np.zeros(300, np.float32)
    click[5] = 1 / 32768
    assert np.abs(scaled(np.append(click[:200], clip[200:]), 200, "context")).max() < 1001 * np.abs(clip).max()
    for scaling in ("clip", "context", "peak", "none"):
        assert not scaled(np.zeros(300, np.float32), 200, scaling).any()


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    """Clips of 2, then of 40 songs of 4 MB: the second would be 160 MB at once."""
    shards = [on_disk(tmp_path / f"{number}.npy", np.ones(2_000_000, np.int16)) for number in range(40)]
    peaks = []
    for count in (2, 40):
        data = clips(shards[:count], random=True)
        tracemalloc.start()
        for epoch in range(2):
            for _ in data.prefetched(epoch):
                pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000


def test_the_notes_beside_shards_say_what_the_songs_were(songs: list[Path], tmp_path: Path) -> None:
    (shard,) = prepare(songs[:1], tmp_path / "shards", decoded(8000), RecordedProgress())
    noted = json.loads(shard.path.with_suffix(".json").read_text())
    assert noted == {
        "stamp": {
            "size": songs[0].stat().st_size,
            "changed": songs[0].stat().st_mtime_ns,
            "sha256": shard.stamp.sha256,
        },
        "length": 8000,
    }


def test_a_shard_hears_what_is_inverted_and_not_the_offset(tmp_path: Path) -> None:
    left = chord(4, 8000, 1)
    soundfile.write(tmp_path / "song.wav", 0.5 * left * [1, -1] + [0.4, -0.3], 8000, subtype="FLOAT")
    (shard,) = prepare([tmp_path / "song.wav"], tmp_path / "shards", decoded(8000), RecordedProgress())
    np.testing.assert_allclose(shard.read() / 32767, 0.5 * left[:, 0], atol=2e-3)
