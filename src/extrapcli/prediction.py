"""Predicting every sample of a song from the few before it, and measuring how well that goes."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.amplitude import linear, network
from extrapcli.analysis import Analysis
from extrapcli.analysis.summary import clock
from extrapcli.atomic import atomic_file
from extrapcli.audio.encode import write_song
from extrapcli.audio.formats import FORMATS, unsupported
from extrapcli.audio.resample import resample
from extrapcli.backends import open_model
from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.extrapolators.compose import NextBar, next_bars
from extrapcli.models import COMPOSER, find_model, folders
from extrapcli.naming import Source, check_destination, choose_format, read_song, track_path
from extrapcli.progress import NoProgress, Progress
from extrapcli.ranges import MOST_LOOK_BACK, check_whole
from extrapcli.spec import PlannerSpec, SampleSpec, expect

DEFAULT_MODEL = "amplitude"
LEAST_SHOWN = 0.001  # probability
LONG = "-long"  # after a model's name: the one that was trained on any number of samples
SIXTEEN_BIT = 32768.0


@dataclass(frozen=True)
class PredictionOptions:
    """How a song is to be predicted; None leaves the choice to extrap."""

    model: str = DEFAULT_MODEL
    look_back: int | None = None
    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    format: str | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class SquaredError:
    """The mean squared error of a prediction, in dB relative to the song's mean square and in 16-bit units."""

    decibels: float
    squared_16_bit: float

    @classmethod
    def of(cls, predicted: NDArray[np.floating], samples: NDArray[np.floating]) -> "SquaredError":
        error = float(np.square(predicted - samples, dtype=np.float64).mean())
        level = float(np.square(samples, dtype=np.float64).mean())
        decibels = 10 * np.log10(max(error, np.finfo(float).tiny) / level)
        return cls(round(float(decibels), 2), round(error * SIXTEEN_BIT**2, 1))


@dataclass(frozen=True)
class Prediction:
    """A prediction that was written, and its error beside that of two others.

    `linear_prediction` looks back as far, with weights fitted to each channel of this song. `last_sample` repeats
    each sample as the prediction of the next. `notes` say, each in a sentence, what was lost on the way.
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
    error: SquaredError
    linear_prediction: SquaredError
    last_sample: SquaredError
    notes: list[str]

    def to_json(self) -> str:
        facts = asdict(self)
        facts["track"] = str(facts.pop("path"))
        return json.dumps(facts)


@dataclass(frozen=True)
class NextBars:
    """How likely each bar of a song is to come after the last one before its ending, in the song's order."""

    song: str
    model: str
    bars: list[NextBar]

    @property
    def last(self) -> NextBar:
        """The bar after which they could come."""
        return self.bars[-1]

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"after": self.last.bar})

    def lines(self) -> list[str]:
        """Say it in a line for each bar, the likeliest first."""
        likeliest = sorted(self.bars, key=lambda bar: -bar.probability)
        return [f"bar {bar.bar} at {clock(bar.seconds)}\t{_percent(bar.probability)}" for bar in likeliest]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= LEAST_SHOWN else f"below {100 * LEAST_SHOWN:g} %"


def predict_next_bar(
    source: Path, model: str = COMPOSER, *, backend: str = "auto", device: str = "auto", threads: int | None = None
) -> NextBars:
    """Say how likely each bar of a song is to come next, by `compose` or another model that plans.

    Raises as `open_model`, `decode` and `next_bars` do.
    """
    opened = open_model(find_model(model), backend=backend, device=device, threads=threads)
    expect(opened.spec, PlannerSpec)
    song = read_song(source)
    return NextBars(song.name, opened.spec.name, next_bars(Analysis(song.as_heard), opened))


