"""Channel layouts. Samples are always in WAV order: FL FR FC LFE BL BR SL SR, or BC SL SR with seven channels."""

FFMPEG_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""FFmpeg's layout name for each number of channels."""

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
