"""The file formats that extrap writes, and the sample rates and channels of each."""

from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Format:
    """A file format. `rates` are the sample rates in Hz that it can hold: a range, or a tuple of all of them."""

    name: str
    suffixes: tuple[str, ...]
    lossless: bool
    rates: range | tuple[int, ...]
    max_channels: int


MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
AAC_RATES = (7350, *MPEG_RATES, 64000, 88200, 96000)

FORMATS = {
    format.name: format
    for format in (
        Format("wav", (".wav", ".wave"), True, range(1, 2**31), 8),
        Format("flac", (".flac",), True, range(1, 655_351), 8),
        Format("ogg", (".ogg", ".oga"), False, range(8000, 192_001), 8),
        Format("opus", (".opus",), False, (8000, 12000, 16000, 24000, 48000), 8),
        Format("mp3", (".mp3",), False, MPEG_RATES, 2),
        Format("m4a", (".m4a", ".mp4"), False, AAC_RATES, 8),
    )
}


def format_of(path: PurePath) -> str | None:
    """Return the name of the format that a path's suffix stands for, in upper or lower case, else None."""
    suffix = path.suffix.lower()
    return next((format.name for format in FORMATS.values() if suffix in format.suffixes), None)


def unsupported(format: str, sample_rate: int, channels: int) -> str | None:
    """Return why a format can't hold such audio ("mp3 holds at most 2 channels, not 6"), or None where it can."""
    known = FORMATS[format]
    if channels > known.max_channels:
        return f"{format} holds at most {known.max_channels} channels, not {channels}"
    if sample_rate in known.rates:
        return None
    if isinstance(known.rates, range):
        rates = f"{known.rates[0]} to {known.rates[-1]}"
    else:
        rates = ", ".join(map(str, known.rates))
    return f"{format} holds sample rates of {rates} Hz, not {sample_rate} Hz"


def held_rate(format: str, sample_rate: int) -> int:
    """Return the sample rate in Hz at which a track is written: the song's or, in lossy formats, the next that fits.

    That is the next higher one or else the highest.
    """
    known = FORMATS[format]
    if known.lossless or sample_rate in known.rates:
        return sample_rate
    return next((rate for rate in known.rates if rate > sample_rate), known.rates[-1])


def stem_of(song: PurePath) -> str:
    """Return the name of a song without its suffix, if that is one of audio: `Mr. Bungle - 01` has none."""
    return song.name.removesuffix(song.suffix) if is_audio_suffix(song) else song.name


def is_audio_name(path: PurePath) -> bool:
    """Return whether a file counts as a song by its name: an audio suffix, and no leading dot."""
    return path.suffix.lower() in _AUDIO_SUFFIXES and not path.name.startswith(".")


def is_audio_suffix(path: PurePath) -> bool:
    """Return whether a path's suffix is one of audio, or of videos, which may have no sound."""
    return path.suffix.lower() in _AUDIO_SUFFIXES | _VIDEO_SUFFIXES


def is_companion_name(path: PurePath) -> bool:
    """Return whether a file's suffix says that it only accompanies songs: covers, lists, texts, archives."""
    return path.suffix.lower() in _COMPANION_SUFFIXES


_AUDIO_SUFFIXES = {suffix for format in FORMATS.values() for suffix in format.suffixes} | {
    ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".avi", ".caf", ".dsf", ".dts", ".eac3",
    ".m4b", ".m4r", ".mka", ".mkv", ".mov", ".mp1", ".mp2", ".mpc", ".mpga", ".ra", ".rf64", ".snd", ".spx", ".tak",
    ".tta", ".voc", ".w64", ".weba", ".webm", ".wma", ".wmv", ".wv",
}  # fmt: skip
_VIDEO_SUFFIXES = {
    ".3g2", ".3gp", ".asf", ".f4v", ".flv", ".m2ts", ".m4v", ".mpeg", ".mpg", ".mts", ".ogv", ".ogx", ".rm", ".ts",
    ".vob",
}  # fmt: skip
_COMPANION_SUFFIXES = {
    ".7z", ".accurip", ".ass", ".bmp", ".cue", ".db", ".doc", ".docx", ".ffp", ".gif", ".gz", ".htm", ".html", ".ini",
    ".jpeg", ".jpg", ".json", ".jsonl", ".log", ".lrc", ".m3u", ".m3u8", ".md", ".md5", ".mid", ".midi", ".nfo",
    ".pdf", ".pls", ".png", ".rar", ".rtf", ".sfv", ".srt", ".sub", ".svg", ".tar", ".tif", ".tiff", ".toml", ".txt",
    ".vtt", ".webp", ".xml", ".xspf", ".yaml", ".yml", ".zip",
}  # fmt: skip
