"""A run to a model folder: `model.onnx`, `model.keras` and `card.json`, measured before they are kept.

The two files hold the same weights, in float16 unless asked otherwise; both backends compute in float32.
"""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from extrapcli.backends import open_model
from extrapcli.errors import UnusableModel, UsageError
from extrapcli.models import Card, sha256, write_card
from extrapcli.spec import METADATA_KEY, ModelSpec
from extrapcli.training.fit import Report
from extrapcli.training.recipe import Recipe
from extrapcli.training.release import PointerRelease, SampleRelease

OPSET = 17
FACTS_KEY = f"{METADATA_KEY}.training"
MAX_AGREEMENT_ERROR = 1e-4  # largest difference between the two files, relative to the largest output
LARGE = 4096  # tensors with fewer entries, a Fourier transform among them, stay in float32


def export_run(run: Path, corpus: Path, out: Path, *, half: bool, report: Report) -> list[Path]:
    """Write the model of a run's best weights to `out`, and return the paths of its files.

    Raises UsageError where `run` is no run, UnusableModel where ONNX Runtime and TensorFlow disagree by
    more than 1e-4 on validation clips or float16 costs more than 1 % of the validation loss.
    """
    try:
        recipe = Recipe.model_validate_json((run / "recipe.json").read_text())
        facts: dict[str, Any] = json.loads((run / "facts.json").read_text())
        trained = keras.saving.load_model(run / "best.keras", compile=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"{run}: not a finished run of extrap train: {error}") from None
    release = PointerRelease(recipe) if recipe.network == "recall" else SampleRelease(recipe)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_keras(release.model(trained), folder / "model.keras", spec=release.spec, facts=facts, half=half)
        stored = keras.saving.load_model(folder / "model.keras", compile=False)
        write_onnx(stored, folder / "model.onnx", spec=release.spec, facts=facts, half=half)
        backends = {name: open_model(folder, backend=name, device="cpu") for name in ("onnx", "tensorflow")}
        figures, disagreement = release.measure(backends["onnx"], backends["tensorflow"], corpus, facts, report)
        report(f"{figures}, largest relative difference {disagreement:.1e}")
        if disagreement > MAX_AGREEMENT_ERROR:
            raise UnusableModel(f"{run}: ONNX Runtime and TensorFlow differ by {disagreement:.1e}; not exported")
        figures |= {"onnx_tensorflow_difference": float(f"{disagreement:.1e}"), **facts}
        out.mkdir(parents=True, exist_ok=True)
        names = ["model.onnx", "model.keras"]
        for name in names:
            shutil.move(folder / name, out / name)
    write_card(
        out,
        Card(
            name=recipe.network,
            summary=release.summary,
            licence="CC BY-SA 4.0 (weights)",
            data=f"{facts['training_songs']} openly licensed songs, training/corpus/tracks.tsv "
            f"(splits {', '.join(recipe.data.train)})",
            made_by=f"extrap train corpus --recipe {recipe.network} && extrap export runs/{recipe.network}"
            f" --corpus corpus -o models/{recipe.network}",
            figures=figures,
            files={name: sha256(out / name) for name in names},
        ),
    )
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
                    new.writestr(member, old.read(member))
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


def write_onnx(model: keras.Model, path: Path, *, spec: ModelSpec, facts: dict[str, Any], half: bool) -> None:
    """Export a model with its spec in the file's metadata; `half` stores large weights as float16.

    Every variable is read once: a shared stack that is read anew by each unit would be frozen into the
    graph as often, which takes tens of gigabytes.
    """
    names = list(spec.output_shapes)

    def predict(context: tf.Tensor) -> list[tf.Tensor]:
        once = [(v, tf.convert_to_tensor(v.value)) for v in model.variables]
        with keras.StatelessScope(state_mapping=once):
            outputs = model(context, training=False)
        return [outputs[name] for name in names] if isinstance(outputs, dict) else [outputs]

    signature = [tf.TensorSpec((None, *spec.context_shape), tf.float32, name="context")]
    graph, _ = tf2onnx.convert.from_function(tf.function(predict), input_signature=signature, opset=OPSET)
    _name_outputs(graph.graph, names)
    if half:
        _halve_initializers(graph.graph)
    onnx.helper.set_model_props(graph, {METADATA_KEY: spec.to_json(), FACTS_KEY: json.dumps(facts)})
    onnx.save(graph, path)


def _name_outputs(graph: onnx.GraphProto, names: list[str]) -> None:
    for output, name in zip(graph.output, names, strict=True):
        graph.node.append(onnx.helper.make_node("Identity", [output.name], [name]))
        output.name = name


def _halve_initializers(graph: onnx.GraphProto) -> None:
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= LARGE:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}/half"))
            casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
