"""Speakers keep their names from file to file; FFmpeg, through PyAV, is the witness of what the files say."""

import io
import struct
from pathlib import Path

import av
import mutagen.flac
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.channels import names
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track, write_song
from extrapcli.audio.song import Song, Tags
from extrapcli.audio.tags import write_tags
from extrapcli.errors import UnreadableAudio
from tests.audio.by_ffmpeg import encode

RATE = 48000
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
MASKS = {  # as Windows and FFmpeg define them
    "2.1": 0xB, "3.0(back)": 0x103, "4.0": 0x107, "quad": 0x33, "quad(side)": 0x603, "3.1": 0xF, "5.0": 0x37,
    "4.1": 0x10F, "5.1": 0x3F, "5.1(side)": 0x60F, "hexagonal": 0x137, "6.1": 0x70F, "7.0": 0x637, "7.1": 0x63F,
    "7.1(wide)": 0xFF, "5.1.2": 0x560F,
}  # fmt: skip
XIPH = {"quad", "5.0", "5.1", "6.1", "7.1"}
HELD = {"wav": set(MASKS), "flac": set(MASKS), "ogg": XIPH, "opus": XIPH,
        "m4a": {"2.1", "3.0(back)", "4.0", *XIPH} - {"6.1"}}  # fmt: skip


