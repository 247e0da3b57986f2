"""Live tracks that are taken without a device, and turned on the way."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.decode import decode, song_from_samples
from extrapcli.audio.song import Song
from extrapcli.extrapolators.base import Style
from extrapcli.model import Model, load
from extrapcli.play.live_track import LiveTrack
from tests.conftest import SONG, chord

CLIPS = SONG.parent / "clips"
MUCH_PATIENCE = 100.0
MOST_WAITS = 600  # for a tenth of a second each, on a busy machine
Act = Callable[[LiveTrack], None]


@cache
def recall() -> Model:
    return load("recall", device="cpu")


def pulse() -> Song:
    return decode(CLIPS / "ivory-tower.opus")


def no_pulse() -> Song:
    return decode(CLIPS / "main-theme.opus")


def noise() -> Song:
    sound = np.random.default_rng(3).normal(scale=0.1, size=(30 * 16000, 1))
    return song_from_samples(sound.astype(np.float32), 16000, "noise")


def nine_seconds() -> Song:
    return song_from_samples(chord(9, 22050, 2).astype(np.float32), 22050, "nine seconds")


def ends() -> Song:
    """Thirty seconds that die away."""
    sound = chord(30, 8000, 1)
    sound[-16000:] *= np.geomspace(1, 1e-4, 16000)[:, None]
    return song_from_samples(sound.astype(np.float32), 8000, "ends")


SONGS = {made.__name__: made for made in (pulse, no_pulse, noise, nine_seconds, ends)}


def turns(track: LiveTrack) -> None:
    track.turn(jumps=True)


def livelier(track: LiveTrack) -> None:
    track.turn(livelier=0.5)


def calmer(track: LiveTrack) -> None:
    track.turn(livelier=-0.5)


def live(song: Song, style: Style | None = None, wanted_seconds: float | None = None) -> LiveTrack:
    wanted = None if wanted_seconds is None else round(wanted_seconds * song.sample_rate)
    return LiveTrack(song, lambda: song, recall, style or Style(), wanted)


def take(
    track: LiveTrack,
    seconds: float,
    acts: Mapping[float, Act] | None = None,
    *,
    patience: float = MUCH_PATIENCE,
    piece: float = 0.25,
) -> NDArray[np.floating]:
    """Take a track up to some second, or its end, and act when it has come to some seconds."""
    rate, left = track.song.sample_rate, dict(acts or {})
    until = round(seconds * rate)
    pieces: list[NDArray[np.floating]] = []
    waited = 0
    while track.position < until:
        for second in [second for second in left if second * rate <= track.position]:
            left.pop(second)(track)
        taken = track.take(min(round(piece * rate), until - track.position), patience)
        if taken is None:
            break
        pieces.append(taken.copy())
        waited = 0 if len(taken) else waited + 1
        assert waited < MOST_WAITS, f"nothing goes on at {track.position / rate:.2f} s"
    return np.concatenate(pieces)


def made_again(track: LiveTrack) -> NDArray[np.floating]:
    return np.concatenate(list(track.again(track.heard)))
