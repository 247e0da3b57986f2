"""Vorbis comments, in FLAC, Ogg and Opus: comments from a file, what they say, and back."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from extrapcli.audio.song import Picture
from extrapcli.audio.tags import mapping
from extrapcli.audio.tags.pictures import from_comment, from_flac

PICTURE = "METADATA_BLOCK_PICTURE"
MAX_BYTES = 2**24 - 2**16  # of comments: a block of FLAC, less some room
_PICTURES = (PICTURE.lower(), "coverart", "coverartmime", "coverartdescription", "coverarttype")
_CHAPTER = re.compile(r"chapter\d+", re.IGNORECASE)

Item = tuple[str, str]
"""A comment's name, in its own case, and its value."""


def items(comments: Any) -> Iterator[Item]:
    """Yield the comments that are no pictures."""
    for name, value in comments:
        if name.lower() not in _PICTURES:
            yield name, value


def chapters(comments: Any) -> int:
    """Count the chapters."""
    return len([name for name, _ in comments if _CHAPTER.fullmatch(name)])


def pictures(file: Any) -> Iterator[Picture]:
    """Yield the pictures, in blocks of FLAC and in comments."""
    yield from map(from_flac, getattr(file, "pictures", []))
    for name, value in file.tags or []:
        if name.lower() in _PICTURES[:2]:
            yield from from_comment(value)


def pairs(item: Item) -> list[tuple[str, str]]:
    """Return name and value of the tag that a comment holds."""
    return [(mapping.canonical(item[0]), item[1])]


def from_text(text: dict[str, list[str]]) -> Iterator[Item]:
    """Yield comments with these tags. Known names are in capitals, as is usual; a total is a comment of its own."""
    totals = {name: total for total, name in mapping.TOTALS.items()}
    for name, values in text.items():
        head, colon, description = name.partition(":")
        known = name in mapping.KNOWN or head in mapping.DESCRIBED
        spelt = head.upper() + colon + description if known else name
        if not _is_valid(spelt) and head in mapping.DESCRIBED:
            spelt = head.upper()
        pair = mapping.split_total(name, values[0])
        if pair and pair[1]:
            yield from ((spelt, str(pair[0])), (totals[name].upper(), str(pair[1])))
        else:
            yield from ((spelt, value) for value in values)


def add(comments: Any, items: Iterable[Item]) -> list[str]:
    """Append comments, the longest left out where all are too long; return the names of those left out."""
    good: list[Item] = []
    lost: list[Item] = []
    for name, value in items:
        (good if _is_valid(name) else lost).append((name, value))
    excess = sum(map(_size, good)) - MAX_BYTES
    for longest in sorted(good, key=lambda item: len(item[1]), reverse=True):
        if excess <= 0:
            break
        good.remove(longest)
        lost.append(longest)
        excess -= _size(longest)
    comments.extend(good)
    return [name for name, _ in lost]


def _size(item: Item) -> int:
    """Return the bytes that a comment takes: its name and value, `=` and a length."""
    return len(item[0]) + len(item[1].encode()) + 5


def _is_valid(name: str) -> bool:
    return bool(name) and all(" " <= c <= "}" and c != "=" for c in name)
