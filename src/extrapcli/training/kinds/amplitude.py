"""`amplitude`, the network that predicts the next sample of a sound from the few before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from extrapcli.amplitude import linear, network
from extrapcli.amplitude.stability import Stability, stability
from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.networks.settings import AmplitudeSettings
from extrapcli.spec import SampleSpec
from extrapcli.training.batches import Batches
from extrapcli.training.corpus import Corpus, Shard, content_hash, decoded, prepare
from extrapcli.training.kinds.base import TENSORS, Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import DataSettings, SampleSettings

if TYPE_CHECKING:
    import keras
    import onnx

SAMPLE_RATE = 22050
QUIETEST = 0.001 * 32768  # channels are divided by no smaller deviation, -60 dB: near-silence stays quiet
ROLLOUT_SONGS = 8  # that the network and linear prediction continue from their own predictions, one channel of each
ROLLOUT_SECONDS = 3
COMPARED_STEPS = 3  # of a rollout, on which the backends are compared; rounding makes longer ones diverge

Predict = Callable[[NDArray[np.float32]], NDArray[np.floating]]
"""Predicts each sample of a signal from those before it."""


@dataclass(frozen=True)
class Channels:
    """Excerpts of the channels of songs: `signals` `(channels, n)`, divided by their songs' `levels` `(channels,)`.

    A level is the standard deviation of the whole channel in 16-bit units, but no less than QUIETEST.
    """

    shards: tuple[Shard, ...]
    signals: NDArray[np.float32]
    levels: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SampleWindows(Batches):
    """Items are windows of `signals` `(channels, n)`, `(look_back, 1)`, and the sample after each, `(1,)`.

    With `every_step` the target is the sample after each step of the window, `(look_back,)`, and windows don't
    overlap; with `random` too, they begin at another sample in every epoch.
    """

    signals: NDArray[np.float32]
    look_back: int
    every_step: bool

    @cached_property
    def _windows(self) -> NDArray[np.float32]:
        return np.lib.stride_tricks.sliding_window_view(self.signals, self.look_back + 1, axis=1)

    @property
    def _hop(self) -> int:
        return self.look_back if self.every_step else 1

    @property
    def _per_channel(self) -> int:
        return int(self._windows.shape[1]) // self._hop

    @property
    def items(self) -> int:
        return len(self.signals) * self._per_channel

    def item(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        inputs, targets = self.stack(0, np.array([index]))
        return inputs[0], targets[0]

    def stack(self, epoch: int, indices: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        first = np.random.default_rng((self.seed, epoch)).integers(self._hop) if self.random else 0
        channel, number = np.divmod(indices, self._per_channel)
        windows = self._windows[channel, number * self._hop + first]
        return windows[:, :-1, None], windows[:, 1:] if self.every_step else windows[:, -1:]


class AmplitudeRecipe(Recipe, frozen=True):
    title: ClassVar[str] = "predicts the next sample from {look_back}"
    summary: ClassVar[str] = (
        "Predicts each sample from the {look_back} before it (extrap predict). Fed with its own answers (extrap "
        "continue) it makes no music; closed_loop says what becomes of it."
    )
    research: ClassVar[bool] = True

    network: Literal["amplitude"] = "amplitude"
    amplitude: AmplitudeSettings = AmplitudeSettings()
    samples: SampleSettings = SampleSettings()
    data: DataSettings = DataSettings()

    @model_validator(mode="after")
    def _check_sizes(self) -> AmplitudeRecipe:
        shortest = min(self.samples.per_song, self.samples.validation_samples)
        if shortest <= self.amplitude.look_back:
            raise ValueError(f"{shortest} samples are too few to predict one from {self.amplitude.look_back}")
        return self

    def training_channels(self, corpus: Corpus, progress: Progress) -> Channels:
        """Prepare the songs that the recipe names; raise UsageError where one is missing or too short."""
        names, length = set(self.samples.songs), self.samples.per_song
        songs = [song for split in self.data.train for song in corpus.songs(split)]
        if missing := sorted(names - {song.stem for song in songs}):
            splits = ", ".join(self.data.train)
            raise UsageError(f"{corpus.root}: no song {missing[0]} in {splits}, as this recipe needs")
        chosen = [song for song in songs if song.stem in names or not names]
        channels = _channels(chosen, corpus, length, progress)
        if short := {song for song in chosen if song.stem in names} - {shard.source for shard in channels.shards}:
            raise UsageError(f"{min(short)}: has fewer than {length} samples at {SAMPLE_RATE} Hz; lower per_song")
        return channels

    def validation_channels(self, corpus: Corpus, progress: Progress) -> Channels:
        """Prepare an excerpt of every validation song that is long enough."""
        songs = [song for split in self.data.validation for song in corpus.songs(split)]
        return _channels(songs, corpus, self.samples.validation_samples, progress)

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        training, validation = self.training_channels(corpus, progress), self.validation_channels(corpus, progress)
        return training, validation, content_hash(training.shards, validation.shards)

    def data_set(self, source: Channels, **options: Any) -> SampleWindows:
        look_back, every_step = self.amplitude.look_back, self.samples.every_step
        shards, signals = source.shards, source.signals
        return SampleWindows(shards=shards, signals=signals, look_back=look_back, every_step=every_step, **options)

    def loss(self) -> keras.losses.Loss:
        import keras

        return keras.losses.MeanSquaredError()

    def build(self, training: Batches) -> keras.Model:
        from extrapcli.networks.amplitude import amplitude

        return amplitude(self.amplitude, every_step=self.samples.every_step)

    def memory_bytes(self, processes: int) -> int:
        numbers = TENSORS * self.amplitude.units * self.amplitude.look_back  # float32
        return 4 * max(self.fit.batch_sizes) * numbers // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        names = "; ".join(self.samples.songs) or "all"
        return f"{songs} songs ({self.samples.per_song} samples of each: {names}) of {corpus}"

    def spec(self, name: str) -> SampleSpec:
        return SampleSpec(name, "amplitude", SAMPLE_RATE, self.amplitude.look_back)

    def predictor(self, weights: Path) -> keras.Model:
        """Build the network that predicts one sample, with the weights of a run."""
        from extrapcli.networks.amplitude import amplitude

        trained = amplitude(self.amplitude, every_step=self.samples.every_step)
        trained.load_weights(weights)
        predictor = amplitude(self.amplitude)
        predictor.set_weights(trained.get_weights())
        return predictor

    def released(self, weights: Path) -> keras.Model:
        from extrapcli.networks.amplitude import amplitude_rollout

        return amplitude_rollout(self.predictor(weights))

    def onnx_graph(self, released: keras.Model, opset: int) -> onnx.ModelProto:
        from extrapcli.training.kinds.amplitude_onnx import amplitude_graph

        return amplitude_graph(released.get_layer("roll").predictor, self.amplitude, opset=opset)

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Measure the errors of the network and its stability, beside those of linear prediction."""
        look_back = self.amplitude.look_back
        training = self.training_channels(corpus, progress)
        validation = self.validation_channels(corpus, progress)
        weights = linear.fit(training.signals, look_back)
        predictors: dict[str, Predict] = {
            "network": lambda signal: np.concatenate(list(network.predict(onnx, signal, look_back))),
            "linear_prediction": lambda signal: linear.predict(weights, signal),
            "linear_prediction_of_each_song": lambda s: linear.predict(linear.fit([s], look_back), s),
            "last_sample": lambda signal: np.concatenate([[0], signal[:-1]]),
        }
        figures: Figures = {}
        for name, predict in predictors.items():
            pooled, median = _error_decibels(validation, predict)
            figures |= {f"{name}_validation_decibels": pooled, f"{name}_validation_median_decibels": median}
        for name, predict in predictors.items():
            figures[f"{name}_training_squared_16_bit"] = round(_squared_16_bit(training, predict))
        silence = round(_squared_16_bit(training, np.zeros_like))
        figures |= {"look_back": look_back, "silence_training_squared_16_bit": silence}
        figures |= _rollout_figures(onnx, validation, weights)
        known = validation.signals[:, -look_back:]
        one, other = (network.extrapolate(backend, known, COMPARED_STEPS) for backend in (onnx, tensorflow))
        return figures, relative_difference(one, other)


