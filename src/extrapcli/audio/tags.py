"""Tags and cover art, in and out of every format by their Vorbis comment names."""

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

from extrapcli.audio.declared_length import starts_like_mpeg
from extrapcli.audio.song import Picture, Tags
from extrapcli.audio.streams import open_with_sndfile

_UNTRUE_OF_A_TRACK = ("replaygain", "r128", "encoder", "encoded", "encodersettings", "length", "cuesheet", "itunsmpb",
                      "itunnorm", "acoustid", "mp3gain", "minimum", "maximum", "isvbr", "wm/encoding")  # fmt: skip
_PICTURE = "metadata_block_picture"
_LAST_KIND = 20  # of pictures, in ID3 and FLAC alike
_ID3 = {
    "title": "TIT2", "artist": "TPE1", "album": "TALB", "albumartist": "TPE2", "tracknumber": "TRCK",
    "discnumber": "TPOS", "genre": "TCON", "date": "TDRC", "composer": "TCOM", "copyright": "TCOP",
    "bpm": "TBPM", "isrc": "TSRC", "grouping": "TIT1", "lyricist": "TEXT", "conductor": "TPE3",
    "organization": "TPUB", "language": "TLAN", "key": "TKEY", "subtitle": "TIT3", "originaldate": "TDOR",
}  # fmt: skip
_MP4 = {
    "title": "\xa9nam", "artist": "\xa9ART", "album": "\xa9alb", "albumartist": "aART", "genre": "\xa9gen",
    "date": "\xa9day", "composer": "\xa9wrt", "comment": "\xa9cmt", "copyright": "cprt", "grouping": "\xa9grp",
    "lyrics": "\xa9lyr",
}  # fmt: skip
_MP4_PAIRS = {"tracknumber": "trkn", "discnumber": "disk"}
_MP4_FREE = "----:com.apple.iTunes:"
_ASF = {
    "title": "Title", "artist": "Author", "album": "WM/AlbumTitle", "albumartist": "WM/AlbumArtist",
    "tracknumber": "WM/TrackNumber", "genre": "WM/Genre", "date": "WM/Year", "composer": "WM/Composer",
    "comment": "Description", "copyright": "Copyright",
}  # fmt: skip
_INFO = ("title", "artist", "album", "date", "genre", "tracknumber", "comment", "copyright")
_IMAGES = {"image/jpeg": mutagen.mp4.MP4Cover.FORMAT_JPEG, "image/png": mutagen.mp4.MP4Cover.FORMAT_PNG}


def read_tags(source: BinaryIO) -> Tags:
    """Read the tags of a song; those that are damaged, or untrue of a longer track, are left out."""
    source.seek(0)
    pairs, pictures = [], []
    try:
        file = mutagen.File(source)
        if file is not None and file.tags is not None:
            pairs, pictures = _text_of(file.tags), list(_pictures_of(file))
    except Exception:  # a damaged tag raises anything, and is no reason not to play a song
        pass
    tags = Tags(pictures=pictures)
    for name, value in pairs or _info_of(source):
        if value and not name.lower().startswith(_UNTRUE_OF_A_TRACK):
            tags.text.setdefault(name.lower(), []).append(value)
    return tags


def _text_of(tags: Any) -> list[tuple[str, str]]:
    match tags:
        case mutagen.id3.ID3():
            return list(_id3_text(tags))
        case mutagen.mp4.MP4Tags():
            return list(_mp4_text(tags))
        case mutagen.asf.ASFTags():
            names = {asf: name for name, asf in _ASF.items()}
            return [(names.get(key, key), str(value)) for key, value in tags if not isinstance(value.value, bytes)]
        case mutagen.apev2.APEv2():
            return [(key, str(value)) for key, value in tags.items() if value.kind == mutagen.apev2.TEXT]
        case _:
            return [(key, value) for key, value in tags if key.lower() != _PICTURE and isinstance(value, str)]


