"""Decode text whose encoding is declared wrongly or not at all, where what it is can be told for certain."""

import codecs
import re

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_JAPANESE = re.compile("[\u3041-\u30fe\u4e00-\u9fff\u3001-\u3011\u3005\uff01-\uff5e]{2,}")
_KANA = re.compile("[\u3041-\u30fe]")
_RUSSIAN_WORD = re.compile("[\u0410-\u042f\u0401]?[\u0430-\u044f\u0451]+|[\u0410-\u042f\u0401]+")


def decode(raw: bytes) -> str:
    """Decode text of no declared encoding, or one that is often declared and rarely true, such as ISO 8859-1.

    It is UTF-8 or UTF-16 where it is valid as such; Shift-JIS or Windows-1251 where it is plainly Japanese or Russian
    and plainly no language of western Europe; else Windows-1252, of which ISO 8859-1 is a part. Chinese and Korean
    encodings are not tried: their bytes can't be told apart.
    """
    if raw.startswith(UTF16_MARKS):
        return (raw + bytes(len(raw) % 2)).decode("utf-16", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if _is_shift_jis(raw):
        return raw.decode("cp932")
    if _is_russian(raw):
        return raw.decode("cp1251")
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def repair(text: str) -> str:
    """Decode again what was decoded as ISO 8859-1; text with other characters is returned as it is."""
    try:
        return text if text.isascii() else decode(text.encode("latin-1"))
    except UnicodeEncodeError:
        return text


def repair_utf16(text: str) -> str:
    """Swap the bytes of UTF-16 text that was plainly read in the wrong order, and drop byte order marks.

    Swapped, it begins with such a mark, or is three or more characters of ASCII.
    """
    text = text.removeprefix("\ufeff")
    swapped = text.encode("utf-16-le", "replace").decode("utf-16-be", "replace")
    is_swapped = swapped.startswith("\ufeff") or (len(text) > 2 and swapped.isascii() and swapped.isprintable())
    return swapped.removeprefix("\ufeff") if is_swapped else text


def values(text: str) -> list[str]:
    """Split text at NULs, which end and separate values in most kinds of tags, and replace what is no character."""
    clean = text.encode("utf-8", "replace").decode() if not text.isascii() else text
    return [value for value in clean.split("\0") if value]


def _is_shift_jis(raw: bytes) -> bool:
    """Look for bytes that no western text has (0x80 to 0x9F) and at least two Japanese characters in a row.

    A single one may be a quotation mark of Windows-1252 and the letter after it; without kana, so may two whose
    second bytes are letters.
    """
    try:
        text = raw.decode("cp932")
    except UnicodeDecodeError:
        return False
    odd = [c for c in text if not c.isascii() and not _JAPANESE.match(c * 2)]
    runs = _JAPANESE.findall(text)
    sure = any(_KANA.search(run) or sum(byte >= 0x80 for byte in run.encode("cp932")) > len(run) for run in runs)
    return sure and not odd and any(0x80 <= byte < 0xA0 for byte in raw)


def _is_russian(raw: bytes) -> bool:
    """Look for at least four letters of Windows-1251, in words of such letters only, cased as words are.

    Three in ten are vowels: Greek and Hebrew in their own encodings have fewer.
    """
    if not all(byte < 0x80 or byte >= 0xC0 or byte in b"\xa8\xab\xb8\xbb\x96\x97\x85\xb9" for byte in raw):
        return False
    words = re.findall(r"[^\W\d_]+", raw.decode("cp1251"))
    foreign = [word for word in words if not word.isascii()]
    letters = "".join(foreign).lower()
    vowels = sum(letter in "аеёиоуыэюя" for letter in letters)
    return len(letters) >= 4 and vowels >= 0.3 * len(letters) and all(map(_RUSSIAN_WORD.fullmatch, foreign))
