"""One contract for every backend: those of extrap and a third, registered from outside."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from extrapcli.backends import backend_class, open_model, registered
from extrapcli.backends.base import Backend, Tensors
from extrapcli.errors import MissingDependency, UnusableModel, UsageError
from extrapcli.frames import to_frames
from extrapcli.models import find_model
from extrapcli.spec import WaveformSpec
from tests.conftest import SONG, Extrap, lay_package

BACKENDS = ["onnx", "tensorflow", "repeat"]
pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture(scope="session")
def models(tiny_model: Path) -> Path:
    spec = open_model(tiny_model, backend="onnx").spec
    (tiny_model / "model.repeat").write_text(spec.to_json())
    return tiny_model


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, models: Path) -> Backend:
    return open_model(models, backend=request.param, device="cpu")


def context(batch: int, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(batch, 4, 2000)).astype(np.float32)


def answers(model: Path, backend: str, context: np.ndarray) -> Tensors:
    return open_model(model, backend=backend).run({"context": context})


def test_all_are_registered_onnx_first() -> None:
    assert list(registered()) == ["onnx", "repeat", "tensorflow"]


@pytest.mark.slow
def test_it_carries_its_spec(backend: Backend) -> None:
    assert backend.spec == WaveformSpec("tiny", "waveform", sample_rate=2000, context_frames=4, horizon_frames=3)
    assert backend.device == "cpu"
    assert backend.name in BACKENDS


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 2, 8])
def test_a_batch_of_contexts_gives_a_batch_of_horizons(
    backend: Backend, batch: int, rng: np.random.Generator
) -> None:
    frames = backend.run({"context": context(batch, rng)})["frames"]
    assert frames.shape == (batch, 3, 2000)
    assert frames.dtype == np.float32
    assert np.isfinite(frames).all()


@pytest.mark.slow
def test_entries_of_a_batch_do_not_hear_each_other(backend: Backend, rng: np.random.Generator) -> None:
    together = context(3, rng)
    frames = backend.run({"context": together})["frames"]
    alone = backend.run({"context": together[1:2]})["frames"]
    np.testing.assert_allclose(frames[1:2], alone, rtol=1e-4, atol=1e-6)


def test_the_same_context_gives_the_same_bytes(backend: Backend, rng: np.random.Generator) -> None:
    once = context(2, rng)
    np.testing.assert_array_equal(
        backend.run({"context": once})["frames"], backend.run({"context": once.copy()})["frames"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(4, 2000), (1, 3, 2000), (1, 4, 1999), (1, 4, 2000, 1)])
def test_another_shape_is_refused(backend: Backend, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="context must be"):
        backend.run({"context": np.zeros(shape, np.float32)})


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 no archive", bytes(range(256)) * 20])
def test_a_file_that_is_no_model_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"model{backend_class(name).suffixes[0]}"
    file.write_bytes(content)
    with pytest.raises(UnusableModel, match=str(file)):
        open_model(file, backend=name)


@pytest.mark.slow
def test_auto_takes_onnx_from_a_folder_and_the_suffix_of_a_file(models: Path) -> None:
    assert open_model(models).name == "onnx"
    assert open_model(models / "model.keras").name == "tensorflow"
    assert open_model(models / "model.repeat").name == "repeat"


def test_a_backend_does_not_run_another_s_file(models: Path) -> None:
    with pytest.raises(UnusableModel, match="not a model for tensorflow"):
        open_model(models / "model.onnx", backend="tensorflow")


def test_an_unknown_backend_is_a_usage_error(models: Path) -> None:
    with pytest.raises(UsageError, match="no backend called torch; there are onnx, repeat, tensorflow"):
        open_model(models, backend="torch")


@pytest.mark.parametrize("name", ["onnx", "tensorflow"])
def test_cuda_that_is_missing_is_said_with_the_pip_command(name: str, models: Path) -> None:
    with pytest.raises(MissingDependency, match="pip install"):
        open_model(models, backend=name, device="cuda")


def test_a_backend_s_own_devices_can_be_asked_for(models: Path) -> None:
    assert open_model(models / "model.repeat", device="abacus").device == "abacus"
    assert open_model(models, device="abacus").name == "repeat"
    with pytest.raises(UsageError, match="the onnx backend has no device abacus; it has auto, cpu, cuda"):
        open_model(models, backend="onnx", device="abacus")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told"),
    [("raise OSError('no driver')", "does not load: no driver"), ("Broken = 3", "is no class derived from Backend")],
)
def test_one_that_is_broken_is_named_and_not_passed_over(
    code: str, told: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[extrap.backends]\nbroken = extrap_broken:Broken\nonnx = extrap_broken:Broken\n"
    lay_package(tmp_path, "extrap_broken", code, points)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "extrap_broken", raising=False)
    with pytest.raises(UnusableModel, match=f"the broken backend {told}"):
        open_model(models / "model.repeat")
    assert open_model(models).name == "onnx"


def test_inputs_of_other_names_are_refused(backend: Backend) -> None:
    with pytest.raises(ValueError, match="inputs must be context, not audio"):
        backend.run({"audio": np.zeros((1, 4, 2000), np.float32)})


@pytest.mark.slow
def test_the_command_sees_an_installed_backend(models: Path, song_wav: Path, extrap: Extrap) -> None:
    song = ("continue", song_wav, "--minutes", "0:10", "--model", models, "--backend", "repeat", "--json")
    told = json.loads(extrap(*song, "--device", "abacus", "-o", "track.wav").stdout)
    assert (told["backend"], told["device"]) == ("repeat", "abacus")
    assert "repeat" in extrap("doctor").stdout.decode()


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="there is no such model"):
        open_model(tmp_path / "nothing.onnx")


def test_onnx_and_tensorflow_agree(models: Path, rng: np.random.Generator) -> None:
    some = context(4, rng)
    onnx, tensorflow = (answers(models, name, some)["frames"] for name in ("onnx", "tensorflow"))
    assert np.abs(onnx - tensorflow).max() < 1e-4 * np.abs(tensorflow).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["study", "seq2seq"])
def test_the_shipped_files_agree_on_a_real_song(name: str) -> None:
    song = decode(SONG)
    mono = resample(song.samples, from_rate=song.sample_rate, to_rate=22050)[: 20 * 22050]
    clip = to_frames(mono / mono.std(), frame_samples=22050)
    onnx, tensorflow = (answers(find_model(name), backend, clip)["frames"] for backend in ("onnx", "tensorflow"))
    assert onnx.shape == (2, 10, 22050)
    assert np.abs(onnx - tensorflow).max() < 1e-4 * np.abs(tensorflow).max()


@pytest.mark.slow
def test_the_shipped_pointers_agree_on_a_real_song() -> None:
    song = decode(SONG)
    mono = resample(song.samples, from_rate=song.sample_rate, to_rate=22050)[: 20 * 22050, :1]
    frames = to_frames(mono / mono.std(), frame_samples=22050)
    one, other = (answers(find_model("recall"), backend, frames) for backend in ("onnx", "tensorflow"))
    for name in ("heard", "places", "spectra"):
        assert one[name].shape[:2] == (1, 500)
        assert np.abs(one[name] - other[name]).max() < 1e-4 * np.abs(other[name]).max()


@pytest.mark.slow
def test_threads_bound_tensorflow_too(models: Path) -> None:
    script = (
        "import sys, pathlib; from extrapcli.backends import open_model; "
        "open_model(pathlib.Path(sys.argv[1]), backend='tensorflow', threads=1); "
        "import tensorflow; threading = tensorflow.config.threading; "
        "print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())"
    )
    done = subprocess.run([sys.executable, "-c", script, models], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_auto_passes_over_a_backend_whose_package_is_absent(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(models / "model.keras", tmp_path)
    monkeypatch.setitem(sys.modules, "extrapcli.backends.tensorflow", None)
    with pytest.raises(MissingDependency, match=r'pip install "extrapcli\[tensorflow\]"'):
        open_model(tmp_path / "model.keras")
    assert open_model(models).name == "onnx"
