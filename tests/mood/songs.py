"""A song that is calm at first and lively afterwards."""

from dataclasses import replace

import numpy as np

from extrapcli.audio.song import Song
from tests.analysis.band import RATE, band


def calm_then_lively(seconds: float = 40.0) -> Song:
    """The same band plays both halves: soft and dull, then as it is. It is cut off."""
    beats = np.full(round(seconds), 0.5)
    lively, _ = band(beats, 4, lead=0.0)
    lively = lively[: round(len(beats) * 0.5 * RATE)]
    calm = 0.3 * np.convolve(lively, np.hanning(60) / np.hanning(60).sum(), "same")
    return Song("two halves", np.concatenate([calm, lively]).astype(np.float32)[:, None], RATE, "f32", "wav")


def fading(song: Song, seconds: float = 6.0) -> Song:
    """Return a song with a fade-out."""
    count = round(seconds * song.sample_rate)
    samples = song.samples.copy()
    samples[-count:] *= np.linspace(1, 0, count, dtype=np.float32)[:, None] ** 2
    return replace(song, samples=samples)
