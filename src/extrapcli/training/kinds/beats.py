"""`beats`, the network that says where beats and bar lines fall; trained is its head."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UnreadableAudio
from extrapcli.models import find_model
from extrapcli.networks.settings import BeatsSettings
from extrapcli.spec import BeatsSpec, expect
from extrapcli.training.batches import Batches
from extrapcli.training.corpus import Corpus, Shard, content_hash, decoded, prepare
from extrapcli.training.kinds.base import TENSORS, Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import DataSettings, ExcerptSettings

if TYPE_CHECKING:
    import keras

FRAME_RATE = 50  # per second
SAMPLE_RATE = 22050
NEIGHBOUR = 0.35  # how much of a beat the frames before and after it have
GAIN, GAIN_POINTS = (
    0.15,
    6,
)  # deviation of random gains of bands, in units of the bands; they are smooth between points
COMPARED_SECONDS = 30  # of validation pieces, on which the backends are compared
COMPARED_PIECES = 4


@dataclass(frozen=True)
class Labels:
    """The times of beats and of downbeats of a piece, float64 `(n,)` and `(m,)`, in seconds, and the metre."""

    beats: NDArray[np.float64]
    downbeats: NDArray[np.float64]
    metre: int


def read_labels(song: Path) -> Labels:
    """Read the labels of a song, the file beside it with the suffix `.json`; raise UnreadableAudio without them."""
    file = song.with_suffix(".json")
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
        beats, downbeats = (np.array(read[name], np.float64) for name in ("beats", "downbeats"))
        return Labels(beats, downbeats, int(read["metre"]))
    except (OSError, ValueError, TypeError, KeyError):
        raise UnreadableAudio(
            f"{file}: has no beats, downbeats and metre, as training/beats/render.py writes"
        ) from None


def targets(beats: NDArray[np.floating], downbeats: NDArray[np.floating], length: int) -> NDArray[np.float32]:
    """Return what the network should say of each frame, `(length, 3)`: beat that is no downbeat, downbeat, neither.

    `beats` and `downbeats` are in frames. The frames beside a beat have a part of it.
    """
    found = np.zeros((length, 3), np.float32)
    for column, times in enumerate((beats, downbeats)):
        for offset, weight in ((-1, NEIGHBOUR), (1, NEIGHBOUR), (0, 1.0)):
            frames = np.rint(times).astype(int) + offset
            frames = frames[(frames >= 0) & (frames < length)]
            found[frames, column] = np.maximum(found[frames, column], weight)
    found[:, 0] = np.maximum(found[:, 0] - found[:, 1], 0)
    found[:, 2] = 1 - found[:, 0] - found[:, 1]
    return found


@dataclass(frozen=True, kw_only=True)
class Excerpts(Batches):
    """Items are excerpts of pieces: `frames` `(n, 544)` as the head is given them, and targets `(n, 3)`.

    Without `random` there is one excerpt of each piece, from its middle. With it, there are several from anywhere, in
    which a part may lie before or after the piece; half of them are faster or slower, and bands are louder or softer.
    What lies outside of a piece is zero in frames and targets, and so has no loss.
    """

    excerpts: ExcerptSettings

    @cached_property
    def _labels(self) -> list[Labels]:
        return [read_labels(shard.source) for shard in self.shards]

    @property
    def items(self) -> int:
        return len(self.shards) * (self.excerpts.per_piece if self.random else 1)

    def item(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        piece = index % len(self.shards)
        shard, labels = self.shards[piece], self._labels[piece]
        length, speed = self.excerpts.seconds * FRAME_RATE, 1.0
        begin = float((shard.length - length) // 2)
        if self.random:
            if rng.random() < 0.5:
                speed = float(np.exp(rng.uniform(-self.excerpts.stretch, self.excerpts.stretch)))
            outside = length * speed / 4
            begin = np.floor(rng.uniform(-outside, max(0.0, shard.length - 3 * outside)))
        places = begin + speed * np.arange(length)
        inside = (places >= 0) & (places <= shard.length - 1)
        frames, wanted = np.zeros((length, shard.read(0, 1).shape[1]), np.float32), np.zeros((length, 3), np.float32)
        frames[inside] = _interpolated(shard, places[inside])
        beats, downbeats = ((times * FRAME_RATE - begin) / speed for times in (labels.beats, labels.downbeats))
        wanted[inside] = targets(beats, downbeats, length)[inside]
        if self.random:
            _change_loudness(frames, rng)
        return frames, wanted


def _interpolated(shard: Shard, places: NDArray[np.floating]) -> NDArray[np.float32]:
    """Read rows of a shard, between rows too, where it is interpolated."""
    first = int(places[0])
    rows = shard.read(first, int(places[-1]) + 2).astype(np.float32)
    below = places.astype(int) - first
    part = (places - first - below).astype(np.float32)[:, None]
    above = np.minimum(below + 1, len(rows) - 1)
    between: NDArray[np.float32] = rows[below] + part * (rows[above] - rows[below])
    return between


def _change_loudness(frames: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Change how loud bands are, as an equalizer does, and how much they rise."""
    from extrapcli.networks.beat_head import FRAME, LEVELS, RISES

    levels, rises = frames[:, FRAME - RISES - LEVELS : FRAME - RISES], frames[:, FRAME - RISES :]
    gains = np.interp(np.linspace(0, 1, LEVELS), np.linspace(0, 1, GAIN_POINTS), rng.normal(0, GAIN, GAIN_POINTS))
    levels += gains.astype(np.float32) * (levels > 0)
    np.maximum(levels, 0, out=levels)
    rises *= np.float32(np.exp(rng.normal(0, GAIN)))


