"""Mutations of MIDI, MusicXML, ABC and kern that keep their structure, and put in what real files have."""

import io
import struct
import xml.etree.ElementTree as ET
from copy import deepcopy
from random import Random

import mido

from tests.fuzz.mutate import NUMBERS, TEXTS, mutate_bytes, mutate_text, mutate_zip

BYTES = (0, 1, 2, 3, 7, 8, 9, 10, 64, 126, 127, 128, 200, 247, 248, 255)
META_TYPES = (0, 1, 3, 4, 6, 0x20, 0x21, 0x2F, 0x51, 0x54, 0x58, 0x59, 0x7F)
DIVISIONS = (0, 1, 3, 24, 96, 480, 32767, 0xE250, 0xE728, 0x8000, 0xFFFF)
MUSIC_XML = [
    "<note><rest/><duration>4</duration></note>",
    "<note><grace/><pitch><step>D</step><octave>5</octave></pitch><type>eighth</type></note>",
    "<note><chord/><pitch><step>G</step><alter>1</alter><octave>4</octave></pitch><duration>2</duration></note>",
    "<note><unpitched><display-step>E</display-step></unpitched><duration>2</duration></note>",
    "<note><cue/><pitch><step>H</step><octave>99</octave></pitch><duration>0</duration></note>",
    "<note><pitch><step>C</step><alter>0.5</alter><octave>-3</octave></pitch><duration>1e9</duration></note>",
    '<note><pitch><step>C</step><octave>4</octave></pitch><duration>3</duration><tie type="stop"/>'
    "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification></note>",
    "<note><pitch><step>A</step><octave>4</octave></pitch><duration>1</duration><time-modification><actual-notes>0"
    "</actual-notes><normal-notes>0</normal-notes></time-modification></note>",
    "<backup><duration>8</duration></backup>",
    "<backup><duration>99999999</duration></backup>",
    "<forward><duration>99999999</duration></forward>",
    "<attributes><divisions>0</divisions></attributes>",
    "<attributes><time><beats>5+3</beats><beat-type>8</beat-type></time></attributes>",
    "<attributes><time><beats>0</beats><beat-type>0</beat-type></time></attributes>",
    "<attributes><time><senza-misura/></time></attributes>",
    "<attributes><key><fifths>9</fifths><mode>odd</mode></key></attributes>",
    "<attributes><clef><sign>percussion</sign></clef></attributes>",
    "<attributes><staves>2</staves></attributes>",
    "<attributes><transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>",
    '<barline location="right"><repeat direction="backward" times="9999"/></barline>',
    '<barline location="left"><ending number="1" type="start"/><repeat direction="forward"/></barline>',
    "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>",
    '<measure number="X1" implicit="yes"/>',
]
ABC_LINES = [
    "[M:5/4] [K:Dmix] A2 [L:1/32] B", "(3ABc (5:4:7abcdefg (9d", "{/g}A {cd}e", "V:1 name=Alto clef=bass\nCDEF|",
    "[CEG]4 [A,^C]2/3", "|: A B :|1 c :|2 d |]", "K:none", "K:C# clef=perc", "M:none", "M:2+3/8", "L:1/64", "Q:0",
    "%%MIDI program 40", "w: la-la * la", "A>B c<<d", "x4 Z8 y", "A-|A-A !trill!B", "X:0\nK:", '"Am7/G"A', "A & c",
    "T:\xfcber", "P:ABA", "_=^A ^^^B", "I:abc-charset latin-1", "U: T = !trill!",
]  # fmt: skip
KERN_LINES = [
    "*^", "*v\t*v", "*-", "*+", "*x\t*x", "*Ipiano", "*ITrd1c2", "*M5/4", "*M0/0", "*k[f#c#g#d#a#e#b#]", "*clefX",
    "4c 4e 4g", "12d", "qq", "4r", "4c\t4e", "=:|!|:", "*>[A,A]", "!! comment", "**kern\t**kern", "0g", "00g",
    "20%3c", "8cq", "[4c", "4c]", "4c_", "*met(C|)", "16ccccccc", "4c##--", "*\t*", ".", "!!!OTL: \xfcber",
]  # fmt: skip


