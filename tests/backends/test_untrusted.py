"""Model files made to do harm: none runs code, reads files elsewhere or takes up the memory when it is opened."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from extrapcli.backends import open_model
from extrapcli.errors import UnusableModel
from extrapcli.spec import METADATA_KEY, EncoderSpec, WaveformSpec
from extrapcli.spec.reading import read_spec
from tests.conftest import Extrap

SPEC = WaveformSpec("small", "waveform", sample_rate=4, context_frames=1, horizon_frames=1)
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """What a good Keras model of SPEC consists of."""
    path = tmp_path_factory.mktemp("keras") / "small.keras"
    context = keras.Input((1, 4))
    keras.Model(context, keras.layers.Dense(4)(context)).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()} | {"extrap.json": SPEC.to_json().encode()}


def packed(members: Members, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def named(marker: Path) -> list[dict[str, Any]]:
    """Objects that a configuration must not name, each of which some Keras has been made to build."""
    command = f"touch {marker}"
    lambda_config = {"function": {"class_name": "__lambda__", "config": {"code": "x", "defaults": None}}}
    return [
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "exec"},
        {"module": "builtins", "class_name": "exec", "config": {"arguments": command}, "registered_name": None},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": command}, "registered_name": "Popen"},
        {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"},
        {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"},
        {"module": "keras.layers", "class_name": "Lambda", "config": lambda_config},
        {"module": "keras.src.layers.core.lambda_layer", "class_name": "Lambda", "config": lambda_config},
        {"class_name": "Lambda", "config": lambda_config},
        {"class_name": "__lambda__", "config": {"value": ["eA==", None, None]}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": str(marker.parent)}},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "gASVAA=="}},
        {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"module": "keras.src.ops.core", "class_name": "Map", "config": {"f": "system"}},
        {
            "module": "keras.layers",
            "class_name": "Dense",
            "config": {"units": 4},
            "registered_name": "extrapcli>Roll",
        },
        {"module": "extrapcli.networks.recall", "class_name": "Evil", "config": {}, "registered_name": "a>Evil"},
        {"module": "evil", "class_name": "Evil", "config": {}, "registered_name": "evil>Evil"},
        {"module": None, "class_name": "Evil", "config": {}, "registered_name": "Evil"},
        {"module": ["os"], "class_name": {"a": 1}, "config": {}},
    ]


@pytest.mark.parametrize("which", range(len(named(Path("x")))))
def test_a_keras_configuration_names_layers_and_operations_alone(
    which: int, members: Members, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    config = json.loads(members[CONFIG])
    config["config"]["layers"][1]["config"]["kernel_initializer"] = named(marker)[which]
    path = packed(members | {CONFIG: json.dumps(config).encode()}, tmp_path / "model.keras")
    with pytest.raises(UnusableModel, match="which extrap does not load"):
        open_model(path)
    assert not marker.exists()


def test_the_same_file_unchanged_is_opened(members: Members, tmp_path: Path) -> None:
    frames = open_model(packed(members, tmp_path / "model.keras")).run({"context": np.ones((1, 1, 4), np.float32)})[
        "frames"
    ]
    assert frames.shape == (1, 1, 4)


class Pickled:
    """Leaves a mark where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.marker,)


