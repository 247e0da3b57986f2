"""Mutations: a damaged or hostile file out of a good one, the same for the same generator.

Each takes a file, another of its kind, and a generator. Those of bytes fit everything; the others know the shape of
a format, and so reach what lies behind its lengths and checksums.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from random import Random

Mutation = Callable[[bytes, bytes, Random], bytes]

SIZES = (1, 2, 4, 8)
NUMBERS = [0, 1, 2, 3, 7, 8, 16, 255, 256, 1000, 4096, 65535, 65536, 10**6, 10**9, 10**12]
NUMBERS += [2**bits - less for bits in (7, 15, 16, 24, 31, 32, 48, 63, 64) for less in (0, 1, 2)]
TEXTS = [b"-1", b"1e999", b"nan", b"null", b"[]", b"{}", b'""', b"'", b"\0", b"/", b"../", b"\xff", b"[" * 5000]
TEXTS += [b"9" * 400, b"9" * 5000, b"0", b"1/0", b"0/1", "é♭".encode(), b"\r\n", b"%s", b"\t", b"true", b"."]
TAGS = rb"RIFF|RF64|FORM|WAVE|fmt |data|LIST|INFO|ds64|COMM|SSND|moov|trak|mdia|minf|stbl|stsd|stts|stsc|stsz|stco"
TAGS += rb"|mvhd|mdhd|edts|elst|mdat|udta|meta|ilst|OggS|OpusHead|OpusTags|vorbis|fLaC|Xing|Info|VBRI|ID3|APIC|TIT2"
TAGS += rb"|caff|desc|pakt|kuki|MThd|MTrk|AIFF|mp4a|esds|alac|PEAK|fact|bext"


def of_bytes(data: bytes, other: bytes, rng: Random) -> bytes:
    """One to eight changes of bits, bytes, numbers and stretches; beginnings are changed oftener."""
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        place = int(len(data) * rng.random() ** rng.choice((1, 3)))
        end = place + int(rng.random() ** 4 * (len(data) - place)) + 1
        match rng.randrange(9):
            case 0:
                data = _changed(data, place, bytes([(*data, 0)[place] ^ 1 << rng.randrange(8)]))
            case 1:
                data = _changed(data, place, rng.randbytes(rng.choice((1, 1, 2, 4, 16))))
            case 2:
                data = _changed(data, place, _number(rng))
            case 3:
                data = data[:place]
            case 4:
                data = data[:place] + data[end:]
            case 5:
                data = data[:end] + data[place:end] * rng.choice((1, 1, 3, 20)) + data[end:]
            case 6:
                data = data[:place] + other[int(len(other) * rng.random()) :]
            case 7:
                start = int(len(other) * rng.random())
                data = data[:place] + other[start : start + end - place] + data[end:]
            case 8:
                data = _tagged(data, rng)
    return data


def of_text(data: bytes, other: bytes, rng: Random) -> bytes:
    """Numbers and words in a text changed, lines moved, or what `of_bytes` does."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        words = list(re.finditer(rb"-?\d+|\w+|[^\w\s]", data))
        lines = data.splitlines(keepends=True)
        match rng.randrange(5):
            case 0 if words:
                word = rng.choice(words)
                new = rng.choice((*TEXTS, str(rng.choice(NUMBERS)).encode(), rng.choice(words)[0]))
                data = data[: word.start()] + new + data[word.end() :]
            case 1 if lines:
                lines.insert(rng.randrange(len(lines)), rng.choice((*lines, *other.splitlines(keepends=True))))
                data = b"".join(lines)
            case 2 if lines:
                del lines[rng.randrange(len(lines))]
                data = b"".join(lines)
            case _:
                data = of_bytes(data, other, rng)
    return data


def of_audio(data: bytes, other: bytes, rng: Random) -> bytes:
    """As `of_bytes`, and pages of Ogg are given the checksums that they ought to have."""
    data = of_bytes(data, other, rng)
    return _sealed(data) if data[:4] == b"OggS" and rng.random() < 0.8 else data


