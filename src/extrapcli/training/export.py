"""A run to a model folder: `model.onnx`, `model.keras` and `card.json`, measured before they are kept.

The two files hold the same weights, in float16 unless asked otherwise; both backends compute in float32.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import h5py
import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from extrapcli.backends import open_model
from extrapcli.errors import CannotWrite, UnusableModel, UsageError
from extrapcli.models import Card, sha256, write_card
from extrapcli.spec import METADATA_KEY, ModelSpec, Shape
from extrapcli.training.amplitude_release import AmplitudeRelease
from extrapcli.training.melody_release import MelodyRelease
from extrapcli.training.progress import Progress
from extrapcli.training.release import PointerRelease, SampleRelease
from extrapcli.training.run import RunFolder
from extrapcli.training.task import open_corpus

OPSET = 17
FACTS_KEY = f"{METADATA_KEY}.training"
Weights = Literal["float32", "float16", "int8"]
MAX_AGREEMENT_ERROR = {"float32": 1e-4, "float16": 1e-4, "int8": 2e-2}  # relative to the largest output
RELEASES: dict[str, type[PointerRelease | MelodyRelease | AmplitudeRelease]] = {
    "recall": PointerRelease,
    "melody": MelodyRelease,
    "amplitude": AmplitudeRelease,
}
LARGE = 4096  # tensors with fewer entries stay in float32


def export_run(
    run: Path, corpus: Path | None, out: Path | None, *, weights: Weights, licence: str, progress: Progress
) -> list[Path]:
    """Write the model of a run's best weights to `out`, and return the paths of its files, the card last.

    It is measured on `corpus`, by default that of the run; `out` is by default a folder in it, named as its recipe.
    Raises UsageError where `run` has no weights yet, CannotWrite where `out` can't be written, UnusableModel where
    ONNX Runtime and Keras disagree by more than 1e-4 on validation clips (2e-2 with int8) or, for a network of
    frames, smaller weights cost more than 1 % of the validation error.
    """
    folder = RunFolder(run)
    recipe, facts = folder.recipe, folder.facts
    if not folder.best.exists():
        raise UsageError(f"{run}: no weights yet; go on with extrap train --resume")
    corpus, out = corpus or Path(facts["corpus"]), out or run / Path(facts["recipe"]).stem
    if not facts["finished"]:
        progress.say(f"{run}: not finished; these are its best weights so far")
    release = RELEASES.get(recipe.network, SampleRelease)(recipe, out.absolute().name)
    trained = release.model(folder.best)
    try:
        out.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=out, prefix=".partial-")
    except OSError as error:
        raise CannotWrite(f"{out}: cannot be a model folder: {error.strerror}") from None
    with temporary as path:
        made = Path(path)
        write_keras(trained, made / "model.keras", spec=release.spec, facts=facts, half=weights != "float32")
        stored = keras.saving.load_model(made / "model.keras", compile=False)
        graph = release.graph(stored, OPSET) if isinstance(release, AmplitudeRelease) else None
        write_onnx(stored, made / "model.onnx", spec=release.spec, facts=facts, weights=weights, graph=graph)
        backends = {name: open_model(made, backend=name, device="cpu") for name in ("onnx", "tensorflow")}
        figures, disagreement = release.measure(
            trained, backends["onnx"], backends["tensorflow"], open_corpus(recipe, corpus, progress), progress
        )
        progress.say(f"{figures}, relative difference {disagreement:.1e}")
        if not disagreement <= MAX_AGREEMENT_ERROR[weights]:
            raise UnusableModel(f"{run}: ONNX Runtime and Keras differ by {disagreement:.1e}; not exported")
        figures |= {
            "onnx_keras_difference": float(f"{disagreement:.1e}"),
            "onnx_opset": OPSET,
            "onnx_weights": weights,
        }
        figures |= {name: value for name, value in facts.items() if type(value) in (int, float)}
        names = ["model.onnx", "model.keras"]
        card = Card(
            name=release.spec.name,
            summary=release.summary,
            licence=licence,
            data=f"{facts['training_songs']} {release.part} of {facts['corpus']}, "
            f"SHA-256 of all {facts['corpus_sha256'][:16]}",
            made_by=f"extrap train {facts['corpus']} --recipe {facts['recipe']} --run {run} && "
            f'extrap export {run} --corpus {corpus} -o {out} --weights {weights} --licence "{licence}"',
            figures=figures,
            files={name: sha256(made / name) for name in names},
        )
        write_card(made, card)
        for name in (*names, "card.json"):
            (made / name).replace(out / name)
    return [out / name for name in (*names, "card.json")]


def write_keras(model: keras.Model, path: Path, *, spec: ModelSpec, facts: dict[str, Any], half: bool) -> None:
    """Save a model with its spec as a member of the archive; `half` stores large weights as float16."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.keras"
        model.save(whole)
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
            for member in old.namelist():
                if half and member.endswith(".weights.h5"):
                    old.extract(member, folder)
                    new.write(_halve_hdf5(Path(folder) / member), member)
                else:
                    new.writestr(member, old.read(member), zipfile.ZIP_DEFLATED)
            new.writestr(f"{METADATA_KEY}.json", spec.to_json())
            new.writestr(f"{FACTS_KEY}.json", json.dumps(facts))


