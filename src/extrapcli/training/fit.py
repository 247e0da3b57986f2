"""Fit a recipe's network on a corpus, into a run folder.

A run folder holds `recipe.json`, `facts.json` (versions, corpus, losses), `metrics.csv` (a row an epoch),
and the weights with the best validation loss, `best.keras`.
"""

import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import keras

from extrapcli.errors import UsageError
from extrapcli.networks.recall import FRAME_SAMPLES, PATCH_HOPS
from extrapcli.networks.seq2seq import seq2seq
from extrapcli.training.clips import Clips
from extrapcli.training.corpus import Shard, shards
from extrapcli.training.ranking import RankingLoss, Rankings, principal_patches, ranker, song_spectra
from extrapcli.training.recipe import Fit, Recipe

Report = Callable[[str], None]
Data = Clips | Rankings
Task = tuple[keras.Model, str | keras.losses.Loss, Data, Data]


def fit(recipe: Recipe, corpus: Path, run: Path, *, report: Report) -> Path:
    """Train, and return the path of the best weights. `report` is given one line at a time."""
    if (run / "best.keras").exists():
        raise UsageError(f"{run}: holds a finished run already; choose another folder with --run")
    run.mkdir(parents=True, exist_ok=True)
    (run / "recipe.json").write_text(recipe.model_dump_json(indent=2))

    keras.utils.set_random_seed(recipe.seed)
    task = _recall_task if recipe.network == "recall" else _seq2seq_task
    model, loss, training, validation = task(recipe, corpus, report)
    model.compile(optimizer=_optimizer(recipe.fit, len(training)), loss=loss)
    report(f"{model.count_params():,} parameters; {len(training)} steps an epoch, {recipe.fit.epochs} epochs")

    callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if recipe.fit.averaging else []
    callbacks += [
        keras.callbacks.CSVLogger(str(run / "metrics.csv")),
        keras.callbacks.ModelCheckpoint(str(run / "best.keras"), monitor="val_loss", save_best_only=True),
        _EpochReport(report, recipe.fit.epochs),
    ]
    if recipe.fit.patience:
        callbacks.append(keras.callbacks.EarlyStopping(monitor="val_loss", patience=recipe.fit.patience))
    started = time.monotonic()
    history = model.fit(
        training, validation_data=validation, epochs=recipe.fit.epochs, callbacks=callbacks, verbose=0
    ).history
    best = min(range(len(history["val_loss"])), key=history["val_loss"].__getitem__)
    facts = {
        "parameters": model.count_params(),
        "training_songs": len(training.songs),
        "validation_songs": len(validation.songs),
        "epochs": len(history["loss"]),
        "best_epoch": best + 1,
        "training_loss": history["loss"][best],
        "validation_loss": history["val_loss"][best],
        "minutes": round((time.monotonic() - started) / 60, 1),
        "keras": keras.version(),
        "keras_backend": keras.backend.backend(),
        "extrapcli": version("extrapcli"),
    }
    (run / "facts.json").write_text(json.dumps(facts, indent=2))
    return run / "best.keras"


def _seq2seq_task(recipe: Recipe, corpus: Path, report: Report) -> Task:
    training = clips(recipe, corpus, recipe.data.train, report=report, random=True)
    validation = clips(recipe, corpus, recipe.data.validation, report=report, random=False)
    return seq2seq(recipe.seq2seq), "mse", training, validation


def _recall_task(recipe: Recipe, corpus: Path, report: Report) -> Task:
    sets = []
    for splits, random in ((recipe.data.train, True), (recipe.data.validation, False)):
        songs = song_spectra(decoded(recipe, corpus, splits, report=report), recipe.recall)
        sets.append(
            Rankings(songs, recipe.ranking, batch_size=recipe.fit.batch_size, random=random, seed=recipe.seed)
        )
    training, validation = sets
    model, inner = ranker(recipe.recall, recipe.ranking.dropout)
    patch = inner.get_layer("patch")
    patch.set_weights(
        [principal_patches(training.songs, patch=PATCH_HOPS, count=recipe.recall.vector, seed=recipe.seed)]
    )
    return model, RankingLoss(recipe.ranking.temperature), training, validation


def _optimizer(settings: Fit, steps: int) -> keras.optimizers.Optimizer:
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 50, settings.epochs * steps, warmup_target=rate, warmup_steps=100, alpha=0.02
        )
    average = {"use_ema": True, "ema_momentum": settings.averaging} if settings.averaging else {}
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=settings.clip_norm, **average)


def decoded(recipe: Recipe, corpus: Path, splits: tuple[str, ...], *, report: Report) -> list[Shard]:
    """Decode the songs of the splits, where that is not done yet."""
    seconds = 30 if recipe.network == "recall" else recipe.seq2seq.context_frames + recipe.seq2seq.horizon_frames
    rate = FRAME_SAMPLES if recipe.network == "recall" else recipe.seq2seq.frame_samples
    return list(
        shards(
            corpus,
            splits,
            cache=corpus / ".shards",
            sample_rate=rate,
            min_seconds=seconds,
            skipped=lambda reason: report(f"skipped {reason}"),
        )
    )


def clips(recipe: Recipe, corpus: Path, splits: tuple[str, ...], *, report: Report, random: bool) -> Clips:
    """The songs of the splits, cut as the recipe says."""
    net = recipe.seq2seq
    return Clips(
        decoded(recipe, corpus, splits, report=report),
        context_frames=net.context_frames,
        horizon_frames=net.horizon_frames,
        frame_samples=net.frame_samples,
        clips_per_song=recipe.data.clips_per_song,
        batch_size=recipe.fit.batch_size,
        random=random,
        seed=recipe.seed,
    )


class _EpochReport(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, report: Report, epochs: int) -> None:
        super().__init__()
        self.report_line = report
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        self.report_line(
            f"epoch {epoch + 1}/{self.epochs}  loss {logs['loss']:.4f}  validation {logs['val_loss']:.4f}  "
            f"{time.monotonic() - self.started:.0f} s"
        )
