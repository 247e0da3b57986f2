"""The allow-list for `.keras` files, checked before Keras opens them: layers, operations and weights, nothing else.

Keras builds whatever `config.json` names. Its safe mode forbids what is known to be dangerous, and has been bypassed
several times (CVE-2025-1550, CVE-2025-8747, CVE-2025-9906, CVE-2025-12058, CVE-2026-1669).
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py

from extrapcli.errors import UnusableModel

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MODULES = ("keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints", "keras.models")
OPERATIONS = "keras.src.ops."
CLASSES = {
    ("keras", "DTypePolicy"), ("keras", "Functional"), ("keras", "Model"), ("keras", "Sequential"),
    ("keras.src.models.functional", "Functional"), ("keras.src.models.sequential", "Sequential"),
}  # fmt: skip
"""Classes allowed in addition to those of MODULES and OPERATIONS."""
VALUES = {"__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}
REFUSED = {
    "function", "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer",  # code, or files of code
    "StringLookup", "IntegerLookup", "TextVectorization",  # files of words
    "CustomGradient", "Map", "Scan", "AssociativeScan", "WhileLoop", "ForiLoop", "VectorizedMap", "Cond", "Switch",
}  # fmt: skip
"""Layers and operations that contain functions, or read files named in a config."""
MOST_EXPANSION, SMALL_BYTES = 20, 10**7
"""Weights hardly compress; a large member that does is a decompression bomb."""


def check_keras_file(path: Path, members: set[str]) -> None:
    """Raise UnusableModel where a file holds anything but `members`, a configuration and weights, or is unsafe.

    For a damaged file, zipfile, json and h5py raise their own errors.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename not in members | {CONFIG, WEIGHTS}:
                raise UnusableModel(f"{path}: holds {member.filename!r}, which no model needs; export it again")
            if member.file_size > max(SMALL_BYTES, MOST_EXPANSION * member.compress_size):
                raise UnusableModel(f"{path}: unpacks to far more than it is; it is no model that extrap made")
        if CONFIG not in archive.namelist() or WEIGHTS not in archive.namelist():
            raise UnusableModel(f"{path}: lacks {CONFIG} or {WEIGHTS}; export it again")
        if fault := _fault_of_config(archive.read(CONFIG)):
            raise UnusableModel(f"{path}: names {fault}, which extrap does not load; use layers of Keras alone")
        with h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as weights:
            if fault := _fault_of_weights(weights, set()):
                raise UnusableModel(f"{path}: its weights {fault}; export it again")


def _fault_of_config(text: bytes) -> str | None:
    """Return the first object in a configuration that is not allowed."""
    faults = []

    def look(found: dict[str, Any]) -> dict[str, Any]:
        if "class_name" in found and not _allowed(found):
            faults.append(".".join(str(found.get(key)) for key in ("module", "class_name"))[:100])
        return found

    json.loads(text, object_hook=look)
    return faults[0] if faults else None


def _allowed(found: dict[str, Any]) -> bool:
    name, module, registered = (str(found.get(key)) for key in ("class_name", "module", "registered_name"))
    if name in REFUSED:
        return False
    if module.startswith("extrapcli.networks."):
        return registered == f"extrapcli>{name}"  # Keras finds what is registered under this name, or nothing
    of_keras = module in MODULES or module.startswith(OPERATIONS) or (module, name) in CLASSES
    return name in VALUES or (of_keras and registered in ("None", name))


def _fault_of_weights(group: h5py.Group, seen: set[int]) -> str | None:
    """Return what in a group points outside its file, declares more than the file holds, or has two names."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            return f"hold a link, {name!r}"
        item = group[name]
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            return f"are linked twice, {name!r}"
        seen.add(address)
        if isinstance(item, h5py.Group):
            if fault := _fault_of_weights(item, seen):
                return fault
        elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
            return f"lie in another file, {name!r}"
        elif item.nbytes > item.id.get_storage_size():
            return f"declare more than they hold, {name!r}"
    return None
