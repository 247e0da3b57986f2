"""Targets that read models: ONNX and Keras files with small networks of the released kinds."""

import os
from functools import partial
from math import prod
from multiprocessing import get_context
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np

from extrapcli.backends import open_model
from extrapcli.errors import MissingDependency, UnusableModel
from extrapcli.spec import EncoderSpec, ModelSpec, Shape, TuneSpec, WaveformSpec
from tests.fuzz.fuzz import Target
from tests.fuzz.mutate import mutate_protobuf, mutate_text, mutate_zip

FRAMES = WaveformSpec("frames", "waveform", sample_rate=50, context_frames=1, horizon_frames=1)


def onnx_seeds(folder: Path) -> None:
    """Write small networks of each kind, in a separate process because that imports TensorFlow."""
    process = get_context("spawn").Process(target=_write, args=(folder, ".onnx"))
    process.start()
    process.join()


def keras_seeds(folder: Path) -> None:
    process = get_context("spawn").Process(target=_write, args=(folder, ".keras"))
    process.start()
    process.join()


def _write(folder: Path, suffix: str) -> None:
    """Write the seed files; for Keras only networks that load in a tenth of a second."""
    import keras

    from extrapcli.melody.encoding import BAR_POSITIONS
    from extrapcli.networks.melody import melody_step
    from extrapcli.networks.recall import recall
    from extrapcli.networks.settings import FRAME_SAMPLES, MelodySettings, RecallSettings, StudySettings
    from extrapcli.networks.study import study
    from extrapcli.training.export import write_keras, write_onnx

    steps = MelodySettings(units=4, vector=4, lowest=60, highest=72)
    step_spec = TuneSpec("steps", steps.symbols, steps.state)
    if suffix == ".keras":
        context = keras.Input((1, 50), name="context")
        plain = keras.Model(context, keras.layers.Dense(50, activation="tanh")(context))
        for network, kind in ((plain, FRAMES), (melody_step(steps, BAR_POSITIONS), step_spec)):
            write_keras(network, folder / f"{kind.name}.keras", spec=kind, facts={}, half=False)
        return
    frames = StudySettings(context_frames=1, horizon_frames=1, frame_samples=50, widths=(64, 64, 64, 64))
    points = RecallSettings(bands=8, width=4, vector=4, dilations=(1,))
    vector = (None, 2 * points.vector + 2)
    pointers: dict[str, Shape] = {"heard": vector, "places": vector, "spectra": (None, points.bands)}
    networks: list[tuple[keras.Model, ModelSpec]] = [
        (study(frames), FRAMES),
        (recall(points), EncoderSpec("points", "recall", FRAME_SAMPLES, pointers)),
        (melody_step(steps, BAR_POSITIONS), step_spec),
    ]
    for network, spec in networks:
        write_onnx(network, folder / f"{spec.name}.onnx", spec=spec, facts={}, weights="float16")


def open_and_run(path: Path) -> None:
    """Open a model and run it once. Its outputs must be those of its spec."""
    model = open_model(path, device="cpu", threads=1)
    shapes = {name: [size or 2 for size in shape] for name, shape in model.spec.input_shapes.items()}
    if all(prod(shape) < 10**6 for shape in shapes.values()):
        outputs = model.run({name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()})
        assert set(outputs) == set(model.spec.output_shapes)


REFUSED = (UnusableModel, MissingDependency)
ONNX = Target("onnx", onnx_seeds, mutate_protobuf, open_and_run, REFUSED)
KERAS = Target("keras", keras_seeds, partial(mutate_zip, inside=mutate_text), open_and_run, REFUSED, lifetime=1000)
