"""Read and write tags and cover pictures. Whatever the file format, tags go by their Vorbis comment names."""

import base64
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

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
from extrapcli.audio.song import Picture, Tags
from extrapcli.audio.streams import open_with_sndfile

_DROPPED_PREFIXES = ("replaygain", "r128", "encoder", "encoded", "encodersettings", "length", "cuesheet", "itunsmpb",
                     "itunnorm", "acoustid", "mp3gain", "minimum", "maximum", "isvbr", "wm/encoding",
                     "waveformatextensible")  # fmt: skip
"""Tags that describe the song's own length, loudness, encoder or speakers, which a longer track doesn't share."""

_PICTURE = "metadata_block_picture"
_MAX_PICTURE_TYPE = 20  # in ID3 and FLAC
_ID3_FRAMES = {
    "title": "TIT2", "artist": "TPE1", "album": "TALB", "albumartist": "TPE2", "tracknumber": "TRCK",
    "discnumber": "TPOS", "genre": "TCON", "date": "TDRC", "composer": "TCOM", "copyright": "TCOP",
    "bpm": "TBPM", "isrc": "TSRC", "grouping": "TIT1", "lyricist": "TEXT", "conductor": "TPE3",
    "organization": "TPUB", "language": "TLAN", "key": "TKEY", "subtitle": "TIT3", "originaldate": "TDOR",
}  # fmt: skip
_MP4_ATOMS = {
    "title": "\xa9nam", "artist": "\xa9ART", "album": "\xa9alb", "albumartist": "aART", "genre": "\xa9gen",
    "date": "\xa9day", "composer": "\xa9wrt", "comment": "\xa9cmt", "copyright": "cprt", "grouping": "\xa9grp",
    "lyrics": "\xa9lyr",
}  # fmt: skip
_MP4_PAIRS = {"tracknumber": "trkn", "discnumber": "disk"}
_MP4_FREEFORM = "----:com.apple.iTunes:"
_ASF_NAMES = {
    "title": "Title", "artist": "Author", "album": "WM/AlbumTitle", "albumartist": "WM/AlbumArtist",
    "tracknumber": "WM/TrackNumber", "genre": "WM/Genre", "date": "WM/Year", "composer": "WM/Composer",
    "comment": "Description", "copyright": "Copyright",
}  # fmt: skip
_SNDFILE_TAGS = ("title", "artist", "album", "date", "genre", "tracknumber", "comment", "copyright")
_MP4_IMAGES = {"image/jpeg": mutagen.mp4.MP4Cover.FORMAT_JPEG, "image/png": mutagen.mp4.MP4Cover.FORMAT_PNG}


def read_tags(source: BinaryIO) -> Tags:
    """Read the tags of a song, without damaged ones and those that wouldn't be true of a longer track."""
    source.seek(0)
    pairs, pictures = [], []
    try:
        file = mutagen.File(source)
        if file is not None and file.tags is not None:
            pairs, pictures = _read_text(file.tags), list(_read_pictures(file))
    except Exception:  # damaged tags raise all kinds of errors, and shouldn't stop the song
        pass
    tags = Tags(pictures=pictures)
    for name, value in pairs or _read_with_sndfile(source):
        if value and not name.lower().startswith(_DROPPED_PREFIXES):
            tags.text.setdefault(name.lower(), []).append(value)
    return tags


def _read_text(tags: Any) -> list[tuple[str, str]]:
    match tags:
        case mutagen.id3.ID3():
            return list(_read_id3(tags))
        case mutagen.mp4.MP4Tags():
            return list(_read_mp4(tags))
        case mutagen.asf.ASFTags():
            names = {asf: name for name, asf in _ASF_NAMES.items()}
            return [(names.get(key, key), str(value)) for key, value in tags if not isinstance(value.value, bytes)]
        case mutagen.apev2.APEv2():
            return [(key, str(value)) for key, value in tags.items() if value.kind == mutagen.apev2.TEXT]
        case _:
            return [(key, value) for key, value in tags if key.lower() != _PICTURE and isinstance(value, str)]


def _read_id3(tags: Any) -> Iterator[tuple[str, str]]:
    names = {frame: name for name, frame in _ID3_FRAMES.items()}
    for frame in tags.values():
        if frame.FrameID == "TXXX":
            yield from ((frame.desc, str(text)) for text in frame.text)
        elif frame.FrameID == "COMM":
            yield from (("comment", str(text)) for text in frame.text)
        elif frame.FrameID == "USLT":
            yield "lyrics", str(frame.text)
        elif frame.FrameID in names:
            yield from ((names[frame.FrameID], str(text)) for text in frame.text)


def _read_mp4(tags: mutagen.mp4.MP4Tags) -> Iterator[tuple[str, str]]:
    names = {atom: name for name, atom in _MP4_ATOMS.items()}
    pairs = {atom: name for name, atom in _MP4_PAIRS.items()}
    for atom, values in tags.items():
        if atom in names:
            yield from ((names[atom], str(value)) for value in values)
        elif atom in pairs:
            yield from ((pairs[atom], f"{n}/{of}" if of else str(n)) for n, of in values)
        elif atom == "tmpo":
            yield from (("bpm", str(value)) for value in values)
        elif atom.startswith(_MP4_FREEFORM):
            name = atom.removeprefix(_MP4_FREEFORM)
            yield from ((name, bytes(value).decode("utf-8", "replace")) for value in values)


