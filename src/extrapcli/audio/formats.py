"""The formats a track can be written in, and what each can hold."""

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Format:
    """`rates` in Hz, in full or as the ends of a range; `channels` is the greatest number."""

    name: str
    suffixes: tuple[str, ...]
    lossless: bool
    rates: range | tuple[int, ...]
    channels: int


MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
AAC_RATES = (7350, *MPEG_RATES, 64000, 88200, 96000)
ANY_RATE = range(1, 655_351)
"""As FLAC has it."""

FORMATS = {
    format.name: format
    for format in (
        Format("wav", (".wav", ".wave"), True, ANY_RATE, 8),
        Format("flac", (".flac",), True, ANY_RATE, 8),
        Format("ogg", (".ogg", ".oga"), False, range(8000, 192_001), 8),
        Format("opus", (".opus",), False, (8000, 12000, 16000, 24000, 48000), 8),
        Format("mp3", (".mp3",), False, MPEG_RATES, 2),
        Format("m4a", (".m4a", ".mp4"), False, AAC_RATES, 8),
    )
}


def format_of(path: PurePath) -> str | None:
    """Return the name of the format a suffix stands for, in any case, or None."""
    suffix = path.suffix.lower()
    return next((format.name for format in FORMATS.values() if suffix in format.suffixes), None)


def why_not(format: str, sample_rate: int, channels: int) -> str | None:
    """Say what of a sound a format can't hold ("mp3 holds at most 2 channels, not 6"); None where it holds it."""
    known = FORMATS[format]
    if channels > known.channels:
        return f"{format} holds at most {known.channels} channels, not {channels}"
    if sample_rate in known.rates:
        return None
    if isinstance(known.rates, range):
        held = f"{known.rates[0]} to {known.rates[-1]}"
    else:
        held = ", ".join(map(str, known.rates))
    return f"{format} holds sample rates of {held} Hz, not {sample_rate} Hz"


def is_audio_name(path: PurePath) -> bool:
    """Whether a file of this name is taken for a song among others."""
    return path.suffix.lower() in _AUDIO_SUFFIXES and not path.name.startswith(".")


_AUDIO_SUFFIXES = {suffix for format in FORMATS.values() for suffix in format.suffixes} | {
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".ape", ".au", ".avi", ".caf", ".dts", ".mka", ".mkv",
    ".mov", ".mp2", ".mpc", ".rf64", ".snd", ".tta", ".w64", ".webm", ".wma", ".wmv", ".wv",
}  # fmt: skip