def predict_song(
    source: Path,
    out: Path | None,
    options: PredictionOptions,
    *,
    into_folder: bool = False,
    progress: Progress | None = None,
) -> Prediction:
    """Write the prediction of a song, at the model's sample rate, and measure it.

    Predicted and measured is what is heard; the song's offset (DC) is added to it. It goes to `out`, a file, a folder
    or `-`, or beside the song. Raises as `open_model`, `decode` and `atomic_file` do, UnusableModel where the model
    does not predict samples, and UsageError where it can't look back so far.
    """
    progress = progress or NoProgress()
    check_destination([Source(source)], out, into_folder=into_folder)
    backend, look_back = open_predictor(options)
    song, rate = read_song(source), expect(backend.spec, SampleSpec).sample_rate
    samples, offset = (
        resample(sound, from_rate=song.sample_rate, to_rate=rate) for sound in (song.heard, song.samples - song.heard)
    )
    format = choose_format(options.format, out, replace(song, samples=samples, sample_rate=rate))
    if reason := unsupported(format, rate, song.channels):
        raise UsageError(f"{song.name}: {reason}", hint="format")
    path = track_path(source, out, f"-predicted{FORMATS[format].suffixes[0]}")
    progress.decoded(song.name, song.seconds)
    with atomic_file(path, source=source, overwrite=options.overwrite) as whole:
        predicted = predict_samples(backend, samples, look_back, lambda share: progress.written(share, 0))
        made = replace(song, samples=predicted + offset, sample_rate=rate)
        notes = write_song(whole, made, format=format)
    progress.doing("measuring the prediction")
    linearly = [linear.predict(linear.fit([channel], look_back), channel) for channel in samples.T]
    return Prediction(
        song=song.name,
        path=path,
        format=format,
        samples=len(predicted),
        sample_rate=rate,
        channels=song.channels,
        model=backend.spec.name,
        backend=backend.name,
        device=backend.device,
        look_back=look_back,
        error=SquaredError.of(predicted, samples),
        linear_prediction=SquaredError.of(np.stack(linearly, axis=1), samples),
        notes=[*song.notes, *notes],
        last_sample=SquaredError.of(np.concatenate([0 * samples[:1], samples[:-1]]), samples),
    )


def predict_samples(
    backend: Backend,
    samples: NDArray[np.floating],
    look_back: int,
    on_progress: Callable[[float], None] = lambda share: None,
) -> NDArray[np.float32]:
    """Predict each sample of `(n, channels)` at the model's sample rate from the `look_back` before it.

    Each channel is predicted by itself, and has any level. `on_progress` is called with the share that is done, 0 to
    1. `backend` runs a SampleSpec.
    """
    channels: list[NDArray[np.float32]] = []
    for channel in samples.T.astype(np.float32):
        level = np.float32(channel.std(dtype=np.float64) or 1.0)
        chunks = []
        for chunk in network.predict(backend, channel / level, look_back):
            chunks.append(chunk)
            on_progress((len(channels) * len(samples) + sum(map(len, chunks))) / samples.size)
        channels.append(np.concatenate(chunks) * level)
    return np.stack(channels, axis=1)


def open_predictor(options: PredictionOptions) -> tuple[Backend, int]:
    """Open the model for a look-back, and return that too.

    Where the model NAME was trained on another number of samples and there is a NAME-long, that one is opened.
    """
    if options.look_back is not None:
        check_whole("look-back", options.look_back, 1, MOST_LOOK_BACK, "samples")

    def opened(name: str) -> tuple[Backend, int]:
        backend = open_model(
            find_model(name), backend=options.backend, device=options.device, threads=options.threads
        )
        return backend, expect(backend.spec, SampleSpec).look_back

    backend, longest = opened(options.model)
    look_back = longest if options.look_back is None else options.look_back
    if look_back != longest and f"{options.model}{LONG}" in {folder.name for folder in folders()}:
        backend, longest = opened(f"{options.model}{LONG}")
    if look_back > longest:
        raise UsageError(
            f"a look-back of {look_back} samples is too long for {backend.spec.name}, which predicts from {longest}",
            hint="look_back",
        )
    return backend, look_back
