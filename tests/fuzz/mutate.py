"""Mutations: make a damaged or hostile file from a good one. The same random generator makes the same file.

Each takes the bytes of a file, those of another of its kind, and a generator. `mutate_bytes` fits any format; the
others know the structure of a format and so get past its lengths and checksums.
"""

import io
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from random import Random

from extrapcli.audio import ogg

Mutation = Callable[[bytes, bytes, Random], bytes]

NUMBER_SIZES = (1, 2, 4, 8)
NUMBERS = [0, 1, 2, 3, 7, 8, 16, 255, 256, 1000, 4096, 65535, 65536, 10**6, 10**9, 10**12]
NUMBERS += [2**bits - less for bits in (7, 15, 16, 24, 31, 32, 48, 63, 64) for less in (0, 1, 2)]
TEXTS = [b"-1", b"1e999", b"nan", b"null", b"[]", b"{}", b'""', b"'", b"\0", b"/", b"../", b"\xff", b"[" * 5000]
TEXTS += [b"9" * 400, b"9" * 5000, b"0", b"1/0", b"0/1", "é♭".encode(), b"\r\n", b"%s", b"\t", b"true", b"."]
TAGS = rb"RIFF|RF64|FORM|WAVE|fmt |data|LIST|INFO|ds64|COMM|SSND|moov|trak|mdia|minf|stbl|stsd|stts|stsc|stsz|stco"
TAGS += rb"|mvhd|mdhd|edts|elst|mdat|udta|meta|ilst|OggS|OpusHead|OpusTags|vorbis|fLaC|Xing|Info|VBRI|ID3|APIC|TIT2"
TAGS += rb"|caff|desc|pakt|kuki|MThd|MTrk|AIFF|mp4a|esds|alac|PEAK|fact|bext"


def mutate_bytes(data: bytes, other: bytes, rng: Random) -> bytes:
    """Change bits, bytes, numbers and ranges, one to eight times, more often near the beginning."""
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        position = int(len(data) * rng.random() ** rng.choice((1, 3)))
        end = position + int(rng.random() ** 4 * (len(data) - position)) + 1
        match rng.randrange(9):
            case 0:
                data = overwrite(data, position, bytes([(*data, 0)[position] ^ 1 << rng.randrange(8)]))
            case 1:
                data = overwrite(data, position, rng.randbytes(rng.choice((1, 1, 2, 4, 16))))
            case 2:
                data = overwrite(data, position, _random_number(rng))
            case 3:
                data = data[:position]
            case 4:
                data = data[:position] + data[end:]
            case 5:
                data = data[:end] + data[position:end] * rng.choice((1, 1, 3, 20)) + data[end:]
            case 6:
                data = data[:position] + other[int(len(other) * rng.random()) :]
            case 7:
                start = int(len(other) * rng.random())
                data = data[:position] + other[start : start + end - position] + data[end:]
            case 8:
                data = _overwrite_length(data, rng)
    return data


def mutate_text(data: bytes, other: bytes, rng: Random) -> bytes:
    """Change numbers and words, insert and delete lines, or do what `mutate_bytes` does."""
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
                data = mutate_bytes(data, other, rng)
    return data


def mutate_zip(data: bytes, other: bytes, rng: Random, *, inside: Mutation) -> bytes:
    """Mutate a member of an archive with `inside`, rename or delete it, or mutate the archive's bytes."""
    if rng.random() < 0.1:
        return mutate_bytes(data, other, rng)
    members, others = _zip_members(data), _zip_members(other) if other[:2] == b"PK" else {}
    name = rng.choice(list(members))
    match rng.randrange(12):
        case 0:
            members[rng.choice(("../x", "/x", "assets/x", name + "/", "é", name.upper()))] = members.pop(name)
        case 1:
            del members[name]
        case _:
            members[name] = inside(members[name], others.get(name, data), rng)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)  # without the time
    return file.getvalue()


def mutate_protobuf(data: bytes, other: bytes, rng: Random) -> bytes:
    """Change, repeat, delete or renumber a field at any depth of a message, and correct all lengths."""
    if rng.random() < 0.1:
        return mutate_bytes(data, other, rng)
    fields = list(_read_fields(data))
    if not fields:
        return mutate_text(data, other, rng)
    position = rng.randrange(len(fields))
    number, kind, value = fields[position]
    match rng.randrange(12):
        case 0:
            fields.insert(rng.randrange(len(fields)), (number, kind, value))
        case 1:
            del fields[position]
        case 2:
            fields[position] = (rng.randrange(1, 30), kind, value)
        case _ if isinstance(value, int):
            fields[position] = (number, kind, rng.choice((*NUMBERS, value + 1, value ^ 1)) % 2**64)
        case _ if list(_read_fields(value)) and rng.random() < 0.9:
            fields[position] = (number, kind, mutate_protobuf(value, other, rng))
        case _:
            fields[position] = (number, kind, mutate_text(value, other, rng))
    return b"".join(_encode_field(*field) for field in fields)


def overwrite(data: bytes, position: int, new: bytes) -> bytes:
    """Replace the bytes at a position."""
    return data[:position] + new + data[position + len(new) :]


def _random_number(rng: Random) -> bytes:
    size = rng.choice(NUMBER_SIZES)
    return (rng.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big")))


def _overwrite_length(data: bytes, rng: Random) -> bytes:
    """Overwrite a number next to the name of a chunk, where most formats store its length."""
    found = list(re.finditer(TAGS, data))
    if not found:
        return data
    tag, number = rng.choice(found), _random_number(rng)
    position = rng.choice((tag.end(), tag.end() + rng.randrange(24), max(0, tag.start() - 4)))
    return overwrite(data, position, number)


def with_checksums(data: bytes) -> bytes:
    """Correct the checksums of Ogg pages."""
    pages = re.split(rb"(?=OggS)", data)
    for number, page in enumerate(pages):
        if len(page) >= 27:
            length = 27 + page[26] + sum(page[27 : 27 + page[26]])
            total = ogg.checksum(page[:22] + bytes(4) + page[26:length])
            pages[number] = overwrite(page, 22, struct.pack("<I", total))
    return b"".join(pages)


def _zip_members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[position] & 127) << shift
        position, shift = position + 1, shift + 7
        if not data[position - 1] & 128:
            return value, position


def _read_fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield number, wire type and value of each field of a message, nothing if the bytes aren't a message."""
    found, position = [], 0
    try:
        while position < len(data):
            key, position = _read_varint(data, position)
            number, kind = key >> 3, key & 7
            value: int | bytes
            if kind == 0:
                value, position = _read_varint(data, position)
            else:
                length, position = _read_varint(data, position) if kind == 2 else ({1: 8, 5: 4}[kind], position)
                value, position = data[position : position + length], position + length
            if not number or position > len(data):
                return
            found.append((number, kind, value))
    except (IndexError, KeyError):
        return
    yield from found


def _encode_field(number: int, kind: int, value: int | bytes) -> bytes:
    key = _encode_varint(number << 3 | kind)
    if isinstance(value, int):
        return key + _encode_varint(value)
    return key + (_encode_varint(len(value)) if kind == 2 else b"") + value


def _encode_varint(value: int) -> bytes:
    low = value & 127
    return bytes([low]) if value < 128 else bytes([low | 128]) + _encode_varint(value >> 7)
