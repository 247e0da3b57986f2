"""`recall`, the encoder that scores where a song could resume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from extrapcli.backends.base import Backend
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS, PATCH_HOPS, RecallSettings
from extrapcli.spec import EncoderSpec, Shape
from extrapcli.training.corpus import Corpus, Shard, content_hash, prepare, prepare_songs
from extrapcli.training.kinds.base import TENSORS, Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import DataSettings, RankingSettings

if TYPE_CHECKING:
    import keras

    from extrapcli.training.batches import Batches
    from extrapcli.training.kinds.ranking import Rankings

SHORTEST_SECONDS = 30  # of a song that `recall` can learn from
FITTED_SONGS = 30  # of the first training split: what the weights of scores are fitted on, when a model is measured
CARD_WAYS = ("any bar", "plain match", "network", "plain match and network", "oracle")
COMPARED_FRAMES = 30  # of each validation song, on which the backends are compared


class RecallRecipe(Recipe, frozen=True):
    title: ClassVar[str] = "continues a song with the song's own audio"
    summary: ClassVar[str] = (
        "Finds where a song could plausibly resume; extrap continues with the song's own audio from there. Trained "
        "to rank positions by how similar their futures are."
    )

    network: Literal["recall"] = "recall"
    recall: RecallSettings = RecallSettings()
    ranking: RankingSettings = RankingSettings()
    data: DataSettings = DataSettings()

    def songs(self, corpus: Corpus, *sets: tuple[str, ...], progress: Progress) -> list[tuple[Shard, ...]]:
        """Decode the songs of some sets of splits, as `prepare_songs` does."""
        return prepare_songs(corpus, sets, sample_rate=FRAME_SAMPLES, seconds=SHORTEST_SECONDS, progress=progress)

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        from extrapcli.training.kinds.ranking import song_spectra

        songs = self.songs(corpus, self.data.train, self.data.validation, progress=progress)
        folder = corpus.root / ".shards" / f"{FRAME_SAMPLES}-mel-{self.recall.bands}"
        training, validation = (
            prepare([song.path for song in of], folder, song_spectra(self.recall), progress) for of in songs
        )
        longest = max(shard.length for shard in (*training, *validation)) // HOPS
        if longest < self.ranking.clip_seconds:
            progress.say(f"no song lasts {self.ranking.clip_seconds} s, so clips are {longest} s at most")
        return training, validation, content_hash(*songs)

    def data_set(self, source: list[Shard], **options: Any) -> Rankings:
        from extrapcli.training.kinds.ranking import Rankings

        return Rankings(shards=tuple(source), ranking=self.ranking, **options)

    def loss(self) -> keras.losses.Loss:
        from extrapcli.training.kinds.ranking import RankingLoss

        return RankingLoss(self.ranking.temperature)

    def build(self, training: Batches) -> keras.Model:
        from extrapcli.training.kinds.ranking import principal_patches, ranker

        settings = self.recall
        model, scorer = ranker(settings, self.ranking.dropout)
        patches = principal_patches(
            training.shards, bands=settings.bands, patch=PATCH_HOPS, count=settings.vector, seed=self.seed
        )
        scorer.get_layer("patch").set_weights([patches])
        return model

    def memory_bytes(self, processes: int) -> int:
        hops, settings = self.ranking.clip_seconds * HOPS, self.recall
        towers = TENSORS * settings.width * len(settings.dilations)  # float32 numbers for each hop
        scores = TENSORS * self.ranking.queries // 2  # every second hop is a candidate
        return 4 * max(self.fit.batch_sizes) * hops * (towers + scores) // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        return f"{songs} songs of {corpus} (splits {', '.join(self.data.train)})"

    def spec(self, name: str) -> EncoderSpec:
        vector: Shape = (None, 2 * self.recall.vector + 2)
        outputs: dict[str, Shape] = {"heard": vector, "places": vector, "spectra": (None, self.recall.bands)}
        return EncoderSpec(name, "recall", FRAME_SAMPLES, outputs)

    def released(self, weights: Path) -> keras.Model:
        """Build the network that takes sound, with the scorer that was trained on spectra."""
        from extrapcli.networks.recall import recall
        from extrapcli.training.kinds.ranking import ranker

        trained, scorer = ranker(self.recall, self.ranking.dropout)
        trained.load_weights(weights)
        model = recall(self.recall)
        for layer in model.get_layer("scorer").layers:
            layer.set_weights(scorer.get_layer(layer.name).get_weights())
        return model

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        from extrapcli.evaluation.next_bar import bars_of_songs, encoder_scorer, next_bar

        training, validation = self.songs(corpus, self.data.train[:1], self.data.validation, progress=progress)
        differences = []
        for number, shard in enumerate(validation):
            progress.prepared(number, len(validation))
            sound = shard.read(0, COMPARED_FRAMES * FRAME_SAMPLES).astype(np.float32)
            sound = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES]
            frames = (sound / (sound.std() or 1.0)).reshape(1, -1, FRAME_SAMPLES)
            one, other = onnx.run({"context": frames}), tensorflow.run({"context": frames})
            differences += [relative_difference(one[name], other[name]) for name in one]
        scorer = encoder_scorer(onnx)
        fitted_on, measured_on = (
            list(bars_of_songs((shard.read() for shard in shards), scorer))
            for shards in (training[:: -(-len(training) // FITTED_SONGS)], validation)
        )
        figures: Figures = {}
        for kind, earlier in (("anywhere", False), ("earlier", True)) if fitted_on and measured_on else ():
            found = next_bar(fitted_on, measured_on, earlier=earlier)
            for way in CARD_WAYS:
                figures[f"next_bar_bits_{kind}_{way.replace(' ', '_')}"] = round(found.mean(way), 3)
        return figures, max(differences)
