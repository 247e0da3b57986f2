"""MP3 encoding of three minutes beside a plain `soundfile.write`: `mp3.py SONG`.

Prints processor seconds, bit rate, and the signal-to-noise ratio in four bands of half a minute from the middle.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.encode import open_track

SECONDS = 180
BANDS = ((0, 2000), (2000, 6000), (6000, 12000), (12000, 16000))  # Hz
WINDOW = 2048


def spectrum(sound: NDArray[np.float32], rate: int) -> NDArray[np.complex128]:
    part = sound[75 * rate : 105 * rate, 0]
    windows = np.lib.stride_tricks.sliding_window_view(part, WINDOW)[:: WINDOW // 2]
    return np.fft.rfft(windows * np.hanning(WINDOW))


def main(song: Path) -> None:
    source = decode(song)
    rate, channels = source.sample_rate, source.channels
    sound = np.resize(source.samples, (SECONDS * rate, channels)).astype(np.float32)

    def ours(path: Path) -> None:
        with open_track(
            path, format="mp3", sample_rate=rate, channels=channels, depth="f32", expected_samples=len(sound)
        ) as track:
            track.write(sound)

    ways: dict[str, Callable[[Path], None]] = {
        "soundfile.write": lambda path: soundfile.write(path, sound, rate),
        "extrap": ours,
    }
    truth = spectrum(sound, rate)
    frequency = np.fft.rfftfreq(WINDOW, 1 / rate)
    with tempfile.TemporaryDirectory() as folder:
        for name, write in ways.items():
            path = Path(folder) / "track.mp3"
            times = []
            for _ in range(5):
                started = time.process_time()
                write(path)
                times.append(time.process_time() - started)
            back = spectrum(soundfile.read(path, dtype="float32", always_2d=True)[0], rate)
            ratios = []
            for low, high in BANDS:
                band = (frequency >= low) & (frequency < high)
                noise = np.square(np.abs(back - truth)[:, band]).sum()
                ratios.append(f"{10 * np.log10(np.square(np.abs(truth)[:, band]).sum() / noise):.1f}")
            kilobits = path.stat().st_size * 8 / SECONDS / 1000
            print(f"{name}: {np.median(times):.2f} s, {kilobits:.0f} kbit/s, {' '.join(ratios)} dB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
