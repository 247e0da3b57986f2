"""What a recipe asks for: a network, the loss it is trained with, and its data."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras

from extrapcli.errors import UsageError
from extrapcli.melody.encoding import BAR_POSITIONS
from extrapcli.networks.amplitude import amplitude
from extrapcli.networks.echo import EchoSettings, echo
from extrapcli.networks.lstm import LstmSettings, lstm
from extrapcli.networks.melody import melody
from extrapcli.networks.recall import FRAME_SAMPLES, PATCH_HOPS
from extrapcli.networks.study import StudySettings, study
from extrapcli.training.batches import Batches
from extrapcli.training.clips import Clips
from extrapcli.training.corpus import Corpus, Shard, content_hash, decoded, prepare
from extrapcli.training.device import ALONE, Share
from extrapcli.training.loss import FrameLoss
from extrapcli.training.progress import Progress
from extrapcli.training.ranking import RankingLoss, Rankings, principal_patches, ranker, song_spectra
from extrapcli.training.recipe import Recipe
from extrapcli.training.tunes import Stretches, essen_at, next_symbol_loss, read_collection
from extrapcli.training.windows import Windows, training_sounds, validation_sounds

RECALL_SECONDS = 30  # the shortest song that recall can learn from


@dataclass(frozen=True)
class Task:
    model: keras.Model
    loss: keras.losses.Loss
    training: Batches
    validation: Batches
    corpus_hash: str


def open_corpus(recipe: Recipe, place: Path, progress: Progress) -> Corpus:
    """The songs or tunes at a place; `essen` is made where a network of tunes asks for it (`tunes.essen_at`)."""
    if recipe.network == "melody":
        essen_at(place, progress)
    return Corpus.open(place)


def prepare_task(recipe: Recipe, corpus: Corpus, progress: Progress, share: Share) -> Task:
    """Decode what is not decoded yet, and build the network with weights drawn from the recipe's seed.

    Data and loss are float32 whatever the recipe's precision.
    """
    if recipe.network == "melody":
        return _tunes_task(recipe, corpus, progress, share)
    if recipe.network == "amplitude":
        return _samples_task(recipe, corpus, progress, share)
    songs = samples(recipe, corpus, (recipe.data.train, recipe.data.validation), progress)
    make = _rankings if recipe.network == "recall" else _clips
    training, validation = (
        make(recipe, corpus, shards, progress, share, random=random)
        for shards, random in zip(songs, (True, False), strict=True)
    )
    loss = (
        RankingLoss(recipe.ranking.temperature) if recipe.network == "recall" else FrameLoss(recipe.clips.mel_weight)
    )
    keras.utils.set_random_seed(recipe.seed)
    with _precision(recipe):
        model = _ranker(recipe, training) if isinstance(training, Rankings) else frame_network(recipe)
    return Task(model, loss, training, validation, content_hash(*songs))


def _tunes_task(recipe: Recipe, corpus: Corpus, progress: Progress, share: Share) -> Task:
    settings = recipe.melody
    collection = read_collection(corpus.root, settings.symbols, recipe.tunes, progress)
    training, validation = (
        Stretches(
            pieces=pieces,
            length=recipe.tunes.context_steps,
            batch_size=recipe.fit.batch_sizes[0 if random else 1],
            random=random,
            seed=recipe.seed,
            share=share,
        )
        for pieces, random in ((collection.training, True), (collection.validation, False))
    )
    keras.utils.set_random_seed(recipe.seed)
    with _precision(recipe):
        model = melody(settings, BAR_POSITIONS)
    return Task(model, next_symbol_loss(), training, validation, collection.sha256)


def _samples_task(recipe: Recipe, corpus: Corpus, progress: Progress, share: Share) -> Task:
    sounds = training_sounds(recipe, corpus, progress), validation_sounds(recipe, corpus, progress)
    training, validation = (
        Windows(
            shards=of.shards,
            sequences=of.sequences,
            look_back=recipe.amplitude.look_back,
            every_step=recipe.samples.every_step,
            batch_size=recipe.fit.batch_sizes[0 if random else 1],
            random=random,
            seed=recipe.seed,
            share=share,
        )
        for of, random in zip(sounds, (True, False), strict=True)
    )
    keras.utils.set_random_seed(recipe.seed)
    with _precision(recipe):
        model = amplitude(recipe.amplitude, every_step=recipe.samples.every_step)
    loss = keras.losses.MeanSquaredError()
    return Task(model, loss, training, validation, content_hash(*(of.shards for of in sounds)))


def frame_network(recipe: Recipe) -> keras.Model:
    """Build a network from frames to frames."""
    match recipe.frames:
        case StudySettings() as settings:
            return study(settings)
        case LstmSettings() as settings:
            return lstm(settings)
        case EchoSettings() as settings:
            return echo(settings)


def samples(
    recipe: Recipe, corpus: Corpus, sets: Sequence[Sequence[str]], progress: Progress
) -> list[tuple[Shard, ...]]:
    """The songs of each set of splits, as mono int16 `(n,)` at the network's rate.

    Those that are too short for the recipe are left out and named; raises UsageError where none is left.
    """
    if recipe.network == "recall":
        rate, seconds = FRAME_SAMPLES, RECALL_SECONDS
    else:
        rate, seconds = recipe.frames.frame_samples, recipe.frames.context_frames + recipe.frames.horizon_frames
    songs = {split: corpus.songs(split) for splits in sets for split in splits}
    every = [song for listed in songs.values() for song in listed]
    shards = {s.source: s for s in prepare(every, corpus.root / ".shards" / str(rate), decoded(rate), progress)}
    for shard in shards.values():
        if shard.length < seconds * rate:
            progress.say(f"left out {shard.source}: shorter than {seconds} s")
    found = []
    for splits in sets:
        among = [shards[song] for split in splits for song in songs[split] if song in shards]
        long = tuple(shard for shard in among if shard.length >= seconds * rate)
        if not long:
            raise UsageError(f"{corpus.root}: no song of {', '.join(splits)} lasts {seconds} s, as this recipe needs")
        found.append(long)
    return found


def validation_clips(recipe: Recipe, corpus: Corpus, progress: Progress, splits: Sequence[str] = ()) -> Clips:
    """The clips that a recipe validates a network of frames with, or as many of other splits."""
    (songs,) = samples(recipe, corpus, (splits or recipe.data.validation,), progress)
    return _clips(recipe, corpus, songs, progress, ALONE, random=False)


def _clips(
    recipe: Recipe, corpus: Corpus, songs: tuple[Shard, ...], progress: Progress, share: Share, *, random: bool
) -> Clips:
    net = recipe.frames
    return Clips(
        shards=songs,
        settings=recipe.clips,
        context_frames=net.context_frames,
        horizon_frames=net.horizon_frames,
        frame_samples=net.frame_samples,
        batch_size=recipe.fit.batch_sizes[0 if random else 1],
        random=random,
        seed=recipe.seed,
        share=share,
    )


def _rankings(
    recipe: Recipe, corpus: Corpus, songs: tuple[Shard, ...], progress: Progress, share: Share, *, random: bool
) -> Rankings:
    folder = corpus.root / ".shards" / f"{FRAME_SAMPLES}-mel-{recipe.recall.bands}"
    shards = prepare([song.path for song in songs], folder, song_spectra(recipe.recall), progress)
    return Rankings(
        shards=tuple(shards),
        ranking=recipe.ranking,
        batch_size=recipe.fit.batch_sizes[0 if random else 1],
        random=random,
        seed=recipe.seed,
        share=share,
    )


def _ranker(recipe: Recipe, training: Rankings) -> keras.Model:
    settings = recipe.recall
    model, inner = ranker(settings, recipe.ranking.dropout)
    patches = principal_patches(
        training.shards, bands=settings.bands, patch=PATCH_HOPS, count=settings.vector, seed=recipe.seed
    )
    inner.get_layer("patch").set_weights([patches])
    return model


@contextmanager
def _precision(recipe: Recipe) -> Iterator[None]:
    """Layers made meanwhile compute in the recipe's precision, on float32 weights."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.fit.precision == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
