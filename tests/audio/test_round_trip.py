"""Writing and reading back: exact in lossless formats, the same length without a shift in lossy ones."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track
from extrapcli.audio.formats import FORMATS, format_of, unsupported
from extrapcli.audio.song import Samples, Song

STEPS = {"u8": 2**7, "s8": 2**7, "s16": 2**15, "s24": 2**23, "s32": 2**31}
SUBTYPES = {"u8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT", "f64": "DOUBLE"}


def write(path: Path, sound: Samples, format: str, rate: int, depth: str = "f32", block: int = 3001) -> Path:
    song = Song("noise", sound, rate, depth, None)
    with open_track(path, song, format=format, expected_samples=len(sound)) as track:
        for start in range(0, len(sound), block):
            track.write(sound[start : start + block])
    return path


def noise(rng: np.random.Generator, n: int, channels: int, depth: str) -> Samples:
    """Noise that the given depth holds exactly, including its extremes."""
    if depth in STEPS:
        step = STEPS[depth]
        sound = rng.integers(-step, step, (n, channels)) / step
        sound[0], sound[1] = -1, (step - 1) / step
    else:
        sound = rng.normal(size=(n, channels))
    return sound.astype(np.float64) if depth in ("s32", "f64") else sound.astype(np.float32)


@pytest.mark.parametrize("depth", SUBTYPES)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_wav_keeps_every_bit(depth: str, channels: int, rng: np.random.Generator, tmp_path: Path) -> None:
    sound = noise(rng, 5000, channels, depth)
    song = decode(write(tmp_path / "x.partial", sound, "wav", 44100, depth))
    np.testing.assert_array_equal(song.samples, sound)
    assert (song.depth, song.format, song.samples.dtype) == (depth, "wav", sound.dtype)


@pytest.mark.parametrize("depth", ["f32", "f64"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_float_wav_holds_no_time_of_writing(depth: str, channels: int, tmp_path: Path) -> None:
    written = write(tmp_path / "a.wav", np.ones((100, channels)), "wav", 8000, depth).read_bytes()
    peak = written.index(b"PEAK")
    assert written[peak + 12 : peak + 16] == bytes(4)
    assert written[peak + 16 : peak + 20] == np.float32(1).tobytes()


@pytest.mark.parametrize(
    ("depth", "kept"), [("u8", "s8"), ("s8", "s8"), ("s16", "s16"), ("s24", "s24"), ("s32", "s32")]
)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_flac_keeps_every_bit_of_integers(
    depth: str, kept: str, channels: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    sound = noise(rng, 5000, channels, depth)
    song = decode(write(tmp_path / "x", sound, "flac", 44100, depth))
    np.testing.assert_array_equal(song.samples, sound)
    assert (song.depth, song.format) == (kept, "flac")


@pytest.mark.parametrize("depth", ["f32", "f64"])
def test_flac_rounds_floats_to_24_bits(depth: str, rng: np.random.Generator, tmp_path: Path) -> None:
    sound = noise(rng, 5000, 1, depth)
    sound[np.abs(sound) > 0.99] = 0.99
    song = decode(write(tmp_path / "x", sound, "flac", 44100, depth))
    assert np.abs(song.samples - sound).max() <= 2**-24


@pytest.mark.parametrize("depth", SUBTYPES)
def test_wavs_from_other_programs_are_read_exactly(depth: str, rng: np.random.Generator, tmp_path: Path) -> None:
    sound = noise(rng, 500, 2, depth)
    if depth in STEPS:
        raw = np.rint(sound.astype(np.float64) * STEPS[depth]).astype(np.int64) * (2**31 // STEPS[depth])
        soundfile.write(tmp_path / "x.wav", raw.astype(np.int32), 8000, subtype=SUBTYPES[depth])
    else:
        soundfile.write(tmp_path / "x.wav", sound, 8000, subtype=SUBTYPES[depth])
    np.testing.assert_array_equal(decode(tmp_path / "x.wav").samples, sound)


@pytest.mark.parametrize("format", ["wav", "flac"])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000, 192000])
def test_rates_are_kept(format: str, rate: int, rng: np.random.Generator, tmp_path: Path) -> None:
    sound = noise(rng, 1000, 2, "s16")
    song = decode(write(tmp_path / "x", sound, format, rate, "s16"))
    assert song.sample_rate == rate
    np.testing.assert_array_equal(song.samples, sound)


def bursts(n: int, channels: int, rate: int, lowest: float = 400) -> NDArray[np.float32]:
    """Decaying tones five times a second, at a different pitch in each channel."""
    t = np.arange(n) / rate
    tones = [np.sin(2 * np.pi * lowest * (1 + 0.3 * c) * t) for c in range(channels)]
    return (0.5 * np.stack(tones, axis=1) * np.exp(-12 * (t % 0.2))[:, None]).astype(np.float32)


def lag(a: NDArray[np.floating], b: NDArray[np.floating]) -> int:
    """Return by how many samples `b` is later than `a`."""
    size = 2 * max(len(a), len(b))
    correlation = np.fft.irfft(np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size), size)
    peak = int(np.argmax(correlation))
    return peak if peak < size // 2 else peak - size


LOSSY = [
    (format, rate, channels)
    for format, rate, channels in product(("ogg", "opus", "mp3", "m4a"), (8000, 16000, 22050, 44100, 48000), (1, 2))
    if unsupported(format, rate, channels) is None
]


@pytest.mark.slow
@pytest.mark.parametrize(("format", "rate", "channels"), LOSSY)
@pytest.mark.parametrize("odd", [0, 123])
def test_lossy_formats_keep_length_time_and_sound(
    format: str, rate: int, channels: int, odd: int, tmp_path: Path
) -> None:
    sound = bursts(3 * rate + odd, channels, rate)
    song = decode(write(tmp_path / "x", sound, format, rate))
    assert song.samples.shape == sound.shape
    assert (song.sample_rate, song.format, song.depth) == (rate, format, "f32")
    for channel in range(channels):
        assert lag(sound[:, channel], song.samples[:, channel]) == 0
        assert np.corrcoef(sound[:, channel], song.samples[:, channel])[0, 1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("format", [name for name, format in FORMATS.items() if format.max_channels == 8])
@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_keep_their_order(format: str, channels: int, tmp_path: Path) -> None:
    sound = bursts(2 * 48000, channels, 48000, lowest=40)
    song = decode(write(tmp_path / "x", sound, format, 48000))
    for channel in range(channels):
        correlation = [abs(np.corrcoef(song.samples[:, channel], other)[0, 1]) for other in sound.T]
        assert int(np.argmax(correlation)) == channel


@pytest.mark.parametrize("format", ["ogg", "opus"])
def test_ffmpeg_reads_the_same_channel_order(format: str, tmp_path: Path) -> None:
    import av

    sound = bursts(48000, 6, 48000, lowest=40)
    write(tmp_path / "x", sound, format, 48000)
    with av.open(str(tmp_path / "x")) as container:
        by_ffmpeg = np.concatenate([frame.to_ndarray().T for frame in container.decode(audio=0)])
    for channel in (0, 1, 2, 4, 5):
        correlation = [abs(np.corrcoef(by_ffmpeg[: len(sound), channel], other)[0, 1]) for other in sound.T]
        assert int(np.argmax(correlation)) == channel


def test_minutes_of_ogg_in_one_block_do_not_crash(rng: np.random.Generator, tmp_path: Path) -> None:
    sound = noise(rng, 180 * 22050, 1, "f32") * np.float32(0.1)
    write(tmp_path / "x", sound, "ogg", 22050, block=len(sound))
    assert soundfile.info(tmp_path / "x").frames == len(sound)


@pytest.mark.parametrize(("gigabytes", "container"), [(3.9, "WAV"), (4.1, "RF64")])
def test_wav_beyond_four_gigabytes_is_rf64(gigabytes: float, container: str, tmp_path: Path) -> None:
    samples, song = int(gigabytes * 2**30 / 4), Song("silence", np.zeros((1000, 2), np.float32), 44100, "s16", None)
    with open_track(tmp_path / "x", song, format="wav", expected_samples=samples) as track:
        track.write(song.samples)
    assert soundfile.info(tmp_path / "x").format == container


def test_samples_beyond_full_scale_are_clipped_not_wrapped(tmp_path: Path) -> None:
    loud = np.array([[1.5], [-1.5], [0.5]], np.float32).repeat(2000, axis=0)
    song = decode(write(tmp_path / "x", loud, "wav", 8000, "s16"))
    np.testing.assert_allclose(song.samples[::2000, 0], [1, -1, 0.5], atol=1e-4)


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_is_an_os_error(format: str, rng: np.random.Generator) -> None:
    with pytest.raises(OSError):
        write(Path("/dev/full"), noise(rng, 500_000, 1, "f32"), format, 48000)


def test_formats_by_suffix_and_what_they_support() -> None:
    assert [format_of(Path(name)) for name in ("a.WAV", "a.mp3", "a.oga", "a.xyz", "a")] == [
        "wav", "mp3", "ogg", None, None,
    ]  # fmt: skip
    assert unsupported("opus", 48000, 2) is None
    assert "44100" in (unsupported("opus", 44100, 2) or "")
    assert "6" in (unsupported("mp3", 44100, 6) or "")


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_samples_give_the_same_bytes(format: str, tmp_path: Path, rng: np.random.Generator) -> None:
    sound = rng.normal(0, 0.1, size=(60_000, 2)).astype(np.float32)
    one, two = (write(tmp_path / f"{name}.{format}", sound, format, 48000, "s16") for name in "ab")
    assert one.read_bytes() == two.read_bytes()
