"""The target that copies tags: from files with every kind of tags into tracks of all formats."""

import shutil
from pathlib import Path
from random import Random

import mutagen.apev2
import mutagen.id3
import numpy as np
from mutagen.id3 import BitPaddedInt

from extrapcli.audio.decode import decode
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.song import Picture, Tags
from extrapcli.audio.tags import read_tags, write_tags
from tests.audio.tags.silent import make_track, sample
from tests.audio.test_decode import with_ffmpeg
from tests.fuzz.fuzz import Target
from tests.fuzz.mutate import NUMBERS, TEXTS, mutate_bytes, with_checksums

TAGS = Tags(
    {"title": ["A song"], "artist": ["One", "Two"], "tracknumber": ["3/12"], "comment": ["é"], "mood": ["odd"]}
    | {"rating": ["80"], "compilation": ["1"], "performer": ["Ann (piano)"], "movement": ["1/2"], "comment:a": ["b"]}
    | {"url:a": ["http://b"], "bpm": ["120"], "LOOPSTART": ["1"], "Own": ["x"], "lyrics": ["la"]},
    [Picture(b"\x89PNG" + bytes(60), "image/png", 3, "cover")],
)
CONTAINERS = [("asf", "wmav2"), ("matroska", "aac"), ("aiff", "pcm_s16be"), ("caf", "pcm_s16le"), ("avi", "mp2")]


def tag_seeds(folder: Path) -> None:
    for format in FORMATS:
        path = make_track(folder / f"song.{format}", format)
        write_tags(path, format, TAGS)
    for version, encoding in ((3, 1), (4, 3), (4, 2)):
        tag = mutagen.id3.ID3()
        for frame in map(sample, mutagen.id3.Frames):
            if hasattr(frame, "encoding"):
                frame.encoding = encoding
            tag.add(frame)
        tag.save(make_track(folder / f"frames{version}{encoding}.mp3", "mp3"), v2_version=version)
    v1 = b"TAG" + bytes(range(64, 189))
    path = make_track(folder / "old.mp3", "mp3")
    path.write_bytes(path.read_bytes() + v1)
    ape = mutagen.apev2.APEv2()
    ape["Title"], ape["Own"], ape["Cover Art (Front)"] = ["text", "more"], "text", b"a.png\0\x89PNG"
    ape.save(make_track(folder / "ape.mp3", "mp3"))
    for container, codec in CONTAINERS:
        with_ffmpeg(folder / f"{container}.bin", container, codec)


def copy_tags(path: Path) -> None:
    """Write a file's tags into a track of every format, whose sound must stay as it was."""
    with path.open("rb") as file:
        tags = read_tags(file)
    tags.text["title"] = [f"{title} (continued)" for title in tags.text.get("title", [])]
    for format in FORMATS:
        empty, track = path.with_name(f"empty.{format}"), path.with_name(f"track.{format}")
        if not empty.exists():
            make_track(empty, format)
        shutil.copyfile(empty, track)
        write_tags(track, format, tags)
        np.testing.assert_array_equal(decode(track).samples, decode(empty).samples)


def mutate_tags(data: bytes, other: bytes, rng: Random) -> bytes:
    """Repeat, delete, rename or damage frames of an ID3 tag, and mostly correct its size; or change any bytes."""
    frames, sound = _id3_frames(data)
    if not frames or rng.random() < 0.3:
        data = mutate_bytes(data, other, rng)
        return with_checksums(data) if data[:4] == b"OggS" else data
    for _ in range(rng.choice((1, 1, 2, 4))):
        position = rng.randrange(len(frames))
        name, size, flags, content = frames[position]
        match rng.randrange(10):
            case 0:
                frames.insert(rng.randrange(len(frames)), frames[position])
            case 1:
                name = rng.choice(
                    (rng.choice(frames)[0], b"APIC", b"COMM", b"TIT2", b"TXXX", b"\xa9ab\0", b"XSOP", b"TDRC")
                )
            case 2:
                size = (rng.choice(NUMBERS) % 2**32).to_bytes(4, "big")
            case 3:
                flags = rng.choice((b"\0\x01", b"\0\x02", b"\0\x08", b"\0\x0c", b"\0\x80", b"\x80\xe0"))
            case 4:
                content = bytes([rng.randrange(6)]) + content[1:]
            case 5:
                content = content[: rng.randrange(len(content) + 1)]
            case 6:
                content += rng.choice((b"\0", b"\0\0", b"\xff\xfe", b"\xfe\xff\0")) + rng.randbytes(
                    rng.choice((1, 9, 5000))
                )
            case 7:
                content = (
                    content[:1] + rng.choice((b"JPG\0", b"image/\0", b"-->\0", b"\0", b"image/gif\0")) + content[1:]
                )
            case 8:
                content = content[:1] + rng.choice(TEXTS) + content[1:]
            case 9:
                content = mutate_bytes(content or b"\0", other, rng)
        if size == frames[position][1]:
            size = BitPaddedInt.to_str(len(content), width=4)
        frames[position] = (name, size, flags, content)
    tag = b"".join(b"".join(frame) for frame in frames)
    return data[:6] + BitPaddedInt.to_str(len(tag), width=4) + tag + sound


def _id3_frames(data: bytes) -> tuple[list[tuple[bytes, bytes, bytes, bytes]], bytes]:
    """Return name, size, flags and content of each frame, and what follows the tag."""
    frames: list[tuple[bytes, bytes, bytes, bytes]] = []
    if data[:3] != b"ID3" or len(data) < 10:
        return frames, data
    end = 10 + BitPaddedInt(data[6:10])
    position = 10
    while position + 10 <= end and data[position]:
        size = int(BitPaddedInt(data[position + 4 : position + 8]))
        header, content = data[position : position + 10], data[position + 10 : position + 10 + size]
        frames.append((header[:4], header[4:8], header[8:], content))
        position += 10 + size
    return frames, data[end:]


TAG_COPY = Target("tags", tag_seeds, mutate_tags, copy_tags, ())
