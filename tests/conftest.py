import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command has it; NumPy reads it when it is loaded

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

settings.register_profile("extrap", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
settings.load_profile("extrap")

SONG = Path(__file__).parent / "data" / "song.mp3"
EXTRAP = Path(sys.executable).with_name("extrap")


def install(package: Path, site: Path) -> Path:
    """Install a package of its own into a folder, which is returned."""
    uv = Path(sys.executable).with_name("uv")
    options = f"--quiet --python {sys.executable} --target {site} --no-deps --no-build-isolation"
    subprocess.run([uv, "pip", "install", *options.split(), package], check=True)
    return site


def lay_package(site: Path, module: str, code: str, entry_points: str) -> None:
    """Lay a package of one module, which registers something, into a folder on the path."""
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder like the shipped ones, with a real but small network: 4 frames of 2000 samples to 3."""
    import keras

    from extrapcli.networks.settings import StudySettings
    from extrapcli.networks.study import study
    from extrapcli.spec import WaveformSpec
    from extrapcli.training.export import write_keras, write_onnx

    keras.utils.set_random_seed(7)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    spec = WaveformSpec("tiny", "waveform", sample_rate=2000, context_frames=4, horizon_frames=3)
    settings = StudySettings(context_frames=4, horizon_frames=3, frame_samples=2000, widths=(64, 64, 64, 64))
    write_keras(study(settings), folder / "model.keras", spec=spec, facts={}, half=True)
    stored = keras.saving.load_model(folder / "model.keras", compile=False)
    write_onnx(stored, folder / "model.onnx", spec=spec, facts={}, weights="float16")
    return folder


@pytest.fixture(scope="session")
def tiny_amplitude(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a real but small network that predicts samples at 22050 Hz from three."""
    import keras

    from extrapcli.networks.amplitude import amplitude, amplitude_rollout
    from extrapcli.networks.settings import AmplitudeSettings
    from extrapcli.spec import SampleSpec
    from extrapcli.training.export import write_keras, write_onnx
    from extrapcli.training.kinds.amplitude_onnx import amplitude_graph

    rng = np.random.default_rng(7)
    folder = tmp_path_factory.mktemp("models") / "tiny-amplitude"
    folder.mkdir()
    spec = SampleSpec("tiny-amplitude", "amplitude", 22050, look_back=3)
    settings = AmplitudeSettings(units=6, dense=(5, 3))
    predictor = amplitude(settings)
    for weights in predictor.weights:
        weights.assign(rng.normal(scale=0.5, size=weights.shape))
    write_keras(amplitude_rollout(predictor), folder / "model.keras", spec=spec, facts={}, half=True)
    stored = keras.saving.load_model(folder / "model.keras", compile=False)
    graph = amplitude_graph(stored.get_layer("roll").predictor, settings, opset=17)
    write_onnx(stored, folder / "model.onnx", spec=spec, facts={}, weights="float16", graph=graph)
    return folder


@dataclass(frozen=True)
class Ran:
    status: int
    stdout: bytes
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.decode().splitlines()


Extrap = Callable[..., Ran]


@pytest.fixture
def extrap(tmp_path: Path) -> Extrap:
    """Run the installed command in a folder of its own; fail on a status other than the expected one."""

    def run(*args: str | Path, status: int = 0, stdin: bytes | None = None, cwd: Path = tmp_path) -> Ran:
        done = subprocess.run(
            [EXTRAP, *map(str, args)],
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=300,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr.decode())
        assert ran.status == status, f"{args}: status {ran.status}\n{ran.stdout[-500:]!r}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        return ran

    return run


def chord(seconds: float, rate: int, channels: int) -> NDArray[np.float64]:
    """A decaying chord twice a second: `(n, channels)`, peak near 0.5."""
    t = np.arange(round(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * np.outer(t, [220.0, 277.2, 329.6])).sum(axis=1) / 6 * np.exp(-4 * (t % 0.5))
    return np.stack([tone * (1 - 0.1 * channel) for channel in range(channels)], axis=1)


@pytest.fixture
def song_wav(tmp_path: Path) -> Path:
    """Six seconds of 16-bit stereo at 22050 Hz."""
    path = tmp_path / "song.wav"
    soundfile.write(path, chord(6, 22050, 2), 22050, subtype="PCM_16")
    return path