def tones(channels: int) -> NDArray[np.float32]:
    """Half a second with another tone in each channel, so low that channels for low frequencies keep it, too."""
    t = np.arange(RATE // 2) / RATE
    return np.stack([0.1 * np.sin(2 * np.pi * (40 + 10 * k) * t) for k in range(channels)], 1).astype(np.float32)


def heard(samples: NDArray[np.floating]) -> list[int]:
    """Return, for each channel, which tone it has."""
    spectrum = np.abs(np.fft.rfft(samples[2400:21600] * np.hanning(19200)[:, None], axis=0))
    return [round((k * RATE / 19200 - 40) / 10) for k in spectrum.argmax(axis=0)]


def wav(samples: NDArray[np.floating], mask: int | None) -> bytes:
    """A WAV of 16 bits, with that channel mask or, with None, in the plain form, which has none."""
    channels = samples.shape[1]
    data = np.round(samples * 32767).astype("<i2").tobytes()
    tag, frame = 1 if mask is None else 0xFFFE, 2 * channels
    form = struct.pack("<HHIIHH", tag, channels, RATE, RATE * frame, frame, 16)
    if mask is not None:
        form += struct.pack("<HHI", 22, 16, mask) + PCM_GUID
    chunks = b"".join(name + struct.pack("<I", len(body)) + body for name, body in ((b"fmt ", form), (b"data", data)))
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def written(song: Song, format: str, path: Path) -> list[str]:
    return write_song(path, song, format=format)


def by_ffmpeg(path: Path) -> tuple[str, list[int]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        packed = [out for frame in frames for out in av.AudioResampler(format="flt").resample(frame)]
        layout = frames[0].layout
    samples = np.concatenate([frame.to_ndarray().reshape(-1, layout.nb_channels) for frame in packed])
    return layout.name, heard(samples)


@pytest.mark.slow
@pytest.mark.parametrize("name", MASKS)
def test_every_speaker_keeps_its_sound_and_name_or_a_note_says_so(name: str, tmp_path: Path) -> None:
    channels = MASKS[name].bit_count()
    (tmp_path / "song.wav").write_bytes(wav(tones(channels), MASKS[name]))
    song = decode(tmp_path / "song.wav")
    assert (song.layout, names(song.layout)) == (MASKS[name], [c.name for c in av.AudioLayout(name).channels])
    for format, held in HELD.items():
        notes = written(song, format, tmp_path / format)
        layout, order = by_ffmpeg(tmp_path / format)
        assert order == list(range(channels)), format
        assert heard(decode(tmp_path / format).samples) == order, format
        assert (layout == name, notes == []) == (name in held, name in held), format
        if name in held:
            assert decode(tmp_path / format).layout == song.layout, format
        else:
            assert f"{format} can't hold the speakers {' '.join(names(song.layout))}" in notes[0]


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3", "m4a"])
@pytest.mark.parametrize(
    ("mask", "layout"), [(1, 1), (8, 8), (0x600, 0x600), (0x60000000, 0x60000000), (4, 0), (3, 0)]
)
def test_unusual_speakers_of_one_or_two_channels(format: str, mask: int, layout: int, tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(wav(tones(mask.bit_count()), mask))
    song = decode(tmp_path / "song.wav")
    assert song.layout == layout
    notes = written(song, format, tmp_path / "track")
    kept = not layout or format == "wav" or (format == "flac" and layout < 1 << 18)
    assert decode(tmp_path / "track").layout == (layout if kept else 0)
    assert bool(notes) != kept


@pytest.mark.parametrize("channels", [1, 2])
def test_mono_and_stereo_have_no_mask(channels: int, tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(wav(tones(channels), None))
    for format in ("wav", "flac"):
        assert written(decode(tmp_path / "song.wav"), format, tmp_path / format) == []
    assert (tmp_path / "wav").read_bytes()[20:22] == b"\1\0"
    assert not mutagen.flac.FLAC(tmp_path / "flac").tags


@pytest.mark.parametrize("mask", [None, 0, 0x3])
def test_channels_without_speakers_get_none_in_wav_and_a_note_elsewhere(mask: int | None, tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(wav(tones(4), mask))
    song = decode(tmp_path / "song.wav")
    assert song.layout == 0
    assert written(song, "wav", tmp_path / "wav") == []
    assert by_ffmpeg(tmp_path / "wav") == ("4 channels", [0, 1, 2, 3])
    for format in ("flac", "opus", "m4a"):
        notes = written(song, format, tmp_path / format)
        assert notes == ["its 4 channels are for no particular speakers; players take them for FL FR BL BR"]
        assert by_ffmpeg(tmp_path / format)[0] == "quad"


@pytest.mark.parametrize(
    ("channels", "mask", "layout"), [(6, MASKS["7.1"], 0x3F), (2, 0x3F, 0), (1, 3, 0), (4, 0x33, 0x33), (3, 0x3, 0)]
)
def test_masks_of_more_or_fewer_speakers_than_channels(channels: int, mask: int, layout: int, tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(wav(tones(channels), mask))
    song = decode(tmp_path / "song.wav")
    assert (song.layout, heard(song.samples)) == (layout, list(range(channels)))
    assert song.notes == (["its channel mask names 2 of its 3 channels, and was left out"] if channels == 3 else [])


def test_a_note_says_where_only_the_lowest_sounds_are_left(tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(wav(tones(6), MASKS["hexagonal"]))
    assert (
        "LFE keeps nothing but the lowest sounds" in written(decode(tmp_path / "song.wav"), "ogg", tmp_path / "x")[0]
    )


@pytest.mark.parametrize(("tag", "order"), [(121, "012345"), (122, "014523"), (123, "021534"), (124, "120534")])
def test_the_orders_of_core_audio_become_that_of_wav(tag: int, order: str, tmp_path: Path) -> None:
    """MPEG 5.1 A to D: L R C LFE Ls Rs, L R Ls Rs C LFE, L C R Ls Rs LFE, C L R Ls Rs LFE."""
    soundfile.write(tmp_path / "x.caf", tones(6), RATE, format="CAF", subtype="PCM_16")
    data = (tmp_path / "x.caf").read_bytes()
    end = data.index(b"desc") + 12 + 32
    chunk = b"chan" + struct.pack(">qIII", 12, tag << 16 | 6, 0, 0)
    (tmp_path / "x.caf").write_bytes(data[:end] + chunk + data[end:])
    song = decode(tmp_path / "x.caf")
    assert (song.layout, heard(song.samples)) == (MASKS["5.1(side)"], [int(channel) for channel in order])


def movie() -> bytes:
    """A QuickTime file with the channels in an order of its own: MPEG 6.1 A, which is L R C LFE Ls Rs Cs."""
    file = io.BytesIO()
    encode(file, np.round(tones(7) * 32767).astype(np.int16), RATE, "mov", "pcm_s16le", layout="6.1")
    chunk = file.getvalue().index(b"chan") + 8
    return file.getvalue()[:chunk] + struct.pack(">II", 125 << 16 | 7, 0) + file.getvalue()[chunk + 8 :]


def test_an_order_of_its_own_in_a_movie(tmp_path: Path) -> None:
    """PyAV frees such a layout twice, which ends the process, where it is not taken out of the header."""
    (tmp_path / "x.mov").write_bytes(movie())
    for _ in range(5):
        song = decode(tmp_path / "x.mov")
    assert (song.layout, heard(song.samples)) == (MASKS["6.1"], [0, 1, 2, 3, 6, 4, 5])


def test_opus_channels_without_speakers_stay_in_order(tmp_path: Path) -> None:
    family = {"mapping_family": "255"}
    encode(str(tmp_path / "x.opus"), tones(6), RATE, "ogg", "libopus", layout="5.1", encoder=family)
    song = decode(tmp_path / "x.opus")
    assert (song.layout, heard(song.samples)) == (0, [0, 1, 2, 3, 4, 5])


def test_the_mask_of_a_flac_is_no_tag(tmp_path: Path) -> None:
    written(Song("x", tones(6), RATE, "s16", None, layout=MASKS["5.1(side)"]), "flac", tmp_path / "x.flac")
    write_tags(tmp_path / "x.flac", "flac", Tags({"title": ["Tune"]}))
    song = decode(tmp_path / "x.flac")
    assert (song.layout, song.tags.text) == (MASKS["5.1(side)"], {"title": ["Tune"]})
    assert mutagen.flac.FLAC(tmp_path / "x.flac")["waveformatextensible_channel_mask"] == ["0x060F"]


def test_a_large_wav_names_its_speakers(tmp_path: Path) -> None:
    for layout in (MASKS["7.1"], 0):
        song = Song("x", tones(8), RATE, "f32", None, layout=layout)
        with open_track(tmp_path / "x.wav", song, format="wav", expected_samples=2**32 // 4) as track:
            track.write(song.samples)
        assert soundfile.info(tmp_path / "x.wav").format == "RF64"
        assert by_ffmpeg(tmp_path / "x.wav") == ("7.1" if layout else "8 channels", list(range(8)))


def test_more_than_eight_channels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(wav(tones(9), None))
    with pytest.raises(UnreadableAudio, match="has 9 channels, more than 8"):
        decode(tmp_path / "x.wav")
