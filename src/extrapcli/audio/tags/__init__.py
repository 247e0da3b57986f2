"""Read and write tags and cover pictures.

A track with the same kind of tags as its song (ID3, MP4, Vorbis comments) gets the song's own frames, atoms or
comments, but for those that describe the old sound. Any other gets what is text, by the table in `mapping`.
docs/tags.md says what is kept.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import mutagen
import mutagen.apev2
import mutagen.asf
import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.mp4
import mutagen.oggopus
import mutagen.oggvorbis
import mutagen.wave

from extrapcli.audio.mpeg import looks_like_mpeg
from extrapcli.audio.song import Native, Picture, Tags
from extrapcli.audio.tag_sizes import V1_BYTES
from extrapcli.audio.tags import id3, mapping, mp4, others, riff, vorbis
from extrapcli.audio.tags.pictures import fit, to_comment, to_flac
from extrapcli.audio.tags.stale import is_stale
from extrapcli.audio.tags.text import values

Kind = Literal["id3", "mp4", "vorbis", "riff"]
Pair = tuple[str, str]


class _Format(NamedTuple):
    """Where a format keeps its tags, and how large a picture, or all of them together, may be."""

    kind: Kind
    open: Callable[[Path], Any]
    max_picture_bytes: int
    max_pictures_bytes: int = 2**31
    mimes: tuple[str, ...] = ()


class _Part(NamedTuple):
    """What was found of one kind of tags in a file: items if it is a kind that extrap writes, else pairs."""

    pictures: Iterable[Picture] = ()
    kind: Kind | None = None
    items: Iterable[Any] = ()
    pairs: Iterable[Pair] = ()
    chapters: int = 0


_PAIRS: dict[str, Callable[[Any], list[Pair]]] = {
    "id3": id3.pairs,
    "mp4": mp4.pairs,
    "vorbis": vorbis.pairs,
    "riff": lambda item: [item],
}
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
_MAX_FFMPEG_TAGS = 5000  # it compares each with all others


def read_tags(source: BinaryIO) -> Tags:
    """Read the tags of a song that are true of a longer track. Damaged ones are left out, with a note."""
    tags, parts, damaged, chapters = Tags(), 0, False, 0
    for read in (_read_mpeg, _read_ape, _read_id3v1) if looks_like_mpeg(source) else (_read_other, _read_info):
        source.seek(0)
        try:
            for part in read(source):
                tags = _merge(tags, part)
                parts, chapters = parts + 1, max(chapters, part.chapters)
        except Exception:  # damaged tags raise all kinds of errors, and shouldn't stop the song
            damaged = True
    try:
        is_readable = len(tags.text) < _MAX_FFMPEG_TAGS
        if is_readable and (metadata := others.read_with_ffmpeg(source)) is not None:
            _add_metadata(tags, metadata, complete=parts > 0)
            chapters = max(chapters, metadata.chapters)
    except Exception:
        damaged = True
    if damaged and not (tags.text or tags.pictures):
        tags.notes.append("its tags are damaged and were left out")
    if chapters:
        tags.notes.append(f"chapters were left out ({chapters}): they divide the song, not the track")
    return tags


def _read_mpeg(source: BinaryIO) -> Iterator[_Part]:
    """Read the ID3 tags at the beginning, or the one at the end. A FLAC behind them has tags of its own."""
    tags: list[Any] = []
    end = 0
    while True:
        source.seek(end)
        try:
            tags.append(mutagen.id3.ID3(source, load_v1=False))
        except mutagen.id3.error as error:
            if tags or isinstance(error, mutagen.id3.ID3NoHeaderError):
                break
            raise
        end += tags[-1].size
    source.seek(end)
    if source.read(4) == b"fLaC":
        source.seek(0)
        yield from _comments(mutagen.flac.FLAC(source))
    yield from map(_frames, tags)


def _read_info(source: BinaryIO) -> Iterator[_Part]:
    if info := riff.read_info(source):
        yield _Part(kind="riff", items=info)


def _read_ape(source: BinaryIO) -> Iterator[_Part]:
    try:
        tag = mutagen.apev2.APEv2(source)
    except mutagen.apev2.APENoHeaderError:
        return
    yield _Part(others.ape_pictures(tag), pairs=others.ape_pairs(tag))


def _read_id3v1(source: BinaryIO) -> Iterator[_Part]:
    """Read the tag at the end that cuts titles off after 30 letters, and so is the last to be asked."""
    source.seek(max(0, source.seek(0, os.SEEK_END) - V1_BYTES))
    tag = mutagen.id3.ID3()
    for frame in (mutagen.id3.ParseID3v1(source.read()) or {}).values():
        tag.add(frame)
    yield _frames(tag)


def _read_other(source: BinaryIO) -> Iterator[_Part]:
    if source.read(4) == b"RIFF" and source.read(8)[4:] != b"WAVE":
        return  # mutagen would take an AVI for a WAV
    source.seek(0)
    file = mutagen.File(source)
    match file.tags if file is not None else None:
        case None:
            return
        case mutagen.id3.ID3() as tag:
            yield _frames(tag)
        case mutagen.mp4.MP4Tags() as tag:
            yield _Part(mp4.pictures(tag), "mp4", mp4.items(tag))
        case mutagen.asf.ASFTags() as tag:
            yield _Part(others.asf_pictures(tag), pairs=others.asf_pairs(tag))
        case mutagen.apev2.APEv2() as tag:
            yield _Part(others.ape_pictures(tag), pairs=others.ape_pairs(tag))
        case _:
            yield from _comments(file)


def _frames(tag: Any) -> _Part:
    return _Part(id3.pictures(tag), "id3", id3.frames(tag), chapters=id3.chapters(tag))


def _comments(file: Any) -> Iterator[_Part]:
    comments = list(file.tags or [])
    yield _Part(vorbis.pictures(file), "vorbis", vorbis.items(comments), chapters=vorbis.chapters(comments))


def _merge(tags: Tags, part: _Part) -> Tags:
    """Add what a part has and the parts before it have not."""
    pairs, native = list(part.pairs), tags.native
    if part.kind:
        own = _PAIRS[part.kind]
        items = [item for item in part.items if not any(is_stale(name, value) for name, value in own(item))]
        pairs = [pair for item in items for pair in own(item)]
        native = {part.kind: Native(items, _text(pairs))} | native
    present = {name.lower() for name in tags.text}
    added = {name: found for name, found in _text(pairs).items() if name.lower() not in present}
    return Tags(tags.text | added, tags.pictures or list(part.pictures), native, tags.notes)


def _add_metadata(tags: Tags, metadata: others.Metadata, *, complete: bool) -> None:
    """Add what FFmpeg read: all of it or, if the tags are `complete`, text that mutagen took for UTF-8 in vain."""
    odd = {mapping.canonical(name) for name in metadata.odd}
    for name, found in _text(metadata.pairs).items():
        unreadable = any("\ufffd" in value for value in tags.text.get(name, []))
        if (name not in tags.text and not complete) or (name in odd and (unreadable or name not in tags.text)):
            tags.text[name] = found
    if not complete:
        tags.pictures.extend([] if tags.pictures else metadata.pictures)


def _text(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    text: dict[str, list[str]] = {}
    for name, value in pairs:
        for key in values(name)[:1]:
            kept = text.setdefault(mapping.canonical(key), [])
            kept.extend(one for one in values(value) if one not in kept and not is_stale(key, one))
    mapping.join_totals(text)
    return {name: found for name, found in text.items() if found}


def write_tags(path: Path, format: str, tags: Tags) -> list[str]:
    """Write tags into a finished file of the given format, and say what is not in it, each in a sentence.

    What the format can't hold, or mutagen can't write, is left out. Raises OSError where the file system fails.
    """
    notes = list(tags.notes)
    if not (tags.text or tags.pictures or tags.native):
        return notes
    target, size, room = _FORMATS[format], path.stat().st_size, _FORMATS[format].max_pictures_bytes
    if format == "wav":
        room = min(room, _MAX_WAV_BYTES - size)
        with path.open("rb") as file:
            if file.read(4) == b"RF64" or room < 0:
                return [*notes, "its tags were left out: a WAV of more than 4 GB holds none"]
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
                notes.append(f"tags were left out for which {format} has no place: {names}")
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
    file.save()
    if format == "wav" and "riff" in tags.native:
        riff.append_info(path, text)
    return lost


def _items(native: dict[str, Native], text: dict[str, list[str]], kind: Kind) -> tuple[list[Any], list[str]]:
    """Return the song's own items with new ones for text that has changed, and the names of items with no place.

    Where the song has only other kinds of tags, all items are new.
    """
    if kind not in native:
        lost = [_item_name(item) for other, tags in native.items() for item in tags.items if not _PAIRS[other](item)]
        return list(_FROM_TEXT[kind](text)), lost
    own, pairs = native[kind], _PAIRS[kind]
    changed = {name for name in text | own.text if text.get(name) != own.text.get(name)}
    kept = [item for item in own.items if not any(mapping.TOTALS.get(n, n) in changed for n, _ in pairs(item))]
    return [*kept, *_FROM_TEXT[kind]({name: found for name, found in text.items() if name in changed})], []


def _item_name(item: Any) -> str:
    return str(item[0]) if isinstance(item, tuple) else id3.frame_id(item)
