"""The Python face of the package: what a notebook or a build script would write."""

import doctest
import pickle
import subprocess
import sys
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import extrapcli
from tests.conftest import SONG, Extrap, chord

MODULES = ["extrapcli", *sorted({f"extrapcli.{module}" for module in extrapcli._MODULES.values()})]


@pytest.fixture(scope="module")
def model() -> extrapcli.Model:
    return extrapcli.load("recall", device="cpu")


@pytest.fixture(scope="module")
def song() -> NDArray[np.float64]:
    return chord(8, 22050, 2)


def test_importing_loads_no_library() -> None:
    script = "import extrapcli, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"numpy", "onnxruntime", "typer", "rich", "soundfile", "av"} & set(done.stdout.split())


def test_every_public_name_is_there_and_documented() -> None:
    assert set(dir(extrapcli)) == set(extrapcli.__all__)
    for name in extrapcli.__all__:
        assert getattr(extrapcli, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = extrapcli.nothing


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.mp3").write_bytes(SONG.read_bytes())
    failed, _ = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed


def test_there_are_examples_of_all_that_is_called() -> None:
    called = (extrapcli.load, extrapcli.Model.continue_song, extrapcli.Model.stream)
    for function in (*called, extrapcli.continue_file, extrapcli.evaluate):
        assert ">>> " in (function.__doc__ or "")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_track_begins_with_its_song(dtype: type, song: NDArray[np.float64], model: extrapcli.Model) -> None:
    given: NDArray[np.floating] = song.astype(dtype)
    track = model.continue_song(given, 22050, minutes=0.5, seed=3)
    assert track.samples.shape == (30 * 22050, 2)
    assert track.samples.dtype == dtype
    assert (track.sample_rate, track.head_samples, track.seconds) == (22050, len(song), 30)
    head = round(track.joins[0].seconds * 22050)
    assert 0 < head <= len(song)
    np.testing.assert_array_equal(track.samples[:head], given[:head])
    assert track.samples[len(song) :].std() > 0.01


def test_mono_in_mono_out_and_add_counts_beyond_the_song(song: NDArray[np.float64], model: extrapcli.Model) -> None:
    track = model.continue_song(song[:, 0], 22050, add=0.25)
    assert track.samples.shape == (len(song) + 15 * 22050,)


def test_the_seed_decides(song: NDArray[np.float64], model: extrapcli.Model) -> None:
    one, again, other = (
        model.continue_song(song, 22050, minutes=0.5, variety=1, seed=seed).samples for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_it_makes_what_the_command_makes(model: extrapcli.Model, tmp_path: Path, extrap: Extrap) -> None:
    soundfile.write(tmp_path / "song.wav", chord(8, 22050, 2), 22050, subtype="FLOAT")
    options = ("--minutes", "0:30", "--seed", "5", "--variety", "0.6", "--device", "cpu", "--threads", "1")
    extrap("continue", "song.wav", *options, "-o", "command.wav")
    loaded = extrapcli.load("recall", device="cpu", threads=1)
    made = extrapcli.continue_file(
        tmp_path / "song.wav", tmp_path / "file.wav", model=loaded, minutes=0.5, seed=5, variety=0.6
    )
    assert (made.path, made.seed, made.samples) == (tmp_path / "file.wav", 5, 30 * 22050)
    assert (tmp_path / "command.wav").read_bytes() == (tmp_path / "file.wav").read_bytes()
    samples, rate = soundfile.read(tmp_path / "song.wav", dtype="float32")
    track = loaded.continue_song(samples, rate, minutes=0.5, seed=5, variety=0.6)
    np.testing.assert_array_equal(track.samples, soundfile.read(tmp_path / "file.wav", dtype="float32")[0])


def test_a_stream_begins_with_the_song_and_goes_on(song: NDArray[np.float64], model: extrapcli.Model) -> None:
    blocks = model.stream(song, 22050, seed=3)
    sound: list[NDArray[np.floating]] = []
    while sum(map(len, sound)) < 120 * 22050:
        sound.append(next(blocks))
    whole = np.concatenate(sound)
    assert whole.shape[1] == 2
    np.testing.assert_array_equal(whole[: 6 * 22050], song[: 6 * 22050])
    minutes = whole[: 120 * 22050].reshape(12, -1).std(axis=1)
    assert minutes.min() > 0.3 * song.std()
    assert all(block.ndim == 1 for block in islice(model.stream(song[:, 0], 22050), 3))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"minutes": 0.01}, extrapcli.UsageError, "already"),
        ({"minutes": 0}, extrapcli.UsageError, "out of range"),
        ({"minutes": float("nan")}, extrapcli.UsageError, "out of range"),
        ({"minutes": 1, "add": 1}, extrapcli.UsageError, "exclude"),
        ({"variety": 2}, extrapcli.UsageError, "variety of 2"),
        ({"ending": "bang"}, extrapcli.UsageError, "no ending is called 'bang'"),
        ({"crossfade": -1}, extrapcli.UsageError, "crossfade of -1"),
        ({"crossfade": 9}, extrapcli.UsageError, "crossfade of 9 s is out of range"),
        ({"seed": -1}, extrapcli.UsageError, "seed of -1"),
        ({"sample_rate": 10}, extrapcli.UnreadableAudio, "sample rate of 10 Hz"),
        ({"samples": np.zeros(22050)}, extrapcli.UnreadableAudio, "silent"),
        ({"samples": np.zeros((0, 2))}, extrapcli.UnreadableAudio, "no samples"),
        ({"samples": np.full(22050, np.nan)}, extrapcli.UnreadableAudio, "NaN"),
        ({"samples": np.arange(22050)}, extrapcli.UsageError, "samples are int64"),
        ({"samples": np.zeros((9, 9, 9))}, extrapcli.UsageError, "shape"),
        ({"samples": np.zeros((2, 22050))}, extrapcli.UsageError, "channels"),
    ],
)
def test_what_makes_no_sense_is_said(
    change: dict[str, object], error: type[Exception], says: str, song: NDArray[np.float64], model: extrapcli.Model
) -> None:
    given = {"samples": song, "sample_rate": 22050} | change
    with pytest.raises(error, match=says):
        model.continue_song(**given)  # type: ignore[arg-type]