def mutate_midi(data: bytes, other: bytes, rng: Random) -> bytes:
    """Change the events, times, tracks and header of a MIDI file, and mostly correct all lengths."""
    if rng.random() < 0.2:
        return mutate_bytes(data, other, rng)
    file = mido.MidiFile(file=io.BytesIO(data))
    kind, division = file.type, file.ticks_per_beat
    tracks = [[(message.time, bytes(message.bin())) for message in track] for track in file.tracks]
    for _ in range(rng.choice((1, 2, 4, 8, 16))):
        track = rng.choice(tracks)
        index = rng.randrange(len(track) + 1)
        wait, event = track[min(index, len(track) - 1)] if track else (0, b"")
        match rng.randrange(12):
            case 0:
                track.insert(index, (rng.choice((0, 120, 2**28 - 1)), _meta(rng)))
            case 1:
                track.insert(index, (wait, bytes([rng.randrange(128, 256), rng.choice(BYTES), rng.choice(BYTES)])))
            case 2:
                track[index : index + 1] = []
            case 3:
                track[index : index + 1] = [(rng.choice(NUMBERS) % 2**28, event)]
            case 4:
                track[index : index + 1] = [(wait, event[:1] + rng.randbytes(max(0, len(event) - 1)))]
            case 5:
                track[index : index + 1] = [(wait, event[1:])]  # as with a running status
            case 6:
                track.insert(index, (wait, bytes([(event or b"\x90")[0] & 0xF0 | 9]) + event[1:]))
            case 7:
                track.insert(index, (0, b"\xf0" + _number(rng.choice((0, 2, 200))) + b"\x41\xf7"))
            case 8:
                tracks.insert(rng.randrange(len(tracks)), rng.choice((track[:], [], track[index:])))
            case 9:
                division = rng.choice(DIVISIONS)
            case 10:
                kind = rng.choice((0, 1, 2, 3, 65535))
            case 11:
                track[index:] = [(wait, event)] * rng.choice((1, 2, 100))
    written = [b"".join(_number(wait) + event for wait, event in track) for track in tracks]
    count = len(tracks) if rng.random() < 0.9 else rng.choice(BYTES)
    header = b"MThd" + struct.pack(">IHHH", rng.choice((6, 6, 6, 6, 7, 0)), kind, count, division)
    lengths = [len(track) if rng.random() < 0.9 else rng.choice(NUMBERS) % 2**32 for track in written]
    whole = header + b"".join(
        b"MTrk" + struct.pack(">I", length) + track for length, track in zip(lengths, written, strict=True)
    )
    return b"RIFF" + struct.pack("<I", len(whole)) + b"RMIDdata" + whole if rng.random() < 0.05 else whole


def mutate_musicxml(data: bytes, other: bytes, rng: Random) -> bytes:
    """Insert, repeat, move and delete elements, change their numbers and attributes, and encode them anew."""
    if rng.random() < 0.2:
        return mutate_text(data, other, rng)
    root = ET.fromstring(data)
    for _ in range(rng.choice((1, 2, 4, 8))):
        parents = [element for element in root.iter() if len(element)]
        if not parents:
            break
        parent = rng.choice(parents)
        child, place = rng.choice(list(parent)), rng.randrange(len(parent) + 1)
        match rng.randrange(8):
            case 0:
                parent.remove(child)
            case 1:
                for _ in range(rng.choice((1, 1, 50)) if len(child) < 10 else 1):
                    parent.insert(place, deepcopy(child))
            case 2:
                rng.choice(parents).insert(0, deepcopy(child))
            case 3:
                child.text = rng.choice((str(rng.choice(NUMBERS)), *(text.decode("latin-1") for text in TEXTS)))
            case 4 if child.attrib:
                child.set(rng.choice(list(child.attrib)), rng.choice(("", "0", "P1", "P2", "stop", "start", "none")))
            case 5:
                child.tag = rng.choice([element.tag for element in root.iter()])
            case _:
                measure = rng.choice(list(root.iter("measure")) or [parent])
                measure.insert(rng.randrange(len(measure) + 1), ET.fromstring(rng.choice(MUSIC_XML)))
    try:
        return bytes(ET.tostring(root, encoding=rng.choice(("utf-8", "utf-8", "utf-16", "iso-8859-1", "us-ascii"))))
    except (ValueError, RecursionError):  # with characters or a depth that XML can't have
        return mutate_text(data, other, rng)


def mutate_abc(data: bytes, other: bytes, rng: Random) -> bytes:
    """Insert lines and fields that ABC has, or do what `mutate_text` does."""
    return _with_lines(data, ABC_LINES, rng) if rng.random() < 0.6 else mutate_text(data, other, rng)


def mutate_score(data: bytes, other: bytes, rng: Random) -> bytes:
    """Mutate compressed or plain MusicXML, or kern."""
    if data[:2] == b"PK":
        return mutate_zip(data, other, rng, inside=mutate_score)
    if data.lstrip()[:1] == b"<":
        return mutate_musicxml(data, other, rng)
    return _with_lines(data, KERN_LINES, rng) if rng.random() < 0.6 else mutate_text(data, other, rng)


def _with_lines(data: bytes, choices: list[str], rng: Random) -> bytes:
    lines = data.decode(errors="replace").splitlines()
    for _ in range(rng.choice((1, 2, 4))):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(choices))
    return "\n".join([*lines, ""]).encode(rng.choice(("utf-8", "utf-8", "latin-1", "utf-16")), errors="replace")


def _meta(rng: Random) -> bytes:
    """A meta event with data of any length, declared or not."""
    data = bytes(rng.choice(BYTES) for _ in range(rng.choice((0, 1, 2, 3, 4, 5, 9))))
    length = len(data) if rng.random() < 0.8 else rng.choice(NUMBERS) % 2**28
    return bytes([0xFF, rng.choice(META_TYPES)]) + _number(length) + data


def _number(value: int) -> bytes:
    """Write a number in seven bits a byte, as times and lengths are in MIDI."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.insert(0, value & 0x7F | 0x80)
    return bytes(groups)
