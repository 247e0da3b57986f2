"""What a recipe asks for: a network, the loss it is trained with, and its data."""

from dataclasses import dataclass

import keras

from extrapcli.errors import UsageError
from extrapcli.networks.echo import EchoSettings, echo
from extrapcli.networks.lstm import LstmSettings, lstm
from extrapcli.networks.recall import FRAME_SAMPLES, PATCH_HOPS
from extrapcli.networks.seq2seq import Seq2seqSettings, seq2seq
from extrapcli.training.batches import Batches
from extrapcli.training.clips import Clips
from extrapcli.training.corpus import Corpus, Shard, content_hash, decoded, prepare
from extrapcli.training.device import ALONE, Share
from extrapcli.training.loss import FrameLoss
from extrapcli.training.progress import Progress
from extrapcli.training.ranking import (
    FUTURE_HOPS,
    NEAR_HOPS,
    RankingLoss,
    Rankings,
    principal_patches,
    ranker,
    song_spectra,
)
from extrapcli.training.recipe import Recipe


@dataclass(frozen=True)
class Task:
    model: keras.Model
    loss: keras.losses.Loss
    training: Batches
    validation: Batches
    corpus_hash: str


def frame_network(recipe: Recipe) -> keras.Model:
    """Build a network from frames to frames."""
    match recipe.frames:
        case Seq2seqSettings() as settings:
            return seq2seq(settings)
        case LstmSettings() as settings:
            return lstm(settings)
        case EchoSettings() as settings:
            return echo(settings)


def prepare_task(recipe: Recipe, corpus: Corpus, progress: Progress, share: Share) -> Task:
    """Decode what is not decoded yet, and build the network with weights drawn from the recipe's seed."""
    splits = (recipe.data.train, recipe.data.validation)
    if recipe.network == "recall":
        songs = [samples(corpus, of, FRAME_SAMPLES, 30, progress) for of in splits]
        training, validation = (
            rankings(recipe, corpus, shards, progress, share, random=random)
            for shards, random in zip(songs, (True, False), strict=True)
        )
        keras.utils.set_random_seed(recipe.seed)
        model, inner = ranker(recipe.recall, recipe.ranking.dropout)
        settings = recipe.recall
        inner.get_layer("patch").set_weights(
            [
                principal_patches(
                    training.shards, bands=settings.bands, patch=PATCH_HOPS, count=settings.vector, seed=recipe.seed
                )
            ]
        )
        loss: keras.losses.Loss = RankingLoss(recipe.ranking.temperature)
        return Task(model, loss, training, validation, content_hash([*songs[0], *songs[1]]))
    train, test = (clips(recipe, corpus, of, progress, share, random=of is splits[0]) for of in splits)
    keras.utils.set_random_seed(recipe.seed)
    model = frame_network(recipe)
    return Task(model, FrameLoss(recipe.clips.mel_weight), train, test, content_hash([*train.shards, *test.shards]))


def samples(
    corpus: Corpus, splits: tuple[str, ...], sample_rate: int, seconds: int, progress: Progress
) -> list[Shard]:
    """The songs of the splits that last `seconds` at least, as mono int16 `(n,)` at `sample_rate`."""
    songs = corpus.songs(splits)
    shards = prepare(songs, corpus.root / ".shards" / str(sample_rate), decoded(sample_rate), progress)
    return _long_enough(shards, seconds * sample_rate, f"{seconds} s", progress)


def clips(
    recipe: Recipe,
    corpus: Corpus,
    splits: tuple[str, ...],
    progress: Progress,
    share: Share = ALONE,
    *,
    random: bool,
) -> Clips:
    """The songs of the splits, cut as the recipe says."""
    net, fit = recipe.frames, recipe.fit
    seconds = net.context_frames + net.horizon_frames
    return Clips(
        shards=tuple(samples(corpus, splits, net.frame_samples, seconds, progress)),
        settings=recipe.clips,
        context_frames=net.context_frames,
        horizon_frames=net.horizon_frames,
        frame_samples=net.frame_samples,
        batch_size=fit.batch_size if random else fit.validation_batch_size or fit.batch_size,
        random=random,
        seed=recipe.seed,
        share=share,
    )


def rankings(
    recipe: Recipe, corpus: Corpus, songs: list[Shard], progress: Progress, share: Share, *, random: bool
) -> Rankings:
    """The spectra of songs, with the questions that the recipe says."""
    bands, fit = recipe.recall.bands, recipe.fit
    folder = corpus.root / ".shards" / f"{FRAME_SAMPLES}-mel-{bands}"
    shards = prepare([song.path for song in songs], folder, song_spectra(recipe.recall), progress)
    return Rankings(
        shards=tuple(_long_enough(shards, FUTURE_HOPS + 4 * NEAR_HOPS, "18 s", progress)),
        ranking=recipe.ranking,
        batch_size=fit.batch_size if random else fit.validation_batch_size or fit.batch_size,
        random=random,
        seed=recipe.seed,
        share=share,
    )


def _long_enough(shards: list[Shard], length: int, told: str, progress: Progress) -> list[Shard]:
    long = [shard for shard in shards if shard.length >= length]
    for shard in shards:
        if shard.length < length:
            progress.say(f"left out {shard.source}: shorter than {told}")
    if not long:
        raise UsageError(f"no song lasts {told}, as this recipe needs")
    return long
