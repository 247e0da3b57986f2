"""Text of files that may or may not say how it is encoded."""

import codecs
import re

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_XML_DECLARES = re.compile(rb"<\?xml[^>]{0,200}encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")


def decode_text(data: bytes) -> str:
    """Decode by the byte order mark, or as XML declares, or as UTF-8, or else as Latin-1, which takes any bytes."""
    mark = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    if mark is None and b"\0" in data[:2]:
        mark = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    declared = _XML_DECLARES.match(data)
    for encoding in (mark, declared and declared[1].decode(), "utf-8"):
        try:
            return data.decode(encoding or "utf-8")
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")
