"""Draw a song above its continuation: `python docs/picture.py SONG TRACK PICTURE.png`.

Log-frequency spectrograms of both on one scale of time and decibels; the line marks where the song ends.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from extrapcli.audio.decode import decode


def main(song_path: Path, track_path: Path, picture: Path) -> None:
    song, track = decode(song_path), decode(track_path)
    figure, axes = plt.subplots(2, 1, figsize=(11, 5.6), sharex=True, sharey=True, layout="constrained")
    for axis, sound, title in zip(axes, (song, track), ("song", "track"), strict=True):
        mono = sound.samples.mean(axis=1)
        *_, image = axis.specgram(
            mono / np.abs(mono).max(),
            NFFT=2048,
            Fs=sound.sample_rate,
            noverlap=0,
            scale="dB",
            mode="magnitude",
            cmap="magma",
            vmin=-110,
            vmax=-20,
        )
        axis.set(
            yscale="symlog", ylim=(50, sound.sample_rate / 2), ylabel="Hz", title=f"{title}, {sound.seconds:.0f} s"
        )
        axis.axvline(song.seconds, color="white", linewidth=1, linestyle="--")
    axes[1].set_xlabel("seconds")
    figure.colorbar(image, ax=axes, label="dB")
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
