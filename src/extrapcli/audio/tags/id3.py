"""ID3 tags, in MP3, WAV and AIFF: frames from a file, what they say, and back."""

import io
import re
import struct
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import mutagen.id3

from extrapcli.audio.song import Picture
from extrapcli.audio.tags import mapping
from extrapcli.audio.tags.pictures import picture
from extrapcli.audio.tags.stale import ID3_FRAMES, is_stale
from extrapcli.audio.tags.text import repair, repair_utf16

LATIN1, UTF16, UTF16_BE, UTF8 = range(4)
V1_COMMENT = "ID3v1 Comment"  # mutagen's description of an ID3v1 tag's comment, which is cut off after 30 bytes
DEFAULT_LANGUAGE = "eng"
POPM_BY_STARS = (0, 1, 64, 128, 196, 255)  # as Windows writes ratings
STARS_BY_POPM = (1, 32, 96, 160, 224)  # the least of a rating for 1 to 5 stars, as Windows reads them
_MUSICBRAINZ = "http://musicbrainz.org"  # owner of the UFID frame that has the identifier of a recording
_FRAMES = {known.id3: name for name, known in mapping.KNOWN.items()} | {"GRP1": "grouping"}
_ROLES = {frame.removeprefix("TIPL:").lower(): name for frame, name in _FRAMES.items() if frame.startswith("TIPL:")}
_UTF16_MARKS = ("\xff\xfe", "\xfe\xff")  # byte order marks, as ISO 8859-1 has them
_WITH_ROLE = re.compile(r"(.*?) \(((?:[^()]|\([^()]*\))*)\)", re.DOTALL)
_SORT_FRAMES: dict[str, Any] = {"XSOP": mutagen.id3.TSOP, "XSOA": mutagen.id3.TSOA, "XSOT": mutagen.id3.TSOT}
"""Frames of ID3v2.3 that mutagen doesn't know, and what they are in ID3v2.4."""

_DATES = {"TDRC", "TDOR", "TDRL", "TDTG"}  # which hold nothing but dates as ISO 8601 has them
_WITH_LANGUAGE = re.compile(r"([a-z]{3}):(.*)", re.DOTALL)


def frames(tag: Any) -> Iterator[Any]:
    """Yield the frames of a tag that are true of a longer track, without pictures, their text repaired.

    Frames that mutagen doesn't know are bytes, with their header.
    """
    has_comment = "TXXX:comment" in tag or any(not frame.desc for frame in tag.getall("COMM"))
    for frame in tag.values():
        if frame.FrameID in ID3_FRAMES or frame.FrameID == "APIC":
            continue
        _repair(frame)
        name: str = getattr(frame, "desc", "") or getattr(frame, "owner", "")
        if not is_stale(name) and not (name == V1_COMMENT and has_comment):
            yield frame
    for raw in tag.unknown_frames:
        name = raw[:4].decode("latin-1")
        is_whole = len(raw) > 10 and name.isalnum() and raw[8:10] == b"\0\0"  # and neither encrypted nor compressed
        if is_whole and name not in ID3_FRAMES:
            yield _SORT_FRAMES[name](encoding=UTF8, text=_decoded(raw[10:])) if name in _SORT_FRAMES else raw


def frame_id(frame: Any) -> str:
    """Return the four letters that name a frame."""
    return frame[:4].decode() if isinstance(frame, bytes) else str(frame.FrameID)


def chapters(tag: Any) -> int:
    """Count the chapters."""
    return len(tag.getall("CHAP"))


def pictures(tag: Any) -> Iterator[Picture]:
    """Yield the pictures."""
    for frame in tag.getall("APIC"):
        _repair(frame)
        yield picture(frame.data, frame.mime, int(frame.type), frame.desc)


def pairs(frame: Any) -> list[tuple[str, str]]:
    """Return name and value of each tag that a frame holds, none where it is no text."""
    kind = frame_id(frame)
    match kind:
        case "TXXX":
            return [(mapping.canonical(frame.desc), str(text)) for text in frame.text] if frame.desc else []
        case "COMM" | "USLT":
            name = "comment" if kind == "COMM" else "lyrics"
            if frame.desc and frame.desc != V1_COMMENT:
                ours = frame.lang == DEFAULT_LANGUAGE and not _WITH_LANGUAGE.match(frame.desc)
                name += f":{frame.desc}" if ours else f":{frame.lang.lower()}:{frame.desc}"
            return [(name, str(text)) for text in (frame.text if kind == "COMM" else [frame.text])]
        case "TIPL" | "IPLS":
            people = [(_ROLES.get(role.lower(), ""), role, name) for role, name in frame.people]
            return [(known, name) if known else ("performer", f"{name} ({role})") for known, role, name in people]
        case "TMCL":
            return [("performer", f"{name} ({role})" if role else name) for role, name in frame.people]
        case "UFID":
            return [("musicbrainz_trackid", frame.data.decode("latin-1"))] if frame.owner == _MUSICBRAINZ else []
        case "POPM":
            stars = sum(frame.rating >= least for least in STARS_BY_POPM)
            return [("rating", str(20 * stars))] if stars else []
        case "PCST":
            return [("podcast", "1")]
        case "TCON":
            return [("genre", genre) for genre in frame.genres]  # which may be numbers in the frame
        case "WXXX":
            return [(f"url:{frame.desc}" if frame.desc else "url", frame.url)]
        case "USER":
            return [("termsofuse", frame.text)]
    name = _FRAMES.get(kind, "")
    if not name:
        return []
    return [(name, frame.url)] if kind.startswith("W") else [(name, str(text)) for text in frame.text]