def test_errors_name_no_option_and_survive_a_pickle(song_wav: Path) -> None:
    there = song_wav.with_name("there.wav")
    there.write_bytes(b"here")
    with pytest.raises(extrapcli.CannotWrite, match=r"exists already$") as raised:
        extrapcli.continue_file(song_wav, there, minutes=0.2)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.hint) == (str(raised.value), "overwrite")
    assert there.read_bytes() == b"here"


def test_a_track_can_be_evaluated(song: NDArray[np.float64], model: extrapcli.Model) -> None:
    track = model.continue_song(song, 22050, minutes=0.5, seed=3)
    steps: list[str] = []
    report = extrapcli.evaluate(
        track.samples, 22050, head=track.head_samples, joins=track.joins, progress=steps.append
    )
    assert len(report.joins) == len(track.joins)
    assert steps
    with pytest.raises(extrapcli.UsageError, match=r"the head of .* is out of range; give 1 to"):
        extrapcli.evaluate(track.samples, 22050, head=0)


def test_a_stream_leaves_the_song_alone_and_is_left_alone_by_it(model: extrapcli.Model) -> None:
    song = chord(8, 22050, 1)[:, 0]
    whole = [block.copy() for block in islice(model.stream(song, 22050, seed=2), 12)]
    given = song.copy()
    stream = model.stream(given, 22050, seed=2)
    blocks = [next(stream)]
    assert not np.shares_memory(blocks[0], given)
    given[:] = 0
    for block in islice(stream, 11):
        blocks.append(block.copy())
        block *= 0
    np.testing.assert_array_equal(np.concatenate(blocks), np.concatenate(whole))


def test_arguments_of_a_stream_are_checked_when_it_is_asked_for(model: extrapcli.Model) -> None:
    with pytest.raises(extrapcli.UsageError, match="variety of 3"):
        model.stream(chord(2, 22050, 1), 22050, variety=3)


def test_any_integer_is_a_rate_and_a_list_is_a_song(song: NDArray[np.float64], model: extrapcli.Model) -> None:
    made = model.continue_song(song, 22050, minutes=0.3).samples
    rate: Any = np.uint16(22050)
    track = model.continue_song(song, rate, minutes=0.3)
    np.testing.assert_array_equal(track.samples, made)
    assert type(track.sample_rate) is int
    listed: Any = song[:, 0].tolist()
    np.testing.assert_array_equal(
        model.continue_song(listed, 22050, minutes=0.3).samples,
        model.continue_song(song[:, 0], 22050, minutes=0.3).samples,
    )
    with pytest.raises(extrapcli.UsageError, match="not a whole number"):
        model.continue_song(song, 22050.5, minutes=0.3)  # type: ignore[arg-type]


def test_a_folder_is_made_and_other_formats_refused(song_wav: Path) -> None:
    made = extrapcli.continue_file(song_wav, f"{song_wav.parent}/new/folder/", minutes=0.2)
    assert made.path == song_wav.parent / "new" / "folder" / "song-0m12s.wav"
    with pytest.raises(extrapcli.UsageError, match="no format is called 'aac'"):
        extrapcli.continue_file(song_wav, minutes=0.2, format="aac")
    with pytest.raises(extrapcli.UsageError, match="- is no file"):
        extrapcli.continue_file(song_wav, "-", minutes=0.2)


def test_nothing_is_printed(song_wav: Path, capfd: pytest.CaptureFixture[str]) -> None:
    extrapcli.continue_file(str(song_wav), song_wav.with_name("long.flac"), minutes=0.2)
    assert capfd.readouterr() == ("", "")
