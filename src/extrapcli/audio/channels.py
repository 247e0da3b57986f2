"""Channel layouts: which speaker each channel is for.

A layout is a channel mask as in WAVE_FORMAT_EXTENSIBLE: bit 0 stands for the first of `SPEAKERS`, and so on. Samples
are always in the order of these bits: FL FR FC LFE BL BR ... A layout of 0 says nothing: plain mono or stereo, or
channels without speakers.
"""

from collections.abc import Sequence

from av.audio.layout import AudioLayout

SPEAKERS = (
    "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC",
    "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR",
    *[""] * 11, "DL", "DR",
)  # fmt: skip
"""FFmpeg's names. WAVE has the first 18, and reserves the other bits; FFmpeg uses two for a stereo downmix."""

COMMON = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
"""The only layout for each number of channels in Ogg Vorbis (Vorbis I, 4.3.9) and Opus (RFC 7845, 5.1.1.2); the one
for want of a mask in FLAC (RFC 9639, 9.1.3), where BL BR of five and six channels may be SL SR as well."""

_WAVE_BITS = 1 << 18  # masks from here on are FFmpeg's alone
_AAC = {0x0B, 0x103, 0x107, *COMMON.values()} - {COMMON[7]}
"""What FFmpeg's AAC encoder can say so that decoders understand it: also 2.1, 3.0(back), 4.0, but not 6.1."""

_VORBIS_ORDER = {
    3: [0, 2, 1],  # FL FC FR
    5: [0, 2, 1, 3, 4],  # FL FC FR BL BR
    6: [0, 2, 1, 5, 3, 4],  # FL FC FR BL BR LFE
    7: [0, 2, 1, 6, 5, 3, 4],  # FL FC FR SL SR BC LFE
    8: [0, 2, 1, 7, 5, 6, 3, 4],  # FL FC FR SL SR BL BR LFE
}


def vorbis_order(channels: int) -> list[int]:
    """Return, for each channel in WAV order, its index in an Ogg Vorbis or Opus file (Vorbis I, 4.3.9)."""
    return _VORBIS_ORDER.get(channels, list(range(channels)))


def names(layout: int) -> list[str]:
    """Name the speakers of a layout in the order of the channels."""
    return [name for bit, name in enumerate(SPEAKERS) if layout >> bit & 1]


def layout_of(speakers: Sequence[str]) -> tuple[int, list[int]]:
    """Return the layout of channels that are for these speakers, and the index of each channel in the order of bits.

    The layout is 0, and the order stays, where a speaker is unknown or named twice, and for plain mono and stereo.
    """
    unchanged = list(range(len(speakers)))
    if not set(speakers) <= set(SPEAKERS) - {""} or len(set(speakers)) != len(speakers):
        return 0, unchanged
    layout = sum(1 << SPEAKERS.index(name) for name in speakers)
    order = sorted(unchanged, key=lambda channel: SPEAKERS.index(speakers[channel]))
    return 0 if layout in (COMMON[1], COMMON[2]) else layout, order


def ffmpeg_layout(layout: int, channels: int) -> AudioLayout:
    """Return FFmpeg's form of a layout; where it says nothing, of the `COMMON` one."""
    return AudioLayout(hex(layout or COMMON[channels]))


def held_layout(format: str, layout: int, channels: int) -> int:
    """Return the layout that a file of this format gives to channels of the given layout, 0 where it says nothing."""
    common = COMMON[channels] if channels > 2 else 0
    match format:
        case "wav":
            return layout
        case "flac":
            return layout if 0 < layout < _WAVE_BITS else common
        case "m4a":
            return next((held for held in (layout, common) if held in _AAC), 0)
        case _:
            return common


def lost_layout(format: str, layout: int, channels: int) -> list[str]:
    """Say in a sentence that a file of this format can't hold a layout; nothing where it can."""
    held = held_layout(format, layout, channels)
    if held == layout:
        return []
    if layout:
        lost = f"{format} can't hold the speakers {' '.join(names(layout))}"
    else:
        lost = f"its {channels} channels are for no particular speakers"
    taken = names(held or (COMMON[channels] if channels <= 2 else 0))
    if taken:
        lost += f"; players take them for {' '.join(taken)}"
    if "LFE" in taken and names(layout)[3:4] != ["LFE"]:
        lost += ", and LFE keeps nothing but the lowest sounds"
    return [lost]
