"""Draw a track and where in its song each moment comes from: `python docs/picture.py SONG TRACK JSON PICTURE.png`.

JSON is the line that `extrap continue --json` printed for the track.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray
from PIL import Image

from extrapcli.audio.decode import decode

WINDOW = 8192  # samples
COLUMNS, BANDS = 480, 96  # pixels of the spectrogram, before they are smoothed
LOWEST, HIGHEST = 40.0, 16000.0  # Hz
FLOOR_DECIBELS = -75.0
LAYERS = {  # label, colour, line width: where both layers play the same seconds, both lines are seen
    "harmonic": ("harmonic layer (sustained notes)", "#2b7bba", 5),
    "percussive": ("percussive layer (drums, attacks)", "#f28e2b", 2.5),
}
HEAD_COLOUR = "#333333"


def main(song_path: Path, track_path: Path, facts_path: Path, picture: Path) -> None:
    song, track = decode(song_path), decode(track_path)
    joins = json.loads(facts_path.read_text())["joins"]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(11, 5.4), sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    draw_spectrogram(above, track.samples.mean(axis=1), track.sample_rate)
    for axis in (above, below):
        axis.axvline(song.seconds, color="white" if axis is above else HEAD_COLOUR, linewidth=1.5, linestyle="--")
    for seconds, text in ((song.seconds / 2, "your song"), ((song.seconds + track.seconds) / 2, "added by extrap")):
        above.text(seconds, 1.03, text, ha="center", fontsize=13, transform=above.get_xaxis_transform())
    draw_positions(below, joins, song.seconds, track.seconds)
    below.set(xlabel="seconds of the track", ylabel="is taken from\nthis second of the song")
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).convert("RGB").quantize(128).save(picture, optimize=True)  # a fifth of the size


def draw_spectrogram(axis: Axes, mono: NDArray[np.floating], rate: int) -> None:
    """Show how strong each pitch is over time, low notes at the bottom."""
    starts = np.linspace(0, len(mono) - WINDOW, COLUMNS).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)[starts] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.geomspace(LOWEST, min(HIGHEST, rate / 2), BANDS + 1)
    bins = np.maximum(np.diff(np.round(edges * WINDOW / rate).astype(int), append=0), 1)[:-1]
    first = np.round(edges[:-1] * WINDOW / rate).astype(int)
    bands = np.stack([power[:, k : k + n].mean(axis=1) for k, n in zip(first, bins, strict=True)])
    decibels = 10 * np.log10(bands / bands.max() + 1e-12)
    axis.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        extent=(0, len(mono) / rate, 0, BANDS),
        cmap="magma",
        vmin=FLOOR_DECIBELS,
        vmax=-5,
        interpolation="bilinear",
    )
    ticks = np.array([50, 100, 200, 500, 1000, 2000, 5000, 10000])
    at = np.interp(np.log(ticks), np.log(edges), np.arange(BANDS + 1))
    axis.yaxis.set_major_locator(FixedLocator(at.tolist()))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(
        FuncFormatter(lambda _, k: f"{ticks[k] // 1000} kHz" if ticks[k] >= 1000 else f"{ticks[k]} Hz")
    )
    axis.set_ylabel("pitch")


def draw_positions(axis: Axes, joins: list[dict[str, Any]], song_seconds: float, track_seconds: float) -> None:
    """Draw each stretch that is played as it stands as a rising line, from one jump to the next."""
    axis.plot([0, joins[0]["seconds"]], [0, joins[0]["seconds"]], color=HEAD_COLOUR, linewidth=3, label="the song")
    for layer, (label, colour, width) in LAYERS.items():
        jumps = [join for join in joins if join["jump"] and join["jump"]["layer"] in ("all", layer)]
        ends = [join["seconds"] for join in jumps[1:]] + [track_seconds]
        for join, end in zip(jumps, ends, strict=True):
            begin, position = join["seconds"], join["jump"]["to_seconds"]
            axis.plot(
                [begin, end],
                [position, position + end - begin],
                color=colour,
                linewidth=width,
                label=label if join is jumps[0] else None,
            )
    axis.set(xlim=(0, track_seconds), ylim=(0, song_seconds * 1.02))
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right", framealpha=0.95)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