def _halve_hdf5(path: Path) -> Path:
    halved = path.with_name("half.h5")
    with h5py.File(path) as old, h5py.File(halved, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                values = item[()]
                large = values.dtype == np.float32 and values.size >= LARGE
                kept = new.create_dataset(name, data=values.astype(np.float16) if large else values)
            else:
                kept = new.require_group(name)
            kept.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
    return halved


def write_onnx(
    model: keras.Model,
    path: Path,
    *,
    spec: ModelSpec,
    facts: dict[str, Any],
    weights: Weights,
    graph: onnx.ModelProto | None = None,
) -> None:
    """Export a model with its spec in the file's metadata; large weights are stored as `weights`.

    tf2onnx makes the graph unless there is one that was written out.
    """
    graph = graph or _converted(model, spec)
    if weights != "float32":
        _shrink_initializers(graph.graph, weights)
    onnx.helper.set_model_props(graph, {METADATA_KEY: spec.to_json(), FACTS_KEY: json.dumps(facts)})
    onnx.save(graph, path)


def _converted(model: keras.Model, spec: ModelSpec) -> onnx.ModelProto:
    """What tf2onnx makes of a model.

    Every variable is read once: a shared stack that is read anew by each unit would be frozen into the
    graph as often, which takes tens of gigabytes.
    """
    shapes = spec.output_shapes

    def predict(context: tf.Tensor) -> list[tf.Tensor]:
        once = [(v, tf.convert_to_tensor(v.value)) for v in model.variables]
        with keras.StatelessScope(state_mapping=once):
            outputs = model(context, training=False)
        return [outputs[name] for name in shapes] if isinstance(outputs, dict) else [outputs]

    signature = [tf.TensorSpec((None, *spec.input_shapes["context"]), tf.float32, name="context")]
    graph: onnx.ModelProto
    graph, _ = tf2onnx.convert.from_function(tf.function(predict), input_signature=signature, opset=OPSET)
    _declare_outputs(graph.graph, shapes)
    return graph


def _declare_outputs(graph: onnx.GraphProto, shapes: dict[str, Shape]) -> None:
    for output, (name, shape) in zip(graph.output, shapes.items(), strict=True):
        graph.node.append(onnx.helper.make_node("Identity", [output.name], [name]))
        output.CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (None, *shape)))


def _shrink_initializers(graph: onnx.GraphProto, weights: Weights) -> None:
    """Store large weights small, each with a node that gives back float32.

    Weights come rounded to float16, and are told by that from constants such as a Fourier transform. Matrices of
    int8 have a scale for each column, the largest magnitude in it being 127.
    """
    nodes, scales = [], []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half, values):
            continue
        name = tensor.name
        small, scale = f"{name}/{weights}", f"{name}/scale"
        if weights == "int8" and values.ndim == 2:
            steps = np.maximum(np.abs(values).max(axis=0), np.finfo(np.float32).tiny) / 127
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.rint(values / steps).astype(np.int8), small))
            scales.append(onnx.numpy_helper.from_array(steps.astype(np.float32), scale))
            nodes.append(onnx.helper.make_node("DequantizeLinear", [small, scale], [name], axis=1))
        else:
            tensor.CopyFrom(onnx.numpy_helper.from_array(half, small))
            nodes.append(onnx.helper.make_node("Cast", [small], [name], to=onnx.TensorProto.FLOAT))
    graph.initializer.extend(scales)
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)
