"""Fit a recipe's network to a corpus, in a run folder, from where it stopped last.

Keras's own `fit` and callbacks would not resume exactly, so the loop and saving are written here and in `run`:

    fit                             starts at the beginning of an epoch only
    BackupAndRestore                keeps neither the seeds of dropout nor the losses so far
    EarlyStopping, ModelCheckpoint  forget the best loss
    CSVLogger                       repeats rows that were written after the last backup

The optimizer, learning rate schedule, gradient clipping and swap of averaged weights are Keras's.
"""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from extrapcli.errors import UsageError
from extrapcli.signals import INTERRUPTIONS
from extrapcli.training.batches import Batches
from extrapcli.training.device import Worker
from extrapcli.training.kinds.base import Recipe, TrainingSetup
from extrapcli.training.progress import Progress, Step
from extrapcli.training.run import Epoch, RunFolder, State
from extrapcli.training.tables import FitSettings

if TYPE_CHECKING:
    import keras

SAVING_SHARE = 0.05  # of a run's time


def fit(
    recipe: Recipe, corpus: Path, run: Path, *, name: str, resume: bool, worker: Worker, progress: Progress
) -> Path:
    """Train by a recipe, known by `name`, in the folder `run`; return the path of the best weights.

    A finished run goes on where the recipe has more epochs than before, and stays as it is otherwise.

    On an interruption it finishes the step, saves, and raises the signal again; several workers stop at once, and
    resume from the last complete epoch. Raises UsageError where `run` holds another run, or one that is not to be
    resumed, and where the loss becomes infinite or NaN.
    """
    _check_sizes(recipe, worker)
    folder = RunFolder(run, writes=worker.index == 0)
    if folder.finished(recipe, resume=resume):
        progress.say(f"{run}: this run is finished")
        return folder.best
    setup = recipe.prepare(recipe.open_corpus(corpus, progress), progress, worker)
    model, training = setup.model, setup.training
    model.compile(optimizer=optimizer(recipe.fit, training.steps), loss=setup.loss)
    model.optimizer.build(model.trainable_variables)
    state = folder.restore(model, setup.corpus_sha256)
    folder.begin(recipe)
    folder.note(
        finished=False,
        recipe=name,
        corpus=str(corpus),
        parameters=model.count_params(),
        training_songs=training.songs,
        validation_songs=setup.validation.songs,
        corpus_sha256=setup.corpus_sha256,
    )
    folder.note_versions()
    progress.say(
        f"{model.count_params():,} parameters; {training.steps} steps an epoch, {recipe.fit.epochs} epochs"
        + (f", on {worker.devices} devices" if worker.devices > 1 else "")
    )
    with _stop_signal() if worker.count == 1 else nullcontext(threading.Event()) as stop:
        _Loop(recipe, setup, folder, state, progress, stop, alone=worker.count == 1).run()
    return folder.best


def _check_sizes(recipe: Recipe, worker: Worker) -> None:
    for size in recipe.fit.batch_sizes:
        if size % worker.devices:
            raise UsageError(f"a batch of {size} cannot be spread over {worker.devices} devices; change the recipe")
    needed, memory = recipe.memory_bytes(worker.count), _memory_bytes()
    if memory and needed > memory:
        raise UsageError(
            f"training the recipe's network in its batches takes more than {needed / 1e9:.0f} GB of memory; "
            f"this machine has {memory / 1e9:.0f} GB"
        )