def _read_with_sndfile(source: BinaryIO) -> list[tuple[str, str]]:
    """Read what libsndfile knows, such as the INFO chunk of a WAV. On damaged MP3 it would print messages."""
    if looks_like_mpeg(source):
        return []
    file = open_with_sndfile(source)
    if file is None:
        return []
    with file:
        return [(name, getattr(file, name)) for name in _SNDFILE_TAGS]


def _read_pictures(file: Any) -> Iterator[Picture]:
    match file.tags:
        case mutagen.id3.ID3():
            for frame in file.tags.getall("APIC"):
                yield Picture(frame.data, frame.mime, int(frame.type), frame.desc)
        case mutagen.mp4.MP4Tags():
            for cover in file.tags.get("covr", []):
                png = cover.imageformat == mutagen.mp4.MP4Cover.FORMAT_PNG
                yield Picture(bytes(cover), "image/png" if png else "image/jpeg")
        case _:
            blocks = list(getattr(file, "pictures", []))
            for encoded in file.tags.get(_PICTURE, []) if hasattr(file.tags, "get") else []:
                try:
                    blocks.append(mutagen.flac.Picture(base64.b64decode(encoded)))
                except (ValueError, mutagen.flac.error):
                    continue
            for block in blocks:
                kind = block.type if block.type <= _MAX_PICTURE_TYPE else 0  # 0: other
                yield Picture(block.data, block.mime, kind, block.desc)


def write_tags(path: Path, format: str, tags: Tags) -> list[str]:
    """Write tags into a finished file of the given format, and say what of them it can't hold, each in a sentence.

    RF64 holds none. Raises OSError where writing fails.
    """
    if not tags.text and not tags.pictures:
        return []
    try:
        match format:
            case "mp3":
                _write_id3(mutagen.mp3.MP3(path), tags)
            case "wav":
                with path.open("rb") as file:
                    if file.read(4) == b"RF64":
                        return ["a WAV of more than 4 GB holds no tags"]
                _write_id3(mutagen.wave.WAVE(path), tags)
            case "m4a":
                _write_mp4(mutagen.mp4.MP4(path), tags)
            case "flac":
                flac = mutagen.flac.FLAC(path)
                for picture in tags.pictures:
                    flac.add_picture(_flac_picture(picture))
                _write_comments(flac, tags.text)
            case "ogg" | "opus":
                ogg = (mutagen.oggvorbis.OggVorbis if format == "ogg" else mutagen.oggopus.OggOpus)(path)
                pictures = [base64.b64encode(_flac_picture(p).write()).decode() for p in tags.pictures]
                _write_comments(ogg, tags.text | ({_PICTURE: pictures} if pictures else {}))
    except mutagen.MutagenError as error:
        raise OSError(errno.EIO, f"its tags cannot be written ({error})") from None
    return []


def _write_comments(file: mutagen.FileType, text: dict[str, list[str]]) -> None:
    for name, values in text.items():
        if name and all(" " <= c <= "}" and c != "=" for c in name):
            file[name] = values
    file.save()


def _write_id3(file: Any, tags: Tags) -> None:
    file.add_tags()
    for name, values in tags.text.items():
        if name in _ID3_FRAMES:
            file.tags.add(getattr(mutagen.id3, _ID3_FRAMES[name])(encoding=3, text=values))
        elif name == "comment":
            file.tags.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=values))
        elif name == "lyrics":
            file.tags.add(mutagen.id3.USLT(encoding=3, lang="eng", desc="", text="\n".join(values)))
        else:
            file.tags.add(mutagen.id3.TXXX(encoding=3, desc=name, text=values))
    for n, picture in enumerate(tags.pictures):
        description = picture.description or (str(n) if n else "")  # ID3 tells pictures apart by their descriptions
        file.tags.add(mutagen.id3.APIC(3, picture.mime, picture.kind, description, picture.data))
    file.save()


def _write_mp4(file: mutagen.mp4.MP4, tags: Tags) -> None:
    for name, values in tags.text.items():
        numbers = [part.strip() for part in values[0].split("/")]
        if name in _MP4_ATOMS:
            file[_MP4_ATOMS[name]] = values
        elif name in _MP4_PAIRS and all(part.isdigit() and int(part) < 2**16 for part in numbers):
            file[_MP4_PAIRS[name]] = [(int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0)]
        elif name.isascii():
            file[_MP4_FREEFORM + name] = [value.encode(errors="replace") for value in values]
    covers = [mutagen.mp4.MP4Cover(p.data, _MP4_IMAGES[p.mime]) for p in tags.pictures if p.mime in _MP4_IMAGES]
    if covers:
        file["covr"] = covers
    file.save()


def _flac_picture(picture: Picture) -> mutagen.flac.Picture:
    block = mutagen.flac.Picture()
    block.data, block.mime, block.type, block.desc = picture.data, picture.mime, picture.kind, picture.description
    return block
