"""Read and write tags and cover pictures.

A track with the same kind of tags as its song (ID3, MP4, Vorbis comments) gets the song's own frames, atoms or
comments, but for those that describe the old sound. Any other gets what is text, by the table in `mapping`.
docs/tags.md says what is kept.
"""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.mp4
import mutagen.oggopus
import mutagen.oggvorbis
import mutagen.wave

from extrapcli.audio.song import Native, Picture, Tags
from extrapcli.audio.tags import id3, mapping, mp4, riff, vorbis
from extrapcli.audio.tags.pictures import fit, to_comment, to_flac
from extrapcli.audio.tags.reading import PAIRS, Kind, read_tags
from extrapcli.audio.tags.text import values

__all__ = ["read_tags", "write_tags"]


class _Format(NamedTuple):
    """Where a format keeps its tags, and how large a picture, or all of them together, may be."""

    kind: Kind
    open: Callable[[Path], Any]
    max_picture_bytes: int
    max_pictures_bytes: int = 2**31
    mimes: tuple[str, ...] = ()


_FROM_TEXT: dict[str, Callable[[dict[str, list[str]]], Iterator[Any]]] = {
    "id3": id3.from_text,
    "mp4": mp4.from_text,
    "vorbis": vorbis.from_text,
}
_ID3_BYTES, _FLAC_BYTES = 2**28 - 2**20, 2**24 - 2**12  # of an ID3 tag, and of a block; less some room for text
_FORMATS = {
    "mp3": _Format("id3", mutagen.mp3.MP3, _ID3_BYTES, _ID3_BYTES),
    "wav": _Format("id3", mutagen.wave.WAVE, _ID3_BYTES, _ID3_BYTES),
    "m4a": _Format("mp4", mutagen.mp4.MP4, 2**30, mimes=tuple(mp4.IMAGES)),
    "flac": _Format("vorbis", mutagen.flac.FLAC, _FLAC_BYTES),
    "ogg": _Format("vorbis", mutagen.oggvorbis.OggVorbis, _FLAC_BYTES),
    "opus": _Format("vorbis", mutagen.oggopus.OggOpus, _FLAC_BYTES),
}
_MAX_WAV_BYTES = 2**32 - 2**12
PADDING_BYTES = 1024  # which other programs can write into without moving the sound, however long it is


def write_tags(path: Path, format: str, tags: Tags, *, more_bytes: int = 0) -> list[str]:
    """Write tags into a finished file of the given format, and say what is not in it, each in a sentence.

    What the format can't hold, or mutagen can't write, is left out. `more_bytes` will be added to the file. Raises
    OSError where the file system fails.
    """
    notes = list(tags.notes)
    if not (tags.text or tags.pictures or tags.native):
        return notes
    target, size, room = _FORMATS[format], path.stat().st_size, _FORMATS[format].max_pictures_bytes
    if format == "wav":
        room = min(room, _MAX_WAV_BYTES - size - more_bytes)
        with path.open("rb") as file:
            if file.read(4) == b"RF64" or room < 0:
                return [*notes, "its tags were left out: a WAV of more than 4 GB can't hold any"]
    largest = min(target.max_picture_bytes, room // max(1, len(tags.pictures)))
    pictures, changes = fit(tags.pictures, format, max_bytes=largest, mimes=target.mimes)
    notes += changes
    for shown in [pictures, []] if pictures else [[]]:
        try:
            lost = _write(path, format, tags, shown)
        except OSError:
            raise
        except Exception as error:  # whatever mutagen has for tags that it can't write
            if error.args and isinstance(error.args[0], OSError):
                raise error.args[0] from None
            if path.stat().st_size != size:
                raise OSError(errno.EIO, f"its tags cannot be written ({error})") from None
            notes.append(f"its {'pictures' if shown else 'tags'} were left out, as they cannot be written ({error})")
        else:
            if lost:
                names = ", ".join(sorted(set(lost)))
                notes.append(f"tags that {format} has no place for were left out: {names}")
            break
    return notes


def _write(path: Path, format: str, tags: Tags, pictures: list[Picture]) -> list[str]:
    """Write everything, and return the names of what has no place."""
    kind = _FORMATS[format].kind
    file = _FORMATS[format].open(path)
    if file.tags is None:
        file.add_tags()
    text = {name: [one for value in found for one in values(value)] for name, found in tags.text.items() if name}
    text = {values(name)[0]: found for name, found in text.items() if found}
    items, lost = _items(tags.native, text, kind)
    match format:
        case "mp3" | "wav":
            lost += id3.add(file.tags, items, pictures)
        case "m4a":
            lost += mp4.add(file.tags, items, pictures)
        case "flac":
            lost += vorbis.add(file.tags, items)
            for picture in pictures:
                file.add_picture(to_flac(picture))
        case "ogg" | "opus":
            lost += vorbis.add(file.tags, items)
            file.tags.extend((vorbis.PICTURE, to_comment(picture)) for picture in pictures)
    file.save(padding=lambda info: PADDING_BYTES)
    if format == "wav" and "riff" in tags.native:
        riff.append_info(path, text)
    return lost


def _items(native: dict[str, Native], text: dict[str, list[str]], kind: Kind) -> tuple[list[Any], list[str]]:
    """Return the song's own items with new ones for text that has changed, and the names of items with no place.

    Where the song has only other kinds of tags, all items are new.
    """
    if kind not in native:
        items = [item for other, tags in native.items() for item in tags.items if not PAIRS[other](item)]
        return list(_FROM_TEXT[kind](text)), [_item_name(item) for item in items if not mp4.says_nothing(item)]
    own, pairs = native[kind], PAIRS[kind]
    changed = {name for name in text | own.text if text.get(name) != own.text.get(name)}
    kept = [item for item in own.items if not any(mapping.TOTALS.get(n, n) in changed for n, _ in pairs(item))]
    return [*kept, *_FROM_TEXT[kind]({name: found for name, found in text.items() if name in changed})], []


def _item_name(item: Any) -> str:
    return str(item[0]) if isinstance(item, tuple) else id3.frame_id(item)
