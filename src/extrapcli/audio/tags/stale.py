"""Tags that describe the old sound: its loudness, length, encoder, positions in it, and sums of its bytes.

A longer track makes them untrue. What says which music it is, or who owns it, stays: also ISRC and the identifiers of
MusicBrainz, which name the recording that the track continues.
"""

import re

ID3_FRAMES = {
    "AENC", "ENCR", "GRID", "SIGN",  # encryption and signatures
    "ASPI", "MLLT", "POSS", "RBUF", "SEEK",  # positions in the file
    "CHAP", "CTOC", "ETCO", "SYTC",  # positions in the sound, up to its end
    "EQU2", "EQUA", "RGAD", "RVA2", "RVAD", "XRVA",  # loudness
    "TDEN", "TENC", "TFLT", "TLEN", "TSIZ", "TSSE",  # encoder, length, size
}  # fmt: skip
MP4_ATOMS = {"\xa9too", "\xa9enc", "chpl"}

_NAMES = re.compile(
    r"""
    (track[ _]?)?(replay[ _]?gain|r128|mp3gain|undo[ _]?gain|loudness|lufs|true[ _]?peak|dynamic[ _]range|lra\b)
    | album[ _]?(gain|peak)$ | track[ _]?(gain|peak)$ | peak(value|level)?$ | average[ _]?level$ | minimum$ | maximum$
    | itunnorm | itunsmpb | itunpgap | itunes_cddb
    | encod(er|ed|ing) | software$ | tool$ | cdec$ | isvbr$ | wm/(encod|tool|wmadrc) | wmfsdk | coding_history$
    | deviceconformancetemplate$
    | length$ | duration(-\w+)?$ | bps(-\w+)?$ | number_of_(frames|bytes)(-\w+)?$ | _statistics_ | creation_time$
    | time_reference$ | umid$ | major_brand$ | minor_version$ | compatible_brands$ | handler_name$ | vendor_id$
    | aspectratio[xy]$
    | cue[ _]?sheet | cue_track | chapter\d
    | loop[ _-]?(start|end|len(gth)?|begin|point|ms|times?|count|in|out|from|to)?s?\d*$
    | acoustid | (audio[ _])?(md5|sha1|sha256|crc(32)?|checksum|fingerprint)(sum)?$ | accurate[ _]?rip | ctdb
    | serato | traktor | beat[ _]?grid | com\.apple\.streaming | waveformatextensible_channel_mask$
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MACHINE_NUMBERS = re.compile(r"\s*([0-9A-F]{8,16}\s+){2,}[0-9A-F]{8,16}\s*", re.IGNORECASE)


def is_stale(name: str, value: str = "") -> bool:
    """Tell whether a tag describes the old sound, by its name or, in a comment of iTunes, by what it says."""
    name = name.strip()
    described = name.rpartition(":")[2] if name.startswith("comment:") else name
    return bool(_NAMES.match(described) or (name.lower() == "comment" and _MACHINE_NUMBERS.fullmatch(value)))
