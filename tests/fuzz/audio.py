"""Targets that read songs: every format that extrap writes, and many that it only reads."""

import io
import shutil
from fractions import Fraction
from pathlib import Path

import av
import mutagen.apev2
import mutagen.id3
import numpy as np
import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.probe import declared_seconds
from extrapcli.audio.song import Picture, Tags
from extrapcli.audio.tags import read_tags, write_tags
from extrapcli.errors import UnreadableAudio
from tests.audio.tags.silent import sample
from tests.fuzz.fuzz import Target
from tests.fuzz.mutate import mutate_audio, mutate_tags

RATE = 24000
TAGS = Tags(
    {"title": ["A song"], "artist": ["One", "Two"], "tracknumber": ["3/12"], "comment": ["é"], "mood": ["odd"]}
    | {"rating": ["80"], "compilation": ["1"], "performer": ["Ann (piano)"], "movement": ["1/2"], "comment:a": ["b"]}
    | {"url:a": ["http://b"], "bpm": ["120"], "LOOPSTART": ["1"], "Own": ["x"], "lyrics": ["la"]},
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


def _write(path: Path, format: str, samples: np.ndarray) -> None:
    channels, n = samples.shape[1], len(samples)
    with open_track(
        path, format=format, sample_rate=RATE, channels=channels, depth="s16", expected_samples=n
    ) as track:
        track.write(samples)


def _with_ffmpeg(container: str, codec: str) -> bytes:
    rate, file = 48000 if codec in ("libopus", "mp2", "ac3") else 44100, io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        if codec in ("wmav2", "aac", "mp2", "ac3"):
            stream.bit_rate = 128_000
        packed = sound(2, 0.4).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        frame.time_base = stream.time_base = Fraction(1, rate)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def decode_song(path: Path) -> None:
    """Decode a file. The samples must be finite and have a sample rate."""
    declared_seconds(path)
    song = decode(path)
    assert song.samples.ndim == 2
    assert np.isfinite(song.samples).all()
    assert song.sample_rate > 0


def copy_tags(path: Path) -> None:
    """Write a file's tags into a track of every format, whose sound must stay as it was."""
    with path.open("rb") as file:
        tags = read_tags(file)
    tags.text["title"] = [f"{title} (continued)" for title in tags.text.get("title", [])]
    for format in FORMATS:
        track = path.with_name(f"track.{format}")
        if not (empty := path.with_name(f"empty.{format}")).exists():
            _write(empty, format, sound(1, 0.05))
        shutil.copyfile(empty, track)
        write_tags(track, format, tags)
        np.testing.assert_array_equal(decode(track).samples, decode(empty).samples)


def tag_seeds(folder: Path) -> None:
    for format in FORMATS:
        path = folder / f"song.{format}"
        _write(path, format, sound(1, 0.05))
        write_tags(path, format, TAGS)
    frames = [sample(name) for name in mutagen.id3.Frames]
    for version, encoding in ((3, 1), (4, 3), (4, 2)):
        path = folder / f"frames{version}{encoding}.mp3"
        _write(path, "mp3", sound(1, 0.05))
        tag = mutagen.id3.ID3()
        for frame in frames:
            if hasattr(frame, "encoding"):
                frame.encoding = encoding
            tag.add(frame)
        tag.save(path, v2_version=version)
    v1 = b"TAG" + bytes(range(64, 189))
    (folder / "id3v1.mp3").write_bytes((folder / "frames43.mp3").read_bytes()[-3000:] + v1)
    ape = mutagen.apev2.APEv2()
    ape["Title"], ape["Own"], ape["Cover Art (Front)"] = ["text", "more"], "text", b"a.png\0\x89PNG"
    (folder / "ape.mp3").write_bytes((folder / "frames43.mp3").read_bytes()[-3000:])
    ape.save(folder / "ape.mp3")
    for container, codec in (
        ("asf", "wmav2"),
        ("matroska", "aac"),
        ("aiff", "pcm_s16be"),
        ("caf", "pcm_s16le"),
        ("avi", "mp2"),
    ):
        (folder / f"{container}.bin").write_bytes(_with_ffmpeg(container, codec))


AUDIO = Target("audio", song_seeds, mutate_audio, decode_song, (UnreadableAudio,))
TAG_COPY = Target("tags", tag_seeds, mutate_tags, copy_tags, ())