def test_a_pickle_is_no_model(members: Members, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    evil = pickle.dumps(Pickled(marker))
    npz = io.BytesIO()
    np.savez(npz, weights=np.array([Pickled(marker)], dtype=object))
    marker.unlink(missing_ok=True)
    (tmp_path / "a.onnx").write_bytes(evil)
    (tmp_path / "b.keras").write_bytes(evil)
    packed(members | {WEIGHTS: evil}, tmp_path / "c.keras")
    others = {name: content for name, content in members.items() if name != WEIGHTS}
    packed(others | {"model.weights.npz": npz.getvalue()}, tmp_path / "d.keras")
    for path in sorted(tmp_path.glob("?.*")):
        with pytest.raises(UnusableModel, match=path.name):
            open_model(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["../evil", "/evil", "assets/evil", "model.weights.npz", "assets/../../evil"])
def test_an_archive_holds_a_model_alone(name: str, members: Members, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = packed(members | {name: b"evil"}, inside / "model.keras")
    with pytest.raises(UnusableModel, match="which no model needs"):
        open_model(path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["model.keras"]


@pytest.mark.parametrize("member", [CONFIG, WEIGHTS, "extrap.json"])
def test_a_member_with_another_checksum_is_refused(member: str, members: Members, tmp_path: Path) -> None:
    path = packed(members, tmp_path / "model.keras")
    content = bytearray(path.read_bytes())
    entry = content.rindex(member.encode()) - 46  # of the directory at the archive's end
    assert content[entry : entry + 4] == b"PK\1\2"
    content[entry + 16] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnusableModel, match="not a model that tensorflow can run: Bad CRC"):
        open_model(path)


@pytest.mark.parametrize("member", [CONFIG, WEIGHTS, "extrap.json"])
def test_an_archive_that_unpacks_without_end_is_refused(member: str, members: Members, tmp_path: Path) -> None:
    path = packed(members | {member: b" " * 30_000_000}, tmp_path / "model.keras")
    assert path.stat().st_size < 100_000
    with pytest.raises(UnusableModel, match="unpacks to far more"):
        open_model(path)


def external_link(file: h5py.File, elsewhere: Path) -> None:
    file["layers/evil"] = h5py.ExternalLink(str(elsewhere), "secret")


def soft_link(file: h5py.File, elsewhere: Path) -> None:
    file["layers/evil"] = h5py.SoftLink("/layers")


def external_storage(file: h5py.File, elsewhere: Path) -> None:
    file.create_dataset("layers/evil", (4,), "f4", external=[(str(elsewhere), 0, 16)])


def virtual(file: h5py.File, elsewhere: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(elsewhere), "secret", (4,), "f4")
    file.create_virtual_dataset("layers/evil", layout)


def shape_bomb(file: h5py.File, elsewhere: Path) -> None:
    file.create_dataset("layers/evil", (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")


@pytest.mark.parametrize("change", [external_link, soft_link, external_storage, virtual, shape_bomb])
def test_weights_lie_in_their_own_file(
    change: Callable[[h5py.File, Path], None], members: Members, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "secret.h5"
    with h5py.File(elsewhere, "w") as file:
        file["secret"] = np.arange(4, dtype=np.float32)
    weights = io.BytesIO(members[WEIGHTS])
    with h5py.File(weights, "a") as file:
        change(file, elsewhere)
    path = packed(members | {WEIGHTS: weights.getvalue()}, tmp_path / "model.keras")
    with pytest.raises(UnusableModel, match="its weights"):
        open_model(path)


def saved(path: Path, nodes: list[onnx.NodeProto], weights: list[TensorProto], spec: WaveformSpec = SPEC) -> Path:
    shape: list[str | int | None] = ["batch", 1, spec.sample_rate]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("context", "frames")]
    graph = helper.make_graph(nodes, "graph", tensors[:1], tensors[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    path.write_bytes(model.SerializeToString())
    return path


SUM = [helper.make_node("ReduceSum", ["w"], ["s"], keepdims=1), helper.make_node("Add", ["context", "s"], ["frames"])]


def test_operators_come_from_onnx_alone(tmp_path: Path) -> None:
    node = helper.make_node("Evil", ["context"], ["frames"], domain="evil.operators")
    with pytest.raises(UnusableModel, match="not a model that onnx can run"):
        open_model(saved(tmp_path / "m.onnx", [node], []))


@pytest.mark.parametrize("dims", [[1 << 20, 1 << 12], [1 << 40, 1 << 40], [-1, 4], [1 << 62]])
def test_weights_that_declare_more_than_they_hold_are_refused(dims: list[int], tmp_path: Path) -> None:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=bytes(16))
    with pytest.raises(UnusableModel, match="not a model that onnx can run"):
        open_model(saved(tmp_path / "m.onnx", SUM, [weight]))


@pytest.mark.parametrize(
    ("location", "offset"), [("*/_ORT_MEM_ADDR_/*", 1 << 44), ("w.bin", 1 << 60), ("w.bin", -16), ("no.bin", 0)]
)
def test_external_data_lies_within_its_file(location: str, offset: int, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(16))
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", str(offset)), ("length", "16")):
        weight.external_data.add(key=key, value=value)
    with pytest.raises(UnusableModel, match="not a model that onnx can run"):
        open_model(saved(tmp_path / "m.onnx", SUM, [weight]))


def test_a_declared_size_alone_takes_no_memory(tmp_path: Path) -> None:
    good = json.loads(SPEC.to_json())
    for change in (
        {"sample_rate": 1 << 40},
        {"context_frames": 1 << 30},
    ):
        with pytest.raises(UnusableModel, match=r"more than \d+ numbers"):
            read_spec(json.dumps(good | change))
    with pytest.raises(UnusableModel, match=r"more than \d+ numbers"):
        EncoderSpec("wide", "recall", 22050, {"heard": (1 << 20, 1 << 20)})


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([helper.make_node("Concat", ["context", "context"], ["frames"], axis=0)], "but it gave"),
        ([helper.make_node("Log", ["context"], ["frames"])], "not a number"),
        ([helper.make_node("Gather", ["context", "w"], ["frames"], axis=2)], "fails when it is run"),
    ],
)
def test_what_a_model_gives_is_held_against_its_spec(nodes: list[onnx.NodeProto], says: str, tmp_path: Path) -> None:
    weight = helper.make_tensor("w", TensorProto.INT64, [4], [9, 9, 9, 9])
    model = open_model(saved(tmp_path / "m.onnx", nodes, [weight]))
    with pytest.raises(UnusableModel, match=says):
        model.run({"context": np.zeros((1, 1, 4), np.float32)})


@pytest.mark.slow
def test_a_harmful_model_exits_4_with_one_sentence(
    extrap: Extrap, song_wav: Path, members: Members, tmp_path: Path
) -> None:
    config = json.loads(members[CONFIG])
    config["config"]["layers"].append(named(tmp_path / "ran")[0])
    packed(members | {CONFIG: json.dumps(config).encode()}, tmp_path / "evil.keras")
    saved(tmp_path / "evil.onnx", [helper.make_node("Evil", ["context"], ["frames"], domain="evil")], [])
    for name in ("evil.keras", "evil.onnx"):
        ran = extrap("continue", song_wav, "--model", name, status=4)
        assert name in ran.stderr
        assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "ran").exists()
