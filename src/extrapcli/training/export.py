"""From a run to a model folder: `model.onnx`, `model.keras` and `card.json`, measured before they are kept.

Both files hold the same weights, in float16 unless asked otherwise; both backends compute in float32.
"""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from extrapcli.atomic import make_folder, temporary_folder
from extrapcli.backends import open_model
from extrapcli.errors import CannotWrite, UnusableModel, UsageError
from extrapcli.models import CARD, Card, sha256, write_card
from extrapcli.spec import METADATA_KEY, AudioSpec, ModelSpec, Shape
from extrapcli.training.progress import Progress
from extrapcli.training.run import RunFolder

if TYPE_CHECKING:
    import keras
    import onnx

OPSET = 17
FACTS_KEY = f"{METADATA_KEY}.training"
Weights = Literal["float32", "float16", "int8"]
MAX_DIFFERENCE = {"float32": 1e-4, "float16": 1e-4, "int8": 2e-2}  # between backends, relative to the largest output
LARGE = 4096  # tensors with fewer entries stay in float32


def export_run(
    run: Path,
    corpus: Path | None,
    out: Path | None,
    *,
    weights: Weights,
    licence: str,
    overwrite: bool = False,
    progress: Progress,
) -> list[Path]:
    """Export the best weights of a run to a model folder, and return the paths of its files, the card last.

    The model is measured on `corpus`, by default that of the run; `out` is by default a folder in the run, with the
    recipe's name. Raises UsageError where `run` has no weights yet or is damaged, CannotWrite where `out` can't be
    written, holds a model that must not be overwritten or anything else, and UnusableModel where the weights are
    damaged, where ONNX Runtime and Keras differ by more than 1e-4 (2e-2 with int8), or where smaller weights cost too
    much.
    """
    folder = RunFolder(run)
    recipe, facts = folder.recipe, folder.facts
    for key, kind in (("recipe", str), ("corpus", str), ("corpus_sha256", str), ("training_songs", int)):
        if not isinstance(facts.get(key), kind):
            raise UsageError(f"{run / 'facts.json'}: is damaged: {key} is missing or wrong; copy the run again")
    if not folder.best.exists():
        raise UsageError(f"{run}: has no weights yet; they are saved after its first epoch")
    corpus, out = corpus or Path(facts["corpus"]), out or run / Path(facts["recipe"]).stem
    _check_model_folder(out, overwrite)
    measured_on = recipe.open_corpus(corpus, progress)
    if not facts["finished"]:
        progress.say(f"{run}: not finished; these are its best weights so far")
    spec = recipe.spec(out.absolute().name)
    import keras

    try:
        released = recipe.released(folder.best)
    except Exception:  # Keras and HDF5 raise whatever the damaged part raises
        raise UnusableModel(
            f"{folder.best}: is damaged, or not of the recipe in {run / 'recipe.json'}; train again, or copy it again"
        ) from None
    is_new = not out.exists()
    make_folder(out)
    try:
        with temporary_folder(out) as made:
            progress.say(f"{out}: writing the ONNX and the Keras file")
            write_keras(released, made / "model.keras", spec=spec, facts=facts, half=weights != "float32")
            stored = keras.saving.load_model(made / "model.keras", compile=False)
            graph = recipe.onnx_graph(stored, OPSET)
            write_onnx(stored, made / "model.onnx", spec=spec, facts=facts, weights=weights, graph=graph)
            in_onnx, in_keras = (open_model(made, backend=name, device="cpu") for name in ("onnx", "tensorflow"))
            progress.say(f"{out}: measuring both on {corpus}")
            figures, difference = recipe.measure(released, in_onnx, in_keras, measured_on, progress)
            told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
            progress.say(f"{told}; the two differ by {difference:.1e} of the largest output")
            if not difference <= MAX_DIFFERENCE[weights]:
                raise UnusableModel(
                    f"{run}: ONNX Runtime and Keras differ by {difference:.1e} of the largest output, more than the "
                    f"{MAX_DIFFERENCE[weights]:.0e} allowed for {weights}; not exported",
                    hint="weights" if weights == "int8" else None,
                )
            figures |= {"onnx_keras_difference": float(f"{difference:.1e}"), "onnx_opset": OPSET}
            figures |= {"onnx_weights": weights}
            figures |= {name: value for name, value in facts.items() if type(value) in (int, float)}
            names = ["model.onnx", "model.keras"]
            card = Card(
                name=spec.name,
                title=recipe.filled(recipe.title),
                research=recipe.research,
                continues=isinstance(spec, AudioSpec),
                summary=recipe.filled(recipe.summary),
                licence=licence,
                data=f"{recipe.data_summary(facts['training_songs'], facts['corpus'])}, "
                f"SHA-256 of all {facts['corpus_sha256'][:16]}",
                made_by=f"extrap train {facts['corpus']} --recipe {facts['recipe']} --run {run} && "
                f'extrap export {run} --corpus {corpus} -o {out} --weights {weights} --licence "{licence}"',
                figures=figures,
                files={name: sha256(made / name) for name in names},
            )
            write_card(made, card)
            (out / CARD).unlink(missing_ok=True)  # so that it never stands beside other files than its own
            return [(made / name).replace(out / name) for name in (*names, CARD)]
    except OSError as error:
        raise CannotWrite(f"{out}: cannot be written: {error.strerror or 'is the disk full?'}") from None
    finally:
        if is_new:
            with suppress(OSError):  # which holds the model, unless that failed
                out.rmdir()


