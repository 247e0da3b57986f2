"""A picture of a score, from MusicXML to SVG. The only user of verovio."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from extrapcli.melody.optional import needs

_SVG = "{http://www.w3.org/2000/svg}"
_OPTIONS = {
    "adjustPageHeight": True,  # to where the music ends
    "footer": "none",
    "pageHeight": 60_000,  # the most that verovio takes
    "pageWidth": 2100,
    "scale": 50,
    "smuflTextFont": "none",
    "staffLineWidth": 0.2,
    "svgRemoveXlink": True,
    "xmlIdChecksum": True,
}
_QUARTER = "ECA5"  # the note of a tempo mark, metNoteQuarterUp in SMuFL
_QUARTER_WIDTH = 300  # with the space after it, in font units
_UNITS_PER_EM = 1000


def engrave(xml: bytes) -> bytes:
    """Draw a score in MusicXML as an SVG, one system below the other on white, with the same bytes every time.

    All music is drawn as paths, so the picture needs no music font; words are in the reader's own serif font. Raises
    MissingDependency.
    """
    verovio = load_verovio()
    toolkit = verovio.toolkit()
    toolkit.setOptions(_OPTIONS)
    toolkit.loadData(xml.decode())
    ET.register_namespace("", _SVG.strip("{}"))
    pages = [ET.fromstring(toolkit.renderToSVG(number + 1)) for number in range(toolkit.getPageCount())]
    glyph = ET.parse(Path(verovio.__file__).parent / "data" / "Leipzig" / f"{_QUARTER}.xml").getroot()
    picture, height = Element(f"{_SVG}svg"), 0
    ET.SubElement(picture, f"{_SVG}rect", width="100%", height="100%", fill="white")
    for page in pages:
        _draw_quarter(page, glyph)
        page.set("y", str(height))
        height += int(page.attrib["height"].removesuffix("px"))
        picture.append(page)
    width = pages[0].attrib["width"].removesuffix("px")
    picture.attrib.update(viewBox=f"0 0 {width} {height}", width=width, height=str(height))
    svg: bytes = ET.tostring(picture, encoding="utf-8", xml_declaration=True)
    return svg


def _draw_quarter(page: Element, glyph: Element) -> None:
    """Draw the note of the tempo mark as a path, where verovio writes a letter of a music font."""
    for group in page.iter(f"{_SVG}g"):
        text = group.find(f"{_SVG}text")
        note = next((span for span in group.findall(f".//{_SVG}tspan") if span.text == chr(int(_QUARTER, 16))), None)
        if group.get("class") == "tempo" and text is not None and note is not None:
            x, y, size = text.attrib["x"], text.attrib["y"], float(note.attrib["font-size"].removesuffix("px"))
            note.text = ""
            del note.attrib["font-family"]
            scale = size / _UNITS_PER_EM
            text.set("x", f"{float(x) + _QUARTER_WIDTH * scale:g}")
            drawn = ET.SubElement(group, f"{_SVG}g", transform=f"translate({x},{y}) scale({scale:g})")
            drawn.extend(ET.Element(f"{_SVG}path", path.attrib) for path in glyph)


def load_verovio() -> Any:
    """Import verovio; raise MissingDependency where it is not installed."""
    with needs("verovio"):
        import verovio
    verovio.enableLog(verovio.LOG_OFF)
    return verovio