def of_zip(data: bytes, other: bytes, rng: Random, *, inside: Mutation) -> bytes:
    """A member of an archive changed by `inside`, renamed or left out, or the archive itself as bytes."""
    if rng.random() < 0.1:
        return of_bytes(data, other, rng)
    members, others = _members(data), _members(other) if other[:2] == b"PK" else {}
    name = rng.choice(list(members))
    match rng.randrange(12):
        case 0:
            members[rng.choice(("../x", "/x", "assets/x", name + "/", "é", name.upper()))] = members.pop(name)
        case 1:
            del members[name]
        case _:
            members[name] = inside(members[name], others.get(name, data), rng)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return file.getvalue()


def of_protobuf(data: bytes, other: bytes, rng: Random) -> bytes:
    """A field somewhere within a message changed, repeated, left out or put elsewhere, all lengths made right."""
    if rng.random() < 0.1:
        return of_bytes(data, other, rng)
    fields = list(_fields(data))
    if not fields:
        return of_text(data, other, rng)
    place = rng.randrange(len(fields))
    number, kind, value = fields[place]
    match rng.randrange(12):
        case 0:
            fields.insert(rng.randrange(len(fields)), (number, kind, value))
        case 1:
            del fields[place]
        case 2:
            fields[place] = (rng.randrange(1, 30), kind, value)
        case _ if isinstance(value, int):
            fields[place] = (number, kind, rng.choice((*NUMBERS, value + 1, value ^ 1)) % 2**64)
        case _ if list(_fields(value)) and rng.random() < 0.9:
            fields[place] = (number, kind, of_protobuf(value, other, rng))
        case _:
            fields[place] = (number, kind, of_text(value, other, rng))
    return b"".join(_field(*field) for field in fields)


def _changed(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def _number(rng: Random) -> bytes:
    size = rng.choice(SIZES)
    return (rng.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big")))


def _tagged(data: bytes, rng: Random) -> bytes:
    """Another number just behind the name of a chunk, where most formats have its length, or just before it."""
    found = list(re.finditer(TAGS, data))
    if not found:
        return data
    tag, number = rng.choice(found), _number(rng)
    place = rng.choice((tag.end(), tag.end() + rng.randrange(24), max(0, tag.start() - 4)))
    return _changed(data, place, number)


def _sealed(data: bytes) -> bytes:
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    pages = re.split(rb"(?=OggS)", data)
    for place, page in enumerate(pages):
        if len(page) >= 27:
            length = 27 + page[26] + sum(page[27 : 27 + page[26]])
            bare = page[:22] + bytes(4) + page[26:length]
            total = 0xFFFFFFFF ^ zlib.crc32(bare.translate(reverse), 0xFFFFFFFF)
            pages[place] = _changed(page, 22, struct.pack("<I", int(f"{total:032b}"[::-1], 2)))
    return b"".join(pages)


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if not data[place - 1] & 128:
            return value, place


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Number, kind and value of each field of a message; nothing where it can't be one."""
    found, place = [], 0
    try:
        while place < len(data):
            key, place = _varint(data, place)
            number, kind = key >> 3, key & 7
            value: int | bytes
            if kind == 0:
                value, place = _varint(data, place)
            else:
                length, place = _varint(data, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
                value, place = data[place : place + length], place + length
            if not number or place > len(data):
                return
            found.append((number, kind, value))
    except (IndexError, KeyError):
        return
    yield from found


def _field(number: int, kind: int, value: int | bytes) -> bytes:
    key = _packed(number << 3 | kind)
    if isinstance(value, int):
        return key + _packed(value)
    return key + (_packed(len(value)) if kind == 2 else b"") + value


def _packed(value: int) -> bytes:
    low = value & 127
    return bytes([low]) if value < 128 else bytes([low | 128]) + _packed(value >> 7)