def _check_model_folder(out: Path, overwrite: bool) -> None:
    """Raise CannotWrite where a model must not be written to a folder: nothing in it is replaced unasked."""
    if not out.exists():
        return
    if not out.is_dir():
        raise CannotWrite(f"{out}: is a file; name a folder for the model")
    found = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    if found - {"model.onnx", "model.keras", CARD} and CARD not in found:
        raise CannotWrite(f"{out}: holds other things than a model; name a new folder for it")
    if found and not overwrite:
        raise CannotWrite(f"{out}: holds a model already", hint="overwrite")


def write_keras(model: keras.Model, path: Path, *, spec: ModelSpec, facts: dict[str, Any], half: bool) -> None:
    """Save a model, with its spec as a member of the archive; `half` stores large weights as float16."""
    with temporary_folder() as folder:
        whole = folder / "whole.keras"
        model.save(whole)
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
            for member in old.namelist():
                if half and member.endswith(".weights.h5"):
                    old.extract(member, folder)
                    new.write(_halve_hdf5(folder / member), member)
                else:
                    new.writestr(member, old.read(member), zipfile.ZIP_DEFLATED)
            new.writestr(f"{METADATA_KEY}.json", spec.to_json())
            new.writestr(f"{FACTS_KEY}.json", json.dumps(facts))


def _halve_hdf5(path: Path) -> Path:
    import h5py

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
    """Export a model, with its spec in the file's metadata; large weights are stored as `weights`.

    tf2onnx makes the graph unless one is given.
    """
    import onnx

    graph = graph or _converted(model, spec)
    if weights != "float32":
        _shrink_initializers(graph.graph, weights)
    onnx.helper.set_model_props(graph, {METADATA_KEY: spec.to_json(), FACTS_KEY: json.dumps(facts)})
    onnx.save(graph, path)


def _converted(model: keras.Model, spec: ModelSpec) -> onnx.ModelProto:
    """Convert a model with tf2onnx.

    Every variable is read once. Otherwise a stack that several units share would be frozen into the graph once for
    each of them, which takes tens of gigabytes.
    """
    import keras
    import tensorflow as tf
    import tf2onnx

    names, shapes = list(spec.input_shapes), spec.output_shapes

    def predict(*inputs: tf.Tensor) -> list[tf.Tensor]:
        once = [(v, tf.convert_to_tensor(v.value)) for v in model.variables]
        with keras.StatelessScope(state_mapping=once):
            outputs = model(inputs[0] if len(inputs) == 1 else dict(zip(names, inputs, strict=True)), training=False)
        return [outputs[name] for name in shapes] if isinstance(outputs, dict) else [outputs]

    signature = [tf.TensorSpec((None, *shape), tf.float32, name=name) for name, shape in spec.input_shapes.items()]
    graph: onnx.ModelProto
    graph, _ = tf2onnx.convert.from_function(tf.function(predict), input_signature=signature, opset=OPSET)
    _declare_outputs(graph.graph, shapes)
    return graph


def _declare_outputs(graph: onnx.GraphProto, shapes: dict[str, Shape]) -> None:
    import onnx

    for output, (name, shape) in zip(graph.output, shapes.items(), strict=True):
        graph.node.append(onnx.helper.make_node("Identity", [output.name], [name]))
        output.CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (None, *shape)))


def _shrink_initializers(graph: onnx.GraphProto, weights: Weights) -> None:
    """Store large weights in a smaller type, each with a node that converts it back to float32.

    Weights have been rounded to float16, which distinguishes them from constants such as a Fourier transform. In
    int8, each column of a matrix has a scale, by which its largest magnitude becomes 127.
    """
    import onnx

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
