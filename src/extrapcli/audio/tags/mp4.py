"""Tags of MP4 files: atoms from a file, what they say, and back."""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import mutagen.mp4
from mutagen.mp4 import AtomDataType, MP4Cover

from extrapcli.audio.song import Picture
from extrapcli.audio.tags import mapping
from extrapcli.audio.tags.pictures import picture
from extrapcli.audio.tags.stale import MP4_ATOMS, is_stale
from extrapcli.audio.tags.text import UTF16_MARKS, decode

FREEFORM = "----:com.apple.iTunes:"
IMAGES = {"image/jpeg": MP4Cover.FORMAT_JPEG, "image/png": MP4Cover.FORMAT_PNG}
_SEEN = {
    "\xa9con": "conductor", "\xa9prd": "producer", "\xa9arg": "arranger", "\xa9pub": "label", "\xa9isr": "isrc",
    "\xa9des": "description", "\xa9url": "website",
}  # fmt: skip
"""Atoms that are read and, from another kind of tags, never written: few programs know them."""

_NAMES = _SEEN | {known.mp4: name for name, known in mapping.KNOWN.items() if known.mp4}
_BOOLEANS = {"cpil", "pgap", "pcst"}
_INTEGERS = {"tmpo", "shwm", "stik", "rtng", "hdvd", "tvsn", "tves"}
_PAIRS = {"trkn", "disk"}
_MOVEMENT, _MOVEMENTS = "\xa9mvi", "\xa9mvc"
_TEXT_TYPES = (AtomDataType.IMPLICIT, AtomDataType.UTF8, AtomDataType.UTF16, AtomDataType.SJIS)
_TEXTS = set(_NAMES) - _BOOLEANS - _INTEGERS - _PAIRS - {_MOVEMENT}

Item = tuple[str, Any]
"""An atom's key in mutagen, and its value."""


def items(tags: Any) -> Iterator[Item]:
    """Yield the atoms that are true of a longer track, without pictures."""
    for key, value in tags.items():
        if key != "covr" and key not in MP4_ATOMS and not is_stale(_name(key)):
            yield key, value
    for key, contents in getattr(tags, "_failed_atoms", {}).items():  # also text that declares not to be UTF-8
        if key in _TEXTS and key not in tags and (values := [text for raw in contents for text in _texts(raw)]):
            yield key, values


def pictures(tags: Any) -> Iterator[Picture]:
    """Yield the covers."""
    for cover in tags.get("covr", []):
        yield picture(bytes(cover), "image/png" if cover.imageformat == MP4Cover.FORMAT_PNG else "image/jpeg")


def pairs(item: Item) -> list[tuple[str, str]]:
    """Return name and value of each tag that an atom holds, none where it is no text."""
    key, value = item
    name = mapping.canonical(_name(key))
    if key in _PAIRS:
        return [(name, f"{n}/{of}" if of else str(n)) for n, of in value if n or of]
    if key in _BOOLEANS:
        return [(name, "1")] if value else []
    if key == _MOVEMENTS:
        return [("movementtotal", str(n)) for n in value]
    if key.startswith("----"):
        texts = (_freeform_text(one) for one in value)
        return [(name, text) for text in texts if text is not None]
    return [(name, str(one)) for one in value] if key in _NAMES else []


def says_nothing(item: Any) -> bool:
    """Return whether an atom is a flag that is not set, or numbers that are all zero, as iTunes leaves them."""
    return isinstance(item, tuple) and item[1] in (False, [0], [(0, 0)])


def from_text(text: dict[str, list[str]]) -> Iterator[Item]:
    """Yield atoms with these tags."""
    for name, values in text.items():
        known = mapping.known(name)
        pair = mapping.split_total(name, values[0])
        if known.mp4 in _PAIRS and pair:
            yield known.mp4, [pair]
        elif known.mp4 == _MOVEMENT and pair:
            yield _MOVEMENT, [pair[0]]
            yield from [(_MOVEMENTS, [pair[1]])] if pair[1] else []
        elif known.mp4 in _BOOLEANS:
            yield known.mp4, values[0].strip().lower() in ("1", "true", "yes")
        elif known.mp4 in _INTEGERS and (number := _integer(values[0])) is not None:
            yield known.mp4, [number]
        elif known.mp4 in _TEXTS:
            yield known.mp4, values
        else:
            key = FREEFORM + known.long_name.encode().decode("latin-1")  # mutagen writes keys as ISO 8859-1
            yield key, [value.encode() for value in values]


def add(tags: Any, items: Iterable[Item], pictures: list[Picture]) -> list[str]:
    """Set atoms and covers, front covers first; return the names of atoms that can't be written."""
    lost = []
    for key, value in items:
        try:
            tags[key] = value
        except (mutagen.mp4.error, ValueError, TypeError, struct.error):
            lost.append(_name(key))
    covers = sorted(pictures, key=lambda one: one.kind != 3)
    if covers:
        tags["covr"] = [MP4Cover(one.data, IMAGES[one.mime]) for one in covers]
    return lost


def _name(key: str) -> str:
    """Return the name of a freeform atom, decoded, or the table's name of another."""
    if key.startswith("----"):
        return decode(key.split(":", 2)[-1].encode("latin-1"))
    return _NAMES.get(key, key)


def _freeform_text(value: Any) -> str | None:
    raw, kind = bytes(value), getattr(value, "dataformat", AtomDataType.UTF8)
    if kind not in _TEXT_TYPES:
        return None
    text = _text(raw, kind)
    return text if kind != AtomDataType.IMPLICIT or text.isprintable() else None


def _text(raw: bytes, kind: int) -> str:
    match kind:
        case AtomDataType.UTF16:
            return raw.decode("utf-16" if raw.startswith(UTF16_MARKS) else "utf-16-be", "replace")
        case AtomDataType.SJIS:
            return raw.decode("cp932", "replace")
    return decode(raw)


def _texts(content: bytes) -> Iterator[str]:
    """Yield the text of each `data` atom inside an atom, in the encoding that it declares."""
    while len(content) >= 16:
        size, name, kind = struct.unpack_from(">I4sI", content)
        if name != b"data" or not 16 <= size <= len(content):
            return
        if kind & 0xFFFFFF in _TEXT_TYPES:
            yield _text(content[16:size], kind & 0xFFFFFF)
        content = content[size:]


def _integer(value: str) -> int | None:
    try:
        return round(float(value))
    except (ValueError, OverflowError):
        return 1 if value.strip().lower() in ("true", "yes") else None