class BeatsRecipe(Recipe, frozen=True):
    title: ClassVar[str] = "finds beats and bars"
    summary: ClassVar[str] = (
        "Says where beats and bar lines fall in a song; the analysis uses it. BeatNet's three networks (Heydari, "
        "Cwitkowitz and Duan, ISMIR 2021), rebuilt in Keras with their features inside, and a head that looks ahead."
    )

    network: Literal["beats"] = "beats"
    beats: BeatsSettings = BeatsSettings()
    excerpts: ExcerptSettings = ExcerptSettings()
    data: DataSettings = DataSettings()

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        folder = corpus.root / ".shards" / "beats"
        make = _frames_of(self.beats, self.spec("beats"))
        training, validation = (
            prepare([song for split in splits for song in corpus.songs(split)], folder, make, progress)
            for splits in (self.data.train, self.data.validation)
        )
        return training, validation, content_hash(training, validation)

    def data_set(self, source: list[Shard], **options: Any) -> Excerpts:
        return Excerpts(shards=tuple(source), excerpts=self.excerpts, **options)

    def loss(self) -> keras.losses.Loss:
        import keras

        return keras.losses.CategoricalCrossentropy()

    def build(self, training: Batches) -> keras.Model:
        from extrapcli.networks.beat_head import beat_head

        return beat_head(self.beats)

    def memory_bytes(self, processes: int) -> int:
        numbers = TENSORS * self.beats.width * len(self.beats.dilations)  # float32, a frame
        return 4 * max(self.fit.batch_sizes) * self.excerpts.seconds * FRAME_RATE * numbers // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        return f"BeatNet 1.1.3's weights (CC BY 4.0); the head on {songs} rendered pieces of {corpus}"

    def spec(self, name: str) -> BeatsSpec:
        from extrapcli.networks.beats import HOP_SAMPLES, LEVEL, MARGINS, state_size

        return BeatsSpec(name, SAMPLE_RATE, HOP_SAMPLES, *MARGINS, LEVEL, state_size(self.beats), self.beats.reach)

    def released(self, weights: Path) -> keras.Model:
        from extrapcli.networks.beat_head import beat_head

        model, trained = _with_beatnet(self.beats), beat_head(self.beats)
        trained.load_weights(weights)
        for part in ("mixer", "stack"):
            model.get_layer(part).set_weights(trained.get_layer(part).get_weights())
        return model

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Measure the F measures of beats and of downbeats in the validation pieces."""
        from extrapcli.analysis.beats import find_beats
        from extrapcli.evaluation.beats import score_beats

        songs = [song for split in self.data.validation for song in corpus.songs(split)]
        scores, differences = [], []
        for number, song in enumerate(songs):
            progress.prepared(number, len(songs))
            sound, labels = _sound(song), read_labels(song)
            found = find_beats(sound, onnx)
            scores.append(
                score_beats(found.times, found.downbeats, found.metre, labels.beats, labels.downbeats, labels.metre)
            )
            if number < COMPARED_PIECES:
                inputs = _inputs(sound[: COMPARED_SECONDS * SAMPLE_RATE], expect(onnx.spec, BeatsSpec))
                one, other = onnx.run(inputs), tensorflow.run(inputs)
                differences += [relative_difference(one[name], other[name]) for name in ("beat", "downbeat")]
        figures: Figures = {
            f"validation_{name}_f_measure": round(float(np.mean([getattr(score, name) for score in scores])), 3)
            for name in ("beat", "downbeat")
        }
        return figures, max(differences)


def _with_beatnet(settings: BeatsSettings) -> keras.Model:
    """Build the whole network, with BeatNet's weights from the released model."""
    import keras

    from extrapcli.networks.beats import beats

    model = beats(settings)
    known = keras.saving.load_model(find_model("beats") / "model.keras", compile=False)
    for layer in known.layers:
        if layer.weights and layer.name not in ("mixer", "stack"):
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return model


def _frames_of(settings: BeatsSettings, spec: BeatsSpec) -> Callable[[Path], NDArray[np.float16]]:
    """Return a function that makes of a song what the head is given, float16 `(frames, 544)`."""
    import keras

    model = _with_beatnet(settings)
    frames = keras.Model(model.input, model.get_layer("frames").output)

    def make(song: Path) -> NDArray[np.float16]:
        read_labels(song)
        made = frames.predict_on_batch(_inputs(_sound(song), spec))
        whole: NDArray[np.float16] = np.asarray(made)[0].astype(np.float16)
        return whole

    return make


def _sound(song: Path) -> NDArray[np.float32]:
    sound: NDArray[np.float32] = decoded(SAMPLE_RATE)(song).astype(np.float32) / np.float32(32768)
    return sound


def _inputs(sound: NDArray[np.float32], spec: BeatsSpec) -> dict[str, NDArray[np.float32]]:
    """Make the inputs of the network from a whole song, brought to its level, with silence up to a whole hop."""
    hop = spec.hop_samples
    level = float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))) or 1.0
    padded = np.pad(sound * np.float32(spec.level / level), (spec.before * hop, spec.after * hop + -len(sound) % hop))
    return {"context": padded.reshape(1, -1, hop), "state": np.zeros((1, spec.state), np.float32)}
