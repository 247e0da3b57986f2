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
from extrapcli.networks.seq2seq import seq2seq
from extrapcli.training.clips import Clips
from extrapcli.training.corpus import shards
from extrapcli.training.recipe import Recipe

Report = Callable[[str], None]


def fit(recipe: Recipe, corpus: Path, run: Path, *, report: Report) -> Path:
    """Train, and return the path of the best weights. `report` is given one line at a time."""
    if (run / "best.keras").exists():
        raise UsageError(f"{run}: holds a finished run already; choose another folder with --run")
    run.mkdir(parents=True, exist_ok=True)
    (run / "recipe.json").write_text(recipe.model_dump_json(indent=2))

    keras.utils.set_random_seed(recipe.seed)
    training = clips(recipe, corpus, recipe.data.train, report=report, random=True)
    validation = clips(recipe, corpus, recipe.data.validation, report=report, random=False)
    model = seq2seq(recipe.seq2seq)
    model.compile(optimizer=keras.optimizers.Adam(recipe.fit.learning_rate), loss="mse")
    report(f"{model.count_params():,} parameters; {len(training)} steps an epoch, {recipe.fit.epochs} epochs")

    callbacks = [
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
        "training_songs": len(training.shards),
        "validation_songs": len(validation.shards),
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


def clips(recipe: Recipe, corpus: Path, splits: tuple[str, ...], *, report: Report, random: bool) -> Clips:
    """Decode the songs of the splits, where that is not done yet, and cut them as the recipe says."""
    net = recipe.seq2seq
    songs = shards(
        corpus,
        splits,
        cache=corpus / ".shards",
        sample_rate=net.frame_samples,
        min_seconds=net.context_frames + net.horizon_frames,
        skipped=lambda reason: report(f"skipped {reason}"),
    )
    return Clips(
        list(songs),
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
