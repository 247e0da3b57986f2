"""Compare MP3 encoders: `python benchmarks/mp3.py SONG`.

All use LAME's V4, about 150 kbit/s in stereo: extrap's own way (lameenc), PyAV's libmp3lame, and libsndfile. For
three minutes of the song it prints processor seconds (median of five), bit rate, and signal-to-noise ratio in four
bands over half a minute from the middle. Then it names the sample rates at which the decoded length or position is
wrong, by libsndfile or by FFmpeg.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import CHUNK_SAMPLES, write_song
from extrapcli.audio.formats import MPEG_RATES
from extrapcli.audio.lame import MP3_ALGORITHM_QUALITY, MP3_VBR_QUALITY
from extrapcli.audio.song import Song
from extrapcli.audio.streams import ffmpeg_frame

SECONDS = 180
RUNS = 5
BANDS = ((0, 2000), (2000, 6000), (6000, 12000), (12000, 16000))  # Hz
WINDOW = 2048

Sound = NDArray[np.float32]


def with_extrap(path: Path, sound: Sound, rate: int) -> None:
    write_song(path, Song("sound", sound, rate, "f32", None), format="mp3")


def with_pyav(path: Path, sound: Sound, rate: int) -> None:
    with av.open(str(path), "w", format="mp3", options={"id3v2_version": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono" if sound.shape[1] == 1 else "stereo")
        stream.codec_context.format = "fltp"
        stream.codec_context.qscale = True  # variable bit rate
        stream.codec_context.global_quality = MP3_VBR_QUALITY
        stream.codec_context.options = {"compression_level": str(MP3_ALGORITHM_QUALITY)}
        stream.time_base = Fraction(1, rate)
        resampler = av.AudioResampler(format="fltp")
        for start in range(0, len(sound), CHUNK_SAMPLES):
            packed = ffmpeg_frame(
                sound[start : start + CHUNK_SAMPLES], sample_rate=rate, position=start, layout=stream.layout
            )
            for planar in resampler.resample(packed):
                container.mux(stream.encode(planar))
        container.mux(stream.encode(None))


def with_libsndfile(path: Path, sound: Sound, rate: int) -> None:
    soundfile.write(path, sound, rate, format="MP3")


ENCODERS: dict[str, Callable[[Path, Sound, int], None]] = {
    "extrap (lameenc)": with_extrap,
    "PyAV (libmp3lame)": with_pyav,
    "soundfile.write": with_libsndfile,
}


def decoded_by_libsndfile(path: Path) -> Sound:
    sound: Sound = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return sound


def spectrum(sound: Sound, rate: int) -> NDArray[np.complex128]:
    part = sound[75 * rate : 105 * rate, 0]
    windows = np.lib.stride_tricks.sliding_window_view(part, WINDOW)[:: WINDOW // 2]
    return np.fft.rfft(windows * np.hanning(WINDOW))


def signal_to_noise(decoded: Sound, sound: Sound, rate: int) -> list[str]:
    """Return the ratio in dB in each band."""
    before, after = spectrum(sound, rate), spectrum(decoded, rate)
    frequency = np.fft.rfftfreq(WINDOW, 1 / rate)
    ratios = []
    for low, high in BANDS:
        band = (frequency >= low) & (frequency < high)
        signal, noise = np.square(np.abs(before[:, band])).sum(), np.square(np.abs((after - before)[:, band])).sum()
        ratios.append(f"{10 * np.log10(signal / noise):.1f}")
    return ratios


def compare_sound(song: Path, path: Path) -> None:
    source = decode(song)
    rate = source.sample_rate
    sound = np.resize(source.samples, (SECONDS * rate, source.channels)).astype(np.float32)
    for name, encode in ENCODERS.items():
        times = []
        for _ in range(RUNS):
            started = time.process_time()
            encode(path, sound, rate)
            times.append(time.process_time() - started)
        kilobits = path.stat().st_size * 8 / SECONDS / 1000
        ratios = " ".join(signal_to_noise(decoded_by_libsndfile(path), sound, rate))
        print(f"{name}: {np.median(times):.2f} s, {kilobits:.0f} kbit/s, {ratios} dB", flush=True)


def compare_length(path: Path) -> None:
    for name, encode in ENCODERS.items():
        wrong = []
        for rate in MPEG_RATES:
            for channels in (1, 2):
                t = np.arange(3 * rate + 123) / rate
                tone = 0.5 * np.sin(2 * np.pi * 440 * t) * np.exp(-12 * (t % 0.2))
                sound = np.repeat(tone[:, None], channels, axis=1).astype(np.float32)
                encode(path, sound, rate)
                for decoded in (decoded_by_libsndfile(path), decode(path).samples.astype(np.float32)):
                    if (extra := len(decoded) - len(sound)) or lag(sound[:, 0], decoded[:, 0]):
                        wrong.append(f"{rate} Hz, {channels} channels: {extra:+} samples")
                        break
        print(f"{name}: {'; '.join(wrong) or 'exact at every sample rate'}", flush=True)


def lag(one: NDArray[np.floating], other: NDArray[np.floating]) -> int:
    """Return by how many samples `other` is later than `one`."""
    size = 2 * max(len(one), len(other))
    correlation = np.fft.irfft(np.conj(np.fft.rfft(one, size)) * np.fft.rfft(other, size), size)
    peak = int(np.argmax(correlation))
    return peak if peak < size // 2 else peak - size


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        compare_sound(Path(sys.argv[1]), Path(folder) / "track.mp3")
        compare_length(Path(folder) / "track.mp3")
