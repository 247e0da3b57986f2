"""Cover pictures: of what kind they are, and what of them a format can hold."""

import base64
import io
import struct
import warnings
from collections.abc import Iterable, Iterator

import mutagen.flac

from extrapcli.audio.song import Picture

MAX_KIND = 20  # the last picture type of ID3 and FLAC
UNIQUE_KINDS = (1, 2)  # file icons, of which a file may hold one each
LINK = "-->"  # in place of a MIME type: the data is an address
MAX_SIDE, MIN_SIDE, SHRINK = 3000, 100, 0.7  # pixels
JPEG_QUALITY = 90
_MAGIC = {
    b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif", b"BM": "image/bmp",
    b"II*\0": "image/tiff", b"MM\0*": "image/tiff",
}  # fmt: skip


def picture(
    data: bytes, mime: str = "", kind: int = 3, description: str = "", shape: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> Picture:
    """Make a picture with the MIME type that its bytes show, whether the file says `JPG`, `image/jpg` or nothing."""
    return Picture(data, _mime(data, mime), kind if kind <= MAX_KIND else 0, description.strip("\0"), shape)


def _mime(data: bytes, declared: str) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypheic"):
        return f"image/{data[8:12].decode()}"
    declared = declared.strip("\0 ").lower()
    if declared == LINK:
        return LINK
    if found := next((mime for magic, mime in _MAGIC.items() if data.startswith(magic)), None):
        return found
    return declared if "/" in declared and declared.isascii() else "application/octet-stream"


def from_flac(block: mutagen.flac.Picture) -> Picture:
    """Convert a picture block of FLAC."""
    return picture(
        block.data, block.mime, block.type, block.desc, (block.width, block.height, block.depth, block.colors)
    )


def to_flac(picture: Picture) -> mutagen.flac.Picture:
    """Convert to a picture block of FLAC."""
    block = mutagen.flac.Picture()
    block.data, block.mime, block.type, block.desc = picture.data, picture.mime, picture.kind, picture.description
    block.width, block.height, block.depth, block.colors = picture.shape
    return block


def from_comment(encoded: str) -> Iterator[Picture]:
    """Yield the picture in a comment `METADATA_BLOCK_PICTURE` or `COVERART`, which are base64, if it is intact."""
    try:
        data = base64.b64decode(encoded)
    except ValueError:
        return
    try:
        yield from_flac(mutagen.flac.Picture(data))
    except mutagen.flac.error:
        if (plain := picture(data)).mime.startswith("image/"):
            yield plain


def to_comment(picture: Picture) -> str:
    """Return the value of a comment `METADATA_BLOCK_PICTURE`."""
    return base64.b64encode(to_flac(picture).write()).decode()


def from_asf(data: bytes) -> Iterator[Picture]:
    """Yield the picture in an attribute `WM/Picture`, if it is intact: type, size, MIME type, description, data."""
    kind, size = struct.unpack_from("<BI", data.ljust(5, b"\0"))
    names = data[5 : len(data) - size].decode("utf-16-le", "replace").split("\0")
    if size and len(names) == 3:
        yield picture(data[-size:], names[0], kind, names[1])


def fit(
    pictures: Iterable[Picture], format: str, *, max_bytes: int, mimes: tuple[str, ...] = ()
) -> tuple[list[Picture], list[str]]:
    """Return the pictures as a format can hold them, and a sentence for each that was changed or left out.

    One that is larger than `max_bytes`, or of a type that is not in `mimes`, is scaled down or converted by Pillow
    where that is installed and can read it, else left out.
    """
    kept, notes, kinds = [], [], set()
    for one in pictures:
        if one.kind in UNIQUE_KINDS and one.kind in kinds:
            one = Picture(one.data, one.mime, 0, one.description, one.shape)
        kinds.add(one.kind)
        is_large, is_foreign = len(one.data) > max_bytes, bool(mimes) and one.mime not in mimes
        if not is_large and not is_foreign:
            kept.append(one)
            continue
        what, why = "a picture", f"{format} holds only {' and '.join(m.removeprefix('image/') for m in mimes)}"
        if is_large:
            what, why = (
                f"a picture of {len(one.data) / 1e6:.1f} MB",
                f"{format} holds at most {max_bytes / 1e6:.1f} MB",
            )
        try:
            redrawn, how = _redraw(one, max_bytes)
            kept.append(redrawn)
            notes.append(f"{what} was {how}: {why}")
        except ImportError:
            notes.append(f"{what} was left out: {why}; install Pillow (pip install pillow) to have it converted")
        except Exception:  # Pillow has all kinds of errors for damaged pictures
            notes.append(f"{what} was left out: {why}")
    return kept, notes


def _redraw(one: Picture, max_bytes: int) -> tuple[Picture, str]:
    """Draw a picture as JPEG, or PNG where it is small and has transparent parts, in at most so many bytes."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of pictures that would take gigabytes
        image: Image.Image = Image.open(io.BytesIO(one.data))
        image.load()
    sees_through = image.has_transparency_data and len(one.data) <= max_bytes
    image = image.convert("RGBA" if sees_through else "RGB")
    kind = "PNG" if sees_through else "JPEG"
    side = min(MAX_SIDE, max(image.size))
    while side >= MIN_SIDE or side >= max(image.size):
        scaled = image.copy()
        scaled.thumbnail((side, side))
        file = io.BytesIO()
        scaled.save(file, kind, quality=JPEG_QUALITY)
        if file.tell() <= max_bytes:
            what = "scaled down" if scaled.size != image.size else "converted"
            made = picture(file.getvalue(), "", one.kind, one.description)
            return made, f"{what} to {kind} of {scaled.width} by {scaled.height} pixels"
        side = int(side * SHRINK)
    raise ValueError("the picture can't be made small enough")