def _id3_text(tags: Any) -> Iterator[tuple[str, str]]:
    names = {frame: name for name, frame in _ID3.items()}
    for frame in tags.values():
        if frame.FrameID == "TXXX":
            yield from ((frame.desc, str(text)) for text in frame.text)
        elif frame.FrameID == "COMM":
            yield from (("comment", str(text)) for text in frame.text)
        elif frame.FrameID == "USLT":
            yield "lyrics", str(frame.text)
        elif frame.FrameID in names:
            yield from ((names[frame.FrameID], str(text)) for text in frame.text)


def _mp4_text(tags: mutagen.mp4.MP4Tags) -> Iterator[tuple[str, str]]:
    names = {atom: name for name, atom in _MP4.items()}
    pairs = {atom: name for name, atom in _MP4_PAIRS.items()}
    for atom, values in tags.items():
        if atom in names:
            yield from ((names[atom], str(value)) for value in values)
        elif atom in pairs:
            yield from ((pairs[atom], f"{n}/{of}" if of else str(n)) for n, of in values)
        elif atom == "tmpo":
            yield from (("bpm", str(value)) for value in values)
        elif atom.startswith(_MP4_FREE):
            name = atom.removeprefix(_MP4_FREE)
            yield from ((name, bytes(value).decode("utf-8", "replace")) for value in values)


def _info_of(source: BinaryIO) -> list[tuple[str, str]]:
    """The text that libsndfile reads, such as the INFO chunk of a WAV; of damaged MP3 it would print remarks."""
    if starts_like_mpeg(source):
        return []
    file = open_with_sndfile(source)
    if file is None:
        return []
    with file:
        return [(name, getattr(file, name)) for name in _INFO]


def _pictures_of(file: Any) -> Iterator[Picture]:
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
                kind = block.type if block.type <= _LAST_KIND else 0  # 0: of another kind
                yield Picture(block.data, block.mime, kind, block.desc)


def write_tags(path: Path, format: str, tags: Tags) -> None:
    """Write tags into a finished file of that format. RF64 has no place for them. Raises OSError."""
    if not tags.text and not tags.pictures:
        return
    try:
        match format:
            case "mp3":
                _write_id3(mutagen.mp3.MP3(path), tags)
            case "wav":
                with path.open("rb") as file:
                    if file.read(4) == b"RF64":
                        return
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


def _write_comments(file: mutagen.FileType, text: dict[str, list[str]]) -> None:
    for name, values in text.items():
        if name and all(" " <= c <= "}" and c != "=" for c in name):
            file[name] = values
    file.save()


def _write_id3(file: Any, tags: Tags) -> None:
    file.add_tags()
    for name, values in tags.text.items():
        if name in _ID3:
            file.tags.add(getattr(mutagen.id3, _ID3[name])(encoding=3, text=values))
        elif name == "comment":
            file.tags.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=values))
        elif name == "lyrics":
            file.tags.add(mutagen.id3.USLT(encoding=3, lang="eng", desc="", text="\n".join(values)))
        else:
            file.tags.add(mutagen.id3.TXXX(encoding=3, desc=name, text=values))
    for n, picture in enumerate(tags.pictures):
        description = picture.description or (str(n) if n else "")  # ID3 tells pictures apart by it
        file.tags.add(mutagen.id3.APIC(3, picture.mime, picture.kind, description, picture.data))
    file.save()


def _write_mp4(file: mutagen.mp4.MP4, tags: Tags) -> None:
    for name, values in tags.text.items():
        numbers = [part.strip() for part in values[0].split("/")]
        if name in _MP4:
            file[_MP4[name]] = values
        elif name in _MP4_PAIRS and all(part.isdigit() and int(part) < 2**16 for part in numbers):
            file[_MP4_PAIRS[name]] = [(int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0)]
        elif name.isascii():
            file[_MP4_FREE + name] = [value.encode(errors="replace") for value in values]
    covers = [mutagen.mp4.MP4Cover(p.data, _IMAGES[p.mime]) for p in tags.pictures if p.mime in _IMAGES]
    if covers:
        file["covr"] = covers
    file.save()


def _flac_picture(picture: Picture) -> mutagen.flac.Picture:
    block = mutagen.flac.Picture()
    block.data, block.mime, block.type, block.desc = picture.data, picture.mime, picture.kind, picture.description
    return block
