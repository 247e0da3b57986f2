"""`extrap predict` as a user runs it, with the shipped models."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from tests.conftest import SONG, Extrap, chord


@pytest.fixture
def piece(tmp_path: Path) -> NDArray[np.float32]:
    """Three seconds of a real song: written to `piece.wav` at 44100 Hz in stereo, returned at the model's rate."""
    song = decode(SONG)
    samples = resample(song.samples[5 * song.sample_rate :][: 3 * song.sample_rate], from_rate=48000, to_rate=44100)
    soundfile.write(tmp_path / "piece.wav", samples, 44100, subtype="FLOAT")
    return resample(samples, from_rate=44100, to_rate=22050)


def decibels(error: NDArray[np.floating], of: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.square(error).mean() / np.square(of).mean()))


@pytest.mark.slow
def test_it_writes_the_prediction_and_prints_its_error(
    extrap: Extrap, piece: NDArray[np.float32], tmp_path: Path
) -> None:
    ran = extrap("predict", "piece.wav")
    assert ran.lines == ["piece-predicted.wav"]
    predicted, rate = soundfile.read(tmp_path / "piece-predicted.wav", dtype="float32")
    assert (rate, predicted.shape) == (22050, piece.shape)
    assert decibels(predicted - piece, piece) < -10
    assert f"amplitude, from 3 samples: error {decibels(predicted - piece, piece):.1f} dB" in ran.stderr
    assert extrap("predict", "piece.wav", "-q", "--overwrite").stderr == ""
    again, _ = soundfile.read(tmp_path / "piece-predicted.wav", dtype="float32")
    np.testing.assert_array_equal(again, predicted)


@pytest.mark.slow
def test_json_has_all_errors(extrap: Extrap, piece: NDArray[np.float32], tmp_path: Path) -> None:
    told = [json.loads(extrap("predict", "piece.wav", "--json", "-o", f"{n}.flac", *args).stdout) for n, args in RUNS]
    assert [one["look_back"] for one in told] == [3, 3, 8, 32]
    assert [one["model"] for one in told] == ["amplitude", "amplitude", "amplitude-long", "amplitude-long"]
    assert [one["backend"] for one in told] == ["onnx", "tensorflow", "onnx", "onnx"]
    for one, (number, _) in zip(told, RUNS, strict=True):
        predicted, _ = soundfile.read(tmp_path / f"{number}.flac", dtype="float32")
        assert one["track"] == f"{number}.flac"
        assert one["error"]["decibels"] == pytest.approx(decibels(predicted - piece, piece), abs=0.02)
        assert one["error"]["squared_16_bit"] == pytest.approx(
            32768**2 * np.square(predicted - piece).mean(), rel=0.01
        )
        assert one["linear_prediction"]["decibels"] < one["last_sample"]["decibels"] < 0
    assert told[0]["error"]["decibels"] == pytest.approx(told[1]["error"]["decibels"], abs=0.01)
    linearly = [one["linear_prediction"]["decibels"] for one in told[1:]]
    assert linearly == sorted(linearly, reverse=True)


RUNS: list[tuple[int, tuple[str, ...]]] = [
    (0, ()),
    (1, ("--backend", "tensorflow")),
    (2, ("--look-back", "8")),
    (3, ("--look-back", "32", "--threads", "1")),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("gone.wav",), 3, "gone.wav"),
        (("piece.wav", "--model", "study"), 4, "choose one that predicts samples"),
        (("piece.wav", "--model", "wavenet"), 4, "no such model"),
        (("piece.wav", "--look-back", "33"), 2, "which predicts from 32; choose a smaller --look-back"),
        (("piece.wav", "--look-back", "0"), 2, "look-back"),
        (("piece.wav", "-o", "piece.wav", "--overwrite"), 2, "is the song itself"),
        (("piece.wav", "-o", "there.wav"), 6, "exists already"),
        (("piece.wav", "--format", "opus"), 2, "22050"),
        (("piece.wav", "--json", "-o", "-"), 2, "standard output"),
    ],
)
@pytest.mark.usefixtures("piece")
def test_errors_are_one_sentence(
    args: tuple[str, ...], status: int, says: str, extrap: Extrap, tmp_path: Path
) -> None:
    (tmp_path / "there.wav").write_text("precious")
    before = sorted(tmp_path.iterdir())
    ran = extrap("predict", *args, status=status)
    assert says in ran.stderr
    assert ran.stdout == b""
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.wav").read_text() == "precious"


@pytest.mark.slow
@pytest.mark.usefixtures("piece")
def test_through_a_pipe(extrap: Extrap, tmp_path: Path) -> None:
    piped = extrap("predict", "-", "-o", "-", "--format", "flac", stdin=(tmp_path / "piece.wav").read_bytes())
    extrap("predict", "piece.wav", "-o", "folder/", "--format", "flac")
    assert (tmp_path / "folder" / "piece-predicted.flac").read_bytes() == piped.stdout


@pytest.mark.slow
def test_the_shipped_model_continues_a_song_of_any_rate(extrap: Extrap, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", chord(1.5, 8000, 1), 8000, subtype="PCM_16")
    for name in ("one.wav", "two.wav"):
        extrap("continue", "song.wav", "--model", "amplitude", "--minutes", "0:04", "-o", name, "--device", "cpu")
    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()
    song, track = (soundfile.read(tmp_path / name, dtype="int16")[0] for name in ("song.wav", "one.wav"))
    assert len(track) == 4 * 8000
    np.testing.assert_array_equal(track[: len(song)], song)


@pytest.mark.slow
def test_an_offset_makes_no_prediction_look_better(extrap: Extrap, tmp_path: Path) -> None:
    """It is trivial to predict; the prediction has it all the same."""
    sound, told = 0.2 * chord(2, 22050, 1), []
    for offset in (0, 0.7):
        soundfile.write(tmp_path / "piece.wav", sound + offset, 22050, subtype="FLOAT")
        told.append(json.loads(extrap("predict", "piece.wav", "--json", "--overwrite").stdout))
        predicted, _ = soundfile.read(tmp_path / "piece-predicted.wav")
        assert predicted.mean() == pytest.approx(sound.mean() + offset, abs=0.01)
    for name in ("error", "linear_prediction", "last_sample"):
        assert told[1][name]["decibels"] == pytest.approx(told[0][name]["decibels"], abs=0.2)
