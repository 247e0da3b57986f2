"""Targets that read songs: every format that extrap writes, and many that it only reads."""

import io
import struct
from pathlib import Path

import numpy as np
import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import write_song
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.probe import declared_seconds
from extrapcli.audio.song import Picture, Song, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.errors import UnreadableAudio
from tests.audio.by_ffmpeg import encode
from tests.audio.test_channels import movie
from tests.fuzz.fuzz import Target
from tests.fuzz.mutate_songs import mutate_song

RATE = 24000
TAGS = Tags(
    {"title": ["A song"], "artist": ["One", "Two"], "tracknumber": ["3/12"], "comment": ["é"], "mood": ["odd"]},
    [Picture(b"\x89PNG" + bytes(60), "image/png", 3, "cover")],
)
SNDFILE = [
    ("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("AU", "ULAW"), ("AU", "G721_32"), ("CAF", "ALAC_16"), ("CAF", "PCM_24"),
    ("W64", "PCM_16"), ("RF64", "PCM_24"), ("WAV", "MS_ADPCM"), ("WAV", "IMA_ADPCM"), ("WAV", "GSM610"),
    ("WAVEX", "PCM_32"), ("WAV", "DOUBLE"), ("SVX", "PCM_16"), ("VOC", "PCM_16"), ("NIST", "PCM_16"),
    ("IRCAM", "FLOAT"), ("PVF", "PCM_16"),
    ("AVR", "PCM_16"),
]  # fmt: skip
FFMPEG = [
    ("adts", "aac"), ("asf", "wmav2"), ("matroska", "aac"), ("mov", "pcm_s16le"), ("ipod", "alac"),
    ("webm", "libopus"), ("ac3", "ac3"), ("mp2", "mp2"), ("avi", "mp2"), ("ogg", "flac"), ("tta", "tta"),
    ("wv", "wavpack"), ("flv", "aac"), ("aiff", "pcm_s16be"), ("mpegts", "aac"),
]  # fmt: skip


def sound(channels: int, seconds: float = 0.2) -> np.ndarray:
    return np.random.default_rng(channels).uniform(-0.4, 0.4, (round(seconds * RATE), channels)).astype(np.float32)


def song_seeds(folder: Path) -> None:
    for format, channels in [*((format, 2) for format in FORMATS), ("wav", 1), ("flac", 6), ("ogg", 1), ("opus", 1)]:
        path = folder / f"{channels}.{format}"
        _write(path, format, sound(channels))
        write_tags(path, format, TAGS)
    for container, encoding in SNDFILE:
        mono = sound(1)
        soundfile.write(folder / f"{container}-{encoding}.bin", mono, RATE, format=container, subtype=encoding)
    for container, codec in FFMPEG:
        (folder / f"{container}-{codec}.bin").write_bytes(_with_ffmpeg(container, codec))
    _unusual_seeds(folder)


def _write(path: Path, format: str, samples: np.ndarray, rate: int = RATE) -> None:
    write_song(path, Song("fuzz", samples, rate, "s16", None), format=format)


def _with_ffmpeg(container: str, codec: str) -> bytes:
    rate, file = 48000 if codec in ("libopus", "mp2", "ac3") else 44100, io.BytesIO()
    bit_rate = {"b": "128000"} if codec in ("wmav2", "aac", "mp2", "ac3") else {}
    encode(file, sound(2, 0.4), rate, container, codec, encoder=bit_rate)
    return file.getvalue()


def _unusual_seeds(folder: Path) -> None:
    """Join, tag and stream files as people have them."""

    def read(name: str) -> bytes:
        return (folder / name).read_bytes()

    _write(folder / "slow.bin", "mp3", sound(1), rate=22050)
    (folder / "joined.mp3").write_bytes(read("2.mp3") + read("2.mp3"))
    (folder / "joined-rates.mp3").write_bytes(read("2.mp3") + read("slow.bin"))
    (folder / "between.mp3").write_bytes(read("slow.bin") + b"TAG" + bytes(125) + read("2.mp3") + b"\0" * 99)
    (folder / "chained.ogg").write_bytes(read("2.ogg") + read("1.ogg") + read("2.opus"))
    (folder / "joined.flac").write_bytes(read("2.flac") + read("2.flac"))
    (folder / "tagged.flac").write_bytes(b"ID3\3\0\0\0\0\0\5hello" + read("2.flac"))
    streamed = bytearray(read("2.flac"))
    streamed[22:26] = bytes(4)
    (folder / "streamed.flac").write_bytes(streamed)
    bare = read("slow.bin")
    format = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 22050, 4000, 1, 0, 12, 1, 2, 417, 1, 1393)
    body = b"WAVEfmt " + struct.pack("<I", len(format)) + format + b"data" + struct.pack("<I", len(bare)) + bare
    (folder / "mp3.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    sides = Song("fuzz", sound(6), RATE, "s16", None, layout=0x60F)
    for suffix in ("wav", "flac", "m4a"):
        write_song(folder / f"sides.{suffix}", sides, format=suffix)
    (folder / "order.mov").write_bytes(movie())


def decode_song(path: Path) -> None:
    """Decode a file, or what is left of it. The samples must be finite and have a sample rate."""
    declared_seconds(path)
    try:
        song = decode(path)
    except UnreadableAudio as error:
        if error.hint != "salvage":
            raise
        song = decode(path, salvage=True)
        assert song.notes
    assert song.samples.ndim == 2
    assert np.isfinite(song.samples).all()
    assert song.sample_rate > 0


AUDIO = Target("audio", song_seeds, mutate_song, decode_song, (UnreadableAudio,))
