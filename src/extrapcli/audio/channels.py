"""Orders of channels: ours is that of WAV, Ogg Vorbis and Opus have their own."""

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""FFmpeg's name of what so many channels are."""

_VORBIS = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}


def vorbis_order(channels: int) -> list[int]:
    """Where each channel of the WAV order lies in a file of that many channels (Vorbis I, 4.3.9)."""
    return _VORBIS.get(channels, list(range(channels)))
