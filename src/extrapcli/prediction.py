"""The use case: one song in, what a model predicts of it out, each sample from the few before it."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.amplitude import linear
from extrapcli.amplitude.network import ahead, check
from extrapcli.atomic import atomic_file
from extrapcli.audio.encode import open_track
from extrapcli.audio.formats import FORMATS
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.models import find_model, folders
from extrapcli.naming import check_destination, choose_format, read_song, track_path
from extrapcli.pipeline import Progress
from extrapcli.spec import SampleSpec, expect

DEFAULT = "amplitude"
LONG = "-long"  # behind a model's name: the one that has learned to predict from any number of samples
SIXTEEN_BIT = 32768.0
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Wish:
    """What `extrap predict` was asked for; None leaves the choice to extrap."""

    model: str = DEFAULT
    look_back: int | None = None
    out: Path | None = None
    into_folder: bool = False  # whether `out` was named as a folder
    backend: str = "auto"
    device: str = "auto"
    format: str | None = None
    threads: int | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Error:
    """The squared error of a prediction, in dB of the song's own mean square, and in 16-bit units."""

    decibels: float
    squared_16_bit: float

    @classmethod
    def of(cls, predicted: NDArray[np.floating], song: NDArray[np.floating]) -> "Error":
        error = float(np.square(predicted - song, dtype=np.float64).mean())
        level = float(np.square(song, dtype=np.float64).mean())
        decibels = 10 * np.log10(max(error, np.finfo(float).tiny) / level)
        return cls(round(float(decibels), 2), round(error * SIXTEEN_BIT**2, 1))


@dataclass(frozen=True)
class Prediction:
    """A prediction that was written, and its error beside that of two others.

    `linear_prediction` is of the same order, its weights fitted to each channel of this very song; `last_sample`
    takes each sample for the next.
    """

    song: str
    path: Path
    format: str
    samples: int
    sample_rate: int
    channels: int
    model: str
    backend: str
    device: str
    look_back: int
    error: Error
    linear_prediction: Error
    last_sample: Error

    @property
    def errors(self) -> dict[str, Error]:
        """The errors by what they are of, in words."""
        return {
            f"{self.model}, from {self.look_back} samples": self.error,
            "linear prediction from as many, fitted to this song": self.linear_prediction,
            "the last sample again": self.last_sample,
        }

    def to_json(self) -> str:
        facts = asdict(self)
        facts["track"] = str(facts.pop("path"))
        return json.dumps(facts)


def predict_song(source: Path, wish: Wish, progress: Progress) -> Prediction:
    """Write the one-step-ahead prediction of a song, at the model's rate, and measure it.

    Raises as `open_model`, `decode` and `atomic_file` do, UnusableModel where the model predicts no samples.
    """
    check_destination([source], wish.out, into_folder=wish.into_folder)
    backend, look_back = _opened(wish)
    song = _at_rate(read_song(source), expect(backend.spec, SampleSpec).sample_rate)
    format = choose_format(wish.format, wish.out, song)
    path = track_path(source, wish.out, f"-predicted{FORMATS[format].suffixes[0]}")
    progress.decoded(song.name, song.seconds)
    with atomic_file(path, source=source, overwrite=wish.overwrite) as whole:
        predicted = _predicted(backend, song.samples, look_back, progress)
        with open_track(
            whole,
            format=format,
            sample_rate=song.sample_rate,
            channels=song.channels,
            depth=song.depth,
            expected_samples=len(predicted),
        ) as track:
            track.write(predicted)
    linearly = [linear.predict(linear.fit([channel], look_back), channel) for channel in song.samples.T]
    return Prediction(
        song=song.name,
        path=path,
        format=format,
        samples=len(predicted),
        sample_rate=song.sample_rate,
        channels=song.channels,
        model=backend.spec.name,
        backend=backend.name,
        device=backend.device,
        look_back=look_back,
        error=Error.of(predicted, song.samples),
        linear_prediction=Error.of(np.stack(linearly, axis=1), song.samples),
        last_sample=Error.of(np.concatenate([0 * song.samples[:1], song.samples[:-1]]), song.samples),
    )


def _opened(wish: Wish) -> tuple[Backend, int]:
    """The model to predict with, and from how many samples: NAME or, for more or fewer than it has, NAME-long."""

    def opened(name: str) -> Backend:
        return open_model(find_model(name), backend=wish.backend, device=wish.device, threads=wish.threads)

    backend = opened(wish.model)
    look_back = wish.look_back or check(backend.spec)
    if look_back != check(backend.spec) and f"{wish.model}{LONG}" in {folder.name for folder in folders()}:
        backend = opened(f"{wish.model}{LONG}")
    if look_back > (most := check(backend.spec)):
        raise UsageError(
            f"--look-back {look_back} is out of range: {backend.spec.name} has learned to predict from {most} "
            "samples at most; train another (extrap train --recipe amplitude-long)"
        )
    return backend, look_back


def _at_rate(song: Song, rate: int) -> Song:
    return replace(song, samples=resample(song.samples, from_rate=song.sample_rate, to_rate=rate), sample_rate=rate)


def _predicted(backend: Backend, samples: NDArray[np.floating], look_back: int, progress: Progress) -> Samples:
    """Each channel `(n,)` of a sound predicted by itself, brought to unit deviation for the model and back."""
    channels: list[Samples] = []
    for channel in samples.T.astype(np.float32):
        level = channel.std(dtype=np.float64) or 1.0
        pieces = []
        for piece in ahead(backend, channel / np.float32(level), look_back):
            pieces.append(piece)
            done = len(channels) * len(samples) + sum(map(len, pieces))
            progress.written(done / samples.size, 0)
        channels.append(np.concatenate(pieces) * np.float32(level))
    return np.stack(channels, axis=1)
