"""`voice`, which hears where a voice sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from extrapcli.backends.base import Backend
from extrapcli.networks.settings import FRAME_SAMPLES, HOPS, VoiceSettings
from extrapcli.spec import VoiceSpec
from extrapcli.training.corpus import Corpus, Shard, content_hash, prepare_songs
from extrapcli.training.kinds.base import TENSORS, Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import DataSettings, MixtureSettings

if TYPE_CHECKING:
    import keras

    from extrapcli.training.batches import Batches
    from extrapcli.training.kinds.mixtures import Mixtures

SHORTEST_SECONDS = 10  # of a song to mix with

Source = tuple[tuple[Shard, ...], tuple[Shard, ...], tuple[Shard, ...]]
"""Songs, voices and leads."""


class VoiceRecipe(Recipe, frozen=True):
    title: ClassVar[str] = "hears where a voice speaks or sings"
    summary: ClassVar[str] = (
        "Tells extrap where in a song a voice sounds, so that it jumps in the pauses. Trained on voices mixed into "
        "instrumental songs, and on leading instruments, which are none."
    )

    network: Literal["voice"] = "voice"
    voice: VoiceSettings = VoiceSettings()
    mixtures: MixtureSettings = MixtureSettings()
    data: DataSettings = DataSettings()

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Source, Source, str]:
        mixed = self.mixtures
        splits = (
            *(self.data.train, mixed.voice_splits, mixed.lead_splits),
            *(self.data.validation, mixed.validation_voices, mixed.validation_leads),
        )
        shards = prepare_songs(corpus, splits, sample_rate=FRAME_SAMPLES, seconds=SHORTEST_SECONDS, progress=progress)
        songs, voices, leads, *validation = shards
        return (songs, voices, leads), (validation[0], validation[1], validation[2]), content_hash(*shards)

    def data_set(self, source: Source, **options: Any) -> Mixtures:
        from extrapcli.training.kinds.mixtures import Mixtures

        songs, voices, leads = source
        return Mixtures(shards=songs, voices=voices, leads=leads, settings=self.mixtures, **options)

    def loss(self) -> keras.losses.Loss:
        import keras

        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=self.mixtures.smoothing)

    def build(self, training: Batches) -> keras.Model:
        from extrapcli.networks.voice import logits

        return logits(self.voice, self.mixtures.dropout)

    def memory_bytes(self, processes: int) -> int:
        hops, settings = self.mixtures.clip_seconds * HOPS, self.voice
        images = settings.bands * max(settings.channels)  # float32 numbers for each hop
        over_time = settings.width * len(settings.dilations)
        return 4 * max(self.fit.batch_sizes) * hops * TENSORS * (images + over_time) // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        mixed = self.mixtures
        return (
            f"{songs} songs of {corpus} (splits {', '.join(self.data.train)}), mixed with recordings in "
            f"{', '.join((*mixed.voice_splits, *mixed.lead_splits))}"
        )

    def spec(self, name: str) -> VoiceSpec:
        return VoiceSpec(name, FRAME_SAMPLES)

    def released(self, weights: Path) -> keras.Model:
        """Build the network that gives probabilities, with the weights of the one that gave logits."""
        from extrapcli.networks.voice import logits, voice

        trained = logits(self.voice, self.mixtures.dropout)
        trained.load_weights(weights)
        model = voice(self.voice)
        for layer in model.get_layer("detector").layers:
            layer.set_weights(trained.get_layer("detector").get_layer(layer.name).get_weights())
        return model

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Measure how well voices are told from music, in a mixture for each validation song, and without a voice."""
        from scipy.stats import mannwhitneyu

        _, source, _ = self.sources(corpus, progress)
        data = self.data_set(source, batch_size=1, random=False, seed=self.seed)
        differences, heard, labels = [], [], []
        for number in range(data.items):
            progress.prepared(number, data.items)
            clip, sounding = data.item(number, np.random.default_rng((self.seed, number)))
            one, other = (backend.run({"context": clip[None]})["voice"] for backend in (onnx, tensorflow))
            differences.append(relative_difference(one, other))
            heard.append(one[0])
            labels.append(sounding > 0)
        probabilities, sounds = np.concatenate(heard), np.concatenate(labels)
        figures: Figures = {"hops_right": round(float(np.mean((probabilities > 0.5) == sounds)), 4)}
        if pairs := int(sounds.sum()) * int((~sounds).sum()):
            wins = mannwhitneyu(probabilities[sounds], probabilities[~sounds]).statistic
            figures["auc"] = round(float(wins) / pairs, 4)
            figures["false_alarms"] = round(float(np.mean(probabilities[~sounds] > 0.5)), 4)
        return figures, max(differences)