def _channels(songs: Sequence[Path], corpus: Corpus, length: int, progress: Progress) -> Channels:
    folder = corpus.root / ".shards" / f"{SAMPLE_RATE}-channels"
    shards = prepare(list(songs), folder, decoded(SAMPLE_RATE, mono=False), progress)
    long = tuple(shard for shard in shards if shard.length >= length)
    if not long:
        raise UsageError(f"{corpus.root}: no song has {length} samples at {SAMPLE_RATE} Hz, as this recipe needs")
    excerpts, levels = [], []
    for shard in long:
        whole = shard.read()
        begin = (len(whole) - length) // 2
        excerpts.append(whole[begin : begin + length].T)
        levels.append(np.maximum(whole.std(axis=0, dtype=np.float64), QUIETEST))
    level = np.concatenate(levels)
    return Channels(long, (np.concatenate(excerpts) / level[:, None]).astype(np.float32), level)


def _rollout_figures(backend: Backend, channels: Channels, weights: NDArray[np.float64]) -> Figures:
    """Measure how long some songs sound when continued by the network, and by linear prediction."""
    order = len(weights)
    signals = channels.signals[:: max(1, len(channels.signals) // ROLLOUT_SONGS)][:ROLLOUT_SONGS]
    count = ROLLOUT_SECONDS * SAMPLE_RATE
    known = signals[:, -order:]
    rollouts = {
        "closed_loop": list(network.extrapolate(backend, known, count)),
        "linear_prediction_closed_loop": [linear.extrapolate(weights, of, count) for of in known],
        "linear_prediction_of_each_song_closed_loop": [
            linear.extrapolate(linear.fit([signal], order), of, count)
            for signal, of in zip(signals, known, strict=True)
        ],
    }
    figures: Figures = {"closed_loop_songs": len(known), "closed_loop_followed_seconds": ROLLOUT_SECONDS}
    for name, sounds in rollouts.items():
        figures[name] = _summarise([stability(sound, SAMPLE_RATE) for sound in sounds])
    return figures


def _summarise(found: list[Stability]) -> str:
    """Say how many rollouts end in each way, and the median of the seconds until then."""
    ends: dict[str, list[float]] = {}
    for one in found:
        ends.setdefault(one.outcome, []).append(one.seconds)
    return "; ".join(
        f"{end}: {len(seconds)}, after {np.median(seconds):.2f} s" for end, seconds in sorted(ends.items())
    )


def _error_decibels(channels: Channels, predict: Predict) -> tuple[float, float]:
    """Measure the error of all channels together and that of the median channel, in dB of their power."""
    signals = channels.signals[channels.signals.any(axis=1)]
    errors = np.array([np.square(predict(s) - s, dtype=np.float64).mean() for s in signals])
    powers = np.square(signals, dtype=np.float64).mean(axis=1)
    pooled, median = 10 * np.log10([errors.sum() / powers.sum(), np.median(errors / powers)])
    return round(float(pooled), 2), round(float(median), 2)


def _squared_16_bit(channels: Channels, predict: Predict) -> float:
    """Measure the mean squared error in 16-bit units."""
    pairs = zip(channels.signals, channels.levels, strict=True)
    return float(np.mean([np.square(predict(s) - s, dtype=np.float64).mean() * level**2 for s, level in pairs]))
