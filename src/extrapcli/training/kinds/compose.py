"""`compose`, which plans new music from the slots of a song."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.errors import UsageError
from extrapcli.networks.settings import ComposeSettings
from extrapcli.spec import PlannerSpec, expect
from extrapcli.training.corpus import Corpus, Shard, content_hash, prepare
from extrapcli.training.kinds.base import TENSORS, Figures, Recipe, relative_difference
from extrapcli.training.progress import Progress
from extrapcli.training.tables import DataSettings, PlanSettings

if TYPE_CHECKING:
    import keras

    from extrapcli.evaluation.next_slot import Foresight
    from extrapcli.training.batches import Batches
    from extrapcli.training.kinds.plans import Plans

MEASURED_FROM = 1 / 3  # of the slots that there are to begin at
FREE_SLOTS = 4, 8, 16
FREE_AFTER = 16  # slots
COMPARED_SONGS = 8  # on which the backends are compared


class ComposeRecipe(Recipe, frozen=True):
    title: ClassVar[str] = "writes new bars with the song's own sounds"
    summary: ClassVar[str] = (
        "Picks for each half beat which pieces of a song to play next, in bass, middle and treble, so that it gets "
        "bars that it never had. Trained to find, in what was heard of a song, what is most like what really follows."
    )

    network: Literal["compose"] = "compose"
    compose: ComposeSettings = ComposeSettings()
    plans: PlanSettings = PlanSettings()
    data: DataSettings = DataSettings()

    def songs(self, corpus: Corpus, *sets: tuple[str, ...], progress: Progress) -> list[tuple[Shard, ...]]:
        """Describe the slots of the songs of some sets of splits; leave out what is too short."""
        from extrapcli.training.kinds.plans import song_slots

        folder, make, least = corpus.root / ".shards" / "slots", song_slots(), self.plans.slots
        found = []
        for splits in sets:
            shards = prepare([song for of in splits for song in corpus.songs(of)], folder, make, progress)
            long = tuple(shard for shard in shards if shard.length >= least)
            if not long:
                raise UsageError(
                    f"{corpus.root}: no song in {', '.join(splits)} has {least} half beats, as this needs"
                )
            if len(long) < len(shards):
                progress.say(f"left out {len(shards) - len(long)} songs of fewer than {least} half beats")
            found.append(long)
        return found

    def sources(self, corpus: Corpus, progress: Progress) -> tuple[Any, Any, str]:
        training, validation = self.songs(corpus, self.data.train, self.data.validation, progress=progress)
        return training, validation, content_hash(training, validation)

    def data_set(self, source: tuple[Shard, ...], **options: Any) -> Plans:
        from extrapcli.training.kinds.plans import Plans

        return Plans(shards=source, settings=self.plans, **options)

    def loss(self) -> keras.losses.Loss:
        from extrapcli.training.kinds.plans import PlanLoss

        return PlanLoss(self.plans.temperature)

    def build(self, training: Batches) -> keras.Model:
        from extrapcli.training.kinds.plans import trainer

        return trainer(self.compose, self.plans)[0]

    def memory_bytes(self, processes: int) -> int:
        from extrapcli.extrapolators.compose import KINDS

        found = 3 * self.plans.head[1] * (KINDS + TENSORS) * (self.plans.ahead + 1)
        return 4 * max(self.fit.batch_sizes) * (found + TENSORS * self.plans.slots * self.compose.width) // processes

    def data_summary(self, songs: int, corpus: Path) -> str:
        return f"{songs} songs of {corpus} (splits {', '.join(self.data.train)})"

    def spec(self, name: str) -> PlannerSpec:
        from extrapcli.analysis import RATE
        from extrapcli.extrapolators.compose import KINDS, NAMES, SLOT_NUMBERS
        from extrapcli.networks.compose import state_size

        sizes = SLOT_NUMBERS, len(NAMES), self.compose.vector, KINDS, state_size(self.compose)
        return PlannerSpec(name, "compose", RATE, *sizes)

    def released(self, weights: Path) -> keras.Model:
        from extrapcli.training.kinds.plans import trainer

        trained, inner = trainer(self.compose, self.plans)
        trained.load_weights(weights)
        return inner

    def measure(
        self, released: keras.Model, onnx: Backend, tensorflow: Backend, corpus: Corpus, progress: Progress
    ) -> tuple[Figures, float]:
        """Measure how well slots are foreseen, and how the network goes on by itself, on the validation songs."""
        from extrapcli.evaluation.next_slot import WAYS, Clip, by_network, foreseen, run_free

        (validation,) = self.songs(corpus, self.data.validation, progress=progress)
        data = self.data_set(validation, batch_size=1, random=False, seed=self.seed)
        ways = {"network": by_network(onnx), **WAYS}
        differences: list[float] = []
        next_slots: list[dict[str, Foresight]] = []
        free: list[dict[str, NDArray[np.float64]]] = []
        for number, shard in enumerate(validation):
            progress.prepared(number, len(validation))
            clip = Clip.of(shard.read(*data.span(shard, MEASURED_FROM, self.plans.head[1])), self.plans.head[1])
            next_slots.append(foreseen(clip, ways))
            free.append(run_free(clip, len(clip.head) + FREE_AFTER, onnx, FREE_SLOTS[-1]))
            if number < COMPARED_SONGS:
                question, _ = data.item(number * self.plans.per_song, np.random.default_rng(number))
                state = np.zeros((1, expect(onnx.spec, PlannerSpec).state), np.float32)
                inputs = {"context": question["context"][None], "state": state}
                one, other = onnx.run(inputs), tensorflow.run(inputs)
                differences += [relative_difference(one[name], other[name]) for name in one]
        figures: Figures = {}
        for way in ways:
            figures[f"next_slot_bits_{way}"] = round(float(np.mean([found[way].bits for found in next_slots])), 3)
            figures[f"next_slot_decibels_{way}"] = round(float(np.mean([of[way].decibels for of in next_slots])), 3)
        for way in free[0]:
            for slots in FREE_SLOTS:
                of_songs = [found[way][slots - 1] for found in free]
                figures[f"free_decibels_{slots}_{way}"] = round(float(np.mean(of_songs)), 3)
        return figures, max(differences)