def _memory_bytes() -> int | None:
    """Return the size of this machine's memory; None where Python can't tell, as on Windows."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


@dataclass
class _Loop:
    recipe: Recipe
    setup: TrainingSetup
    folder: RunFolder
    state: State
    progress: Progress
    stop: threading.Event
    alone: bool
    saved_at: float = field(default_factory=monotonic)
    saving_seconds: float = 0.0

    def run(self) -> None:
        state = self.state
        if len(state.epochs) < self.recipe.fit.epochs and state.over(self.recipe):
            self.progress.say(
                f"{self.folder.path}: this run is over: the validation loss has not fallen for "
                f"{len(state.epochs) - state.best.epoch} epochs; raise fit.patience"
            )
        while not state.over(self.recipe):
            if not self._epoch():
                self._save()
                self.progress.say(
                    f"stopped in epoch {len(state.epochs) + 1} after step {state.steps} and saved; resume to go on"
                )
                return
            self._save_if_due()
        self._save()
        seconds = sum(epoch.seconds for epoch in state.epochs)
        self.folder.note(
            epochs=len(state.epochs),
            best_epoch=state.best.epoch,
            training_loss=state.best.loss,
            validation_loss=state.best.val_loss,
            minutes=round(seconds / 60, 1),
            waited_for_data=round(sum(epoch.waited for epoch in state.epochs) / seconds, 4),
            finished=True,
        )

    def _epoch(self) -> bool:
        """Train and validate an epoch, or what is left of it; return False where a signal stopped it."""
        state, steps = self.state, self.setup.training.steps
        if state.steps < steps:
            for batch, waited in self.setup.training.prefetched(len(state.epochs), state.steps):
                began = monotonic()
                state.loss += float(self.setup.model.train_on_batch(batch.inputs, batch.targets))
                state.steps += 1
                state.waited += waited
                state.seconds += waited + monotonic() - began
                self._show()
                if self.stop.is_set():
                    return False
                if state.steps < steps:
                    self._save_if_due()
        began = monotonic()
        with _averaged(self.setup.model) if self.recipe.fit.averaging else nullcontext():
            validation = _validation_loss(self.setup.model, self.setup.validation, self.stop)
            if validation is None:
                return False
            number = len(state.epochs) + 1
            if not math.isfinite(validation + state.loss):
                raise UsageError(
                    f"epoch {number}: the loss is {state.loss / steps:g}, {validation:g} in validation; "
                    "lower fit.learning_rate",
                    hint="run",
                )
            epoch = Epoch(
                epoch=number,
                loss=state.loss / steps,
                val_loss=validation,
                seconds=round(state.seconds + monotonic() - began, 2),
                waited=round(state.waited, 3),
                items_per_second=round(steps * self.setup.training.batch_size / state.seconds, 2),
            )
            state.end(epoch)
            if state.best is epoch:
                self.folder.save_best(self.setup.model)
        self.progress.say(
            f"epoch {number}/{self.recipe.fit.epochs}  loss {epoch.loss:.4f}  validation {epoch.val_loss:.4f}  "
            f"{epoch.seconds:.0f} s"
        )
        return True

    def _show(self) -> None:
        state, training, epochs = self.state, self.setup.training, self.recipe.fit.epochs
        seconds = sum(epoch.seconds for epoch in state.epochs) + state.seconds
        done = len(state.epochs) * training.steps + state.steps
        self.progress.stepped(
            Step(
                epoch=len(state.epochs) + 1,
                epochs=epochs,
                step=state.steps,
                steps=training.steps,
                loss=state.loss / state.steps,
                validation_loss=state.epochs[-1].val_loss if state.epochs else None,
                items_per_second=state.steps * training.batch_size / state.seconds,
                seconds_left=seconds / done * (epochs * training.steps - done),
            )
        )

    def _save_if_due(self) -> None:
        """Save when saving has taken less than its share of the time; several workers save after every epoch."""
        due = monotonic() - self.saved_at > self.saving_seconds / SAVING_SHARE
        if due if self.alone else self.state.steps == 0:
            self._save()

    def _save(self) -> None:
        began = monotonic()
        self.folder.save(self.setup.model, self.state)
        self.saved_at = monotonic()
        self.saving_seconds = self.saved_at - began


def _validation_loss(model: keras.Model, validation: Batches, stop: threading.Event) -> float | None:
    """Compute the mean loss over the items of a validation set; None where a signal stops it before the end."""
    total = 0.0
    for batch, _ in validation.prefetched(0):
        mean = float(model.test_on_batch(batch.inputs, batch.targets, sample_weight=batch.weights))
        total += mean * validation.batch_size
        if stop.is_set():
            return None
    return total / validation.items


@contextmanager
def _averaged(model: keras.Model) -> Iterator[None]:
    """Replace the weights by their moving average in this block, and restore them bit for bit.

    SwapEMAWeights can't: in TensorFlow it swaps by adding and subtracting.
    """
    import keras

    variables = [*model.variables, *model.optimizer.variables]
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in variables]
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def optimizer(settings: FitSettings, steps: int) -> keras.optimizers.Optimizer:
    """Make the optimizer of a recipe, for `steps` steps an epoch."""
    import keras

    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.schedule == "cosine":
        total = settings.epochs * steps
        warmup = min(100, total // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 50, total - warmup, warmup_target=rate, warmup_steps=warmup, alpha=0.02
        )
    average = {"use_ema": True, "ema_momentum": settings.averaging} if settings.averaging else {}
    return keras.optimizers.Adam(
        rate, weight_decay=settings.weight_decay or None, clipnorm=settings.clip_norm, **average
    )


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Give an event that an interruption sets; its signal is raised again at the end, a second one takes effect."""
    stop = threading.Event()
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    handled = [number for number in INTERRUPTIONS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in handled}
    try:
        yield stop
    finally:
        restore()
    if received:
        signal.raise_signal(received[0])
