"""Model files that contradict themselves or reach outside their folder."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from extrapcli.backends import open_model
from extrapcli.errors import UnusableModel
from extrapcli.spec import METADATA_KEY, WaveformSpec


def onnx_with_spec(tiny_model: Path, path: Path, text: str | None) -> Path:
    graph = onnx.load(tiny_model / "model.onnx")
    del graph.metadata_props[:]
    if text is not None:
        onnx.helper.set_model_props(graph, {METADATA_KEY: text})
    onnx.save(graph, path)
    return path


def keras_with_spec(tiny_model: Path, path: Path, text: str | None) -> Path:
    with zipfile.ZipFile(tiny_model / "model.keras") as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            if member != f"{METADATA_KEY}.json":
                new.writestr(member, old.read(member))
        if text is not None:
            new.writestr(f"{METADATA_KEY}.json", text)
    return path


WRITERS = {".onnx": onnx_with_spec, ".keras": keras_with_spec}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"context_frames": 5}, "its spec says it takes .'context'"),
        ({"sample_rate": 22050}, "its spec says it takes .'context'"),
        ({"horizon_frames": 2}, "its spec says it gives .'frames'"),
        ({"horizon_frames": 0}, "horizon_frames must be a positive integer"),
    ],
)
def test_a_spec_that_contradicts_the_tensors_is_refused(
    suffix: str, change: dict[str, object], message: str, tiny_model: Path, tmp_path: Path
) -> None:
    spec = json.loads(open_model(tiny_model).spec.to_json()) | change
    path = WRITERS[suffix](tiny_model, tmp_path / f"m{suffix}", json.dumps(spec))
    with pytest.raises(UnusableModel, match=message):
        open_model(path)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_model_without_a_spec_is_refused(suffix: str, tiny_model: Path, tmp_path: Path) -> None:
    path = WRITERS[suffix](tiny_model, tmp_path / f"m{suffix}", None)
    with pytest.raises(UnusableModel, match="holds no extrap spec"):
        open_model(path)


def external(path: Path, location: str) -> Path:
    """A model whose one weight lies in another file."""
    spec = WaveformSpec("outside", "waveform", sample_rate=4, context_frames=1, horizon_frames=1)
    weight = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[4])
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "16")):
        weight.external_data.add(key=key, value=value)
    shape: list[str | int | None] = ["batch", 1, 4]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["context", "w"], ["frames"])],
        "graph",
        [onnx.helper.make_tensor_value_info("context", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("frames", onnx.TensorProto.FLOAT, shape)],
        [weight],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    path.write_bytes(model.SerializeToString())
    return path


def test_a_keras_file_without_some_of_its_weights_is_refused() -> None:
    """A file that the fuzzer made. Keras of today only warns of it, and leaves the weights random."""
    with pytest.raises(UnusableModel, match=r"some of its weights are missing|could not be loaded"):
        open_model(Path(__file__).with_name("no-weights.keras"))


def test_a_pointer_of_git_lfs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12ab\nsize 5000000\n")
    with pytest.raises(UnusableModel, match=r"model\.onnx: only points to the model; .* git lfs pull"):
        open_model(path)


def test_external_data_is_read_from_the_model_s_own_folder_only(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for folder in (tmp_path, inside):
        (folder / "w.bin").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    own = open_model(external(inside / "own.onnx", "w.bin"))
    frames = own.run({"context": np.zeros((1, 1, 4), np.float32)})["frames"]
    np.testing.assert_array_equal(frames.ravel(), np.arange(4))
    (inside / "link.bin").symlink_to(tmp_path / "w.bin")
    for location in ("../w.bin", str(tmp_path / "w.bin"), "link.bin"):
        with pytest.raises(UnusableModel, match="not a model that onnx can run"):
            open_model(external(inside / "outside.onnx", location))


def test_code_in_a_keras_file_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    def leave_a_mark(x: object) -> object:
        Path(marker).touch()
        return x

    model = keras.Sequential([keras.Input((4, 2000)), keras.layers.Lambda(leave_a_mark)])
    model.save(tmp_path / "plain.keras")
    marker.unlink()
    with zipfile.ZipFile(tmp_path / "plain.keras", "a") as archive:
        spec = WaveformSpec("evil", "waveform", sample_rate=2000, context_frames=4, horizon_frames=4)
        archive.writestr(f"{METADATA_KEY}.json", spec.to_json())
    with pytest.raises(UnusableModel, match=r"names .*, which extrap does not load"):
        open_model(tmp_path / "plain.keras")
    assert not marker.exists()


def test_threads_bounds_the_threads(tiny_model: Path) -> None:
    def added_by(threads: int) -> int:
        before = len(list(Path("/proc/self/task").iterdir()))
        backend = open_model(tiny_model, backend="onnx", threads=threads)
        backend.run({"context": np.zeros((1, 4, 2000), np.float32)})
        return len(list(Path("/proc/self/task").iterdir())) - before

    assert added_by(1) == 0
    assert added_by(3) == 2
