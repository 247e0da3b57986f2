"""Read the tags of a song, wherever in the file they lie."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Literal, NamedTuple

import mutagen
import mutagen.apev2
import mutagen.asf
import mutagen.flac
import mutagen.id3
import mutagen.mp4

from extrapcli.audio.containers import chunks
from extrapcli.audio.mpeg import looks_like_mpeg
from extrapcli.audio.song import Native, Picture, Tags
from extrapcli.audio.streams import section
from extrapcli.audio.tag_sizes import V1_BYTES, trailing_tags
from extrapcli.audio.tags import id3, mapping, mp4, others, riff, vorbis
from extrapcli.audio.tags.stale import is_stale
from extrapcli.audio.tags.text import values

Kind = Literal["id3", "mp4", "vorbis", "riff"]
Pair = tuple[str, str]


class _Part(NamedTuple):
    """What was found of one kind of tags in a file: items if it is a kind that extrap writes, else pairs."""

    pictures: Iterable[Picture] = ()
    kind: Kind | None = None
    items: Iterable[Any] = ()
    pairs: Iterable[Pair] = ()
    chapters: int = 0


PAIRS: dict[str, Callable[[Any], list[Pair]]] = {
    "id3": id3.pairs,
    "mp4": mp4.pairs,
    "vorbis": vorbis.pairs,
    "riff": lambda item: [item],
}
"""What an item of each kind of tags says, as pairs of name and value."""

_WITH_ID3_CHUNKS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
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
        tags.notes.append(f"chapters were left out ({chapters}): they belong to the song's own timeline")
    return tags


def _read_mpeg(source: BinaryIO) -> Iterator[_Part]:
    """Read the ID3 tags at the beginning and at the end. A FLAC behind them has tags of its own."""
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
    for start in trailing_tags(source):
        source.seek(start)
        if source.read(3) == b"ID3":
            tags.append(mutagen.id3.ID3(section(source, start, source.seek(0, os.SEEK_END)), load_v1=False))
    yield from map(_frames, tags)


def _read_info(source: BinaryIO) -> Iterator[_Part]:
    if info := riff.read_info(source):
        yield _Part(kind="riff", items=info)
    if bext := riff.read_bext(source):
        yield _Part(pairs=bext)


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
    if source.read(4) in _WITH_ID3_CHUNKS:  # of which mutagen knows fewer kinds
        for name, start, size in chunks(source):
            if name.upper() == b"ID3 " and size:
                yield _frames(mutagen.id3.ID3(section(source, start, start + size), load_v1=False))
        return
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
        own = PAIRS[part.kind]
        items = [item for item in part.items if not any(is_stale(name, value) for name, value in own(item))]
        pairs = [pair for item in items for pair in own(item)]
        native = {part.kind: Native(items, _text(pairs))} | native
    present = {name.lower() for name in tags.text}
    added = {name: found for name, found in _text(pairs).items() if name.lower() not in present}
    return Tags(tags.text | added, tags.pictures or [one for one in part.pictures if one.data], native, tags.notes)


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