def from_text(text: dict[str, list[str]]) -> Iterator[Any]:
    """Yield frames with these tags, in UTF-8."""
    people: dict[str, list[list[str]]] = {}
    for name, values in text.items():
        kind, _, detail = mapping.known(name).id3.partition(":")
        head, _, description = name.partition(":")
        if kind == "TXXX" and head in mapping.DESCRIBED:
            kind = mapping.KNOWN[head].id3
        cls = getattr(mutagen.id3, kind)
        match kind:
            case "TXXX":
                yield cls(encoding=UTF8, desc=detail, text=values)
            case "COMM" | "USLT":
                marked = _WITH_LANGUAGE.fullmatch(description)
                language, description = marked.groups() if marked else (DEFAULT_LANGUAGE, description)
                content = values if kind == "COMM" else "\n".join(values)
                yield cls(encoding=UTF8, lang=language, desc=description, text=content)
            case "TIPL":
                people.setdefault(kind, []).extend([detail, value] for value in values)
            case "TMCL":
                people.setdefault(kind, []).extend(_role_and_name(value) for value in values)
            case "UFID":
                yield cls(owner=detail, data=values[0].encode("latin-1", "replace"))
            case "POPM":
                if stars := _stars(values[0]):
                    yield cls(email="", rating=POPM_BY_STARS[stars])
                else:
                    yield mutagen.id3.TXXX(encoding=UTF8, desc=name.upper(), text=values)
            case "PCST":
                yield cls(value=1)
            case "USER":
                yield cls(encoding=UTF8, lang=DEFAULT_LANGUAGE, text="\n".join(values))
            case "WXXX":
                yield cls(encoding=UTF8, desc=description, url=_url(values[0]))
            case _ if kind.startswith("W"):
                yield from (cls(url=_url(value)) for value in values)
            case _:
                dates = [value for value in values if kind not in _DATES or str(mutagen.id3.ID3TimeStamp(value))]
                others = [value for value in values if value not in dates]
                yield from [cls(encoding=UTF8, text=dates)] if dates else []
                yield from [mutagen.id3.TXXX(encoding=UTF8, desc=name.upper(), text=others)] if others else []
    for kind, pairs in people.items():
        yield getattr(mutagen.id3, kind)(encoding=UTF8, people=pairs)


def add(tag: Any, frames: Iterable[Any], pictures: Iterable[Picture]) -> list[str]:
    """Add frames and pictures to a tag; return the names of frames that can't be written."""
    lost = []
    for frame in frames:
        if isinstance(frame, bytes):
            size = mutagen.id3.BitPaddedInt.to_str(len(frame) - 10, width=4)
            tag.unknown_frames.append(frame[:4] + size + frame[8:])
            continue
        try:
            trial = mutagen.id3.ID3()
            trial.add(frame)
            trial.save(io.BytesIO())
            tag.add(frame)
        except (mutagen.MutagenError, ValueError, TypeError, struct.error):
            lost.append(frame.FrameID)
    for one in pictures:
        description = one.description
        while f"APIC:{description}" in tag:  # ID3 tells pictures apart by their descriptions
            description += " "
        tag.add(mutagen.id3.APIC(UTF8, one.mime, one.kind, description, one.data))
    return lost


def _decoded(content: bytes) -> list[str]:
    """Return the values in the content of a text frame."""
    encoding = ("latin-1", "utf-16", "utf-16-be", "utf-8")[content[0] & 3]
    return [value for value in content[1:].decode(encoding, "replace").split("\0") if value]


def _repair(frame: Any) -> None:
    """Decode the text of a frame again where its declared encoding is plainly not that of its bytes."""
    encoding = getattr(frame, "encoding", None)
    if encoding not in (LATIN1, UTF16, UTF16_BE):
        return
    right = repair if encoding == LATIN1 else repair_utf16
    fields = {name: getattr(frame, name) for name in ("desc", "text", "people") if hasattr(frame, name)}
    repaired = {name: _each(value, right) for name, value in fields.items()}
    text = fields.get("text")
    if encoding == LATIN1 and isinstance(text, list) and str([*text, ""][0]).startswith(_UTF16_MARKS):
        repaired["text"] = [repair("\0".join(text))]  # every second byte was taken for a separator
    if repaired != fields:
        frame.encoding = UTF8
        for name, value in repaired.items():
            setattr(frame, name, value)


def _each(value: Any, right: Any) -> Any:
    if isinstance(value, list):
        return [_each(one, right) for one in value]
    return right(value) if isinstance(value, str) else value


def _role_and_name(performer: str) -> list[str]:
    """Take apart `Name (instrument)`."""
    found = _WITH_ROLE.fullmatch(performer)
    return [found[2], found[1]] if found else ["", performer]


def _stars(rating: str) -> int:
    """Return the stars, 0 to 5, of a rating: a share of 1 as `0.8`, 1 to 5, a percentage, or 0 to 255."""
    try:
        number = float(rating)
    except ValueError:
        return 0
    full = 1 if 0 < number < 1 else 5 if number <= 5 else 100 if number <= 100 else 255
    return min(5, max(0, round(number / full * 5))) if number == number else 0


def _url(address: str) -> str:
    """Return an address with what ISO 8859-1 lacks percent-encoded."""
    return "".join(c if c <= "\xff" else quote(c) for c in address)
