"""Fit a recipe's network on a corpus, into a run folder, from where it stopped last."""

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from types import FrameType

import keras

from extrapcli.errors import UsageError
from extrapcli.networks.echo import EchoSettings
from extrapcli.training.batches import Batches
from extrapcli.training.device import Share
from extrapcli.training.progress import Progress, Step
from extrapcli.training.recipe import Fit, Recipe
from extrapcli.training.run import Epoch, RunFolder, State
from extrapcli.training.task import Task, open_corpus, prepare_task

SAVING_SHARE = 0.05  # of the time of a run that saving may take
BYTES_PER_PARAMETER = 16  # float32 weight, gradient and Adam's two moments
BYTES_PER_SAMPLE = 8  # float32, in the batch at work and in the next


def fit(
    recipe: Recipe, corpus: Path, run: Path, *, name: str, resume: bool, share: Share, progress: Progress
) -> Path:
    """Train a recipe that is known by `name`, and return the path of the best weights.

    Asked to stop by SIGINT or SIGTERM, finishes the step, saves, and lets the signal take its course. Several
    processes stop at once, and go on from the last whole epoch. Raises UsageError where the loss is no number.
    """
    _check_sizes(recipe, share)
    folder = RunFolder(run, writes=share.process == 0)
    if folder.finished(recipe, resume=resume):
        progress.say(f"{run}: this run is finished")
        return folder.best
    task = prepare_task(recipe, open_corpus(recipe, corpus, progress), progress, share)
    task.model.compile(optimizer=optimizer(recipe.fit, task.training.steps), loss=task.loss)
    task.model.optimizer.build(task.model.trainable_variables)
    state = folder.restore(task.model, task.corpus_hash)
    folder.begin(recipe)
    folder.note(
        recipe=name,
        corpus=str(corpus),
        parameters=task.model.count_params(),
        training_songs=task.training.songs,
        validation_songs=task.validation.songs,
        corpus_sha256=task.corpus_hash,
    )
    folder.note_versions()
    progress.say(
        f"{task.model.count_params():,} parameters; {task.training.steps} steps an epoch, {recipe.fit.epochs} epochs"
    )
    with _stop_asked() if share.processes == 1 else nullcontext(threading.Event()) as asked:
        _Loop(recipe, task, folder, state, progress, asked, share).run()
    return folder.best


def _check_sizes(recipe: Recipe, share: Share) -> None:
    for size in recipe.fit.batch_sizes:
        if size % share.devices:
            raise UsageError(f"a batch of {size} cannot be spread over {share.devices} devices; change the recipe")
    if recipe.network in ("recall", "melody", "amplitude"):
        return
    net = recipe.frames
    parameters = 0 if isinstance(net, EchoSettings) else net.parameters
    batch = max(recipe.fit.batch_sizes) * (net.context_frames + net.horizon_frames) * net.frame_samples
    needed = BYTES_PER_PARAMETER * parameters + BYTES_PER_SAMPLE * batch // share.processes
    if not hasattr(os, "sysconf"):  # Windows
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory:
        raise UsageError(
            f"training the recipe's network in its batches takes more than {needed / 1e9:.0f} GB of memory; "
            f"this machine has {memory / 1e9:.0f} GB"
        )


class _Loop:
    def __init__(
        self,
        recipe: Recipe,
        task: Task,
        folder: RunFolder,
        state: State,
        progress: Progress,
        asked: threading.Event,
        share: Share,
    ) -> None:
        self.recipe, self.task, self.folder, self.state = recipe, task, folder, state
        self.progress, self.asked = progress, asked
        self.alone = share.processes == 1
        self.saved, self.saving = monotonic(), 0.0
        self.model = task.model

    def run(self) -> None:
        while not self.state.over(self.recipe):
            if not self._epoch():
                self._save()
                epoch = len(self.state.epochs) + 1
                self.progress.say(
                    f"stopped in epoch {epoch} after step {self.state.steps}; --resume goes on from here"
                )
                return
            self._save_if_due()
        self._save()
        best = self.state.best
        self.folder.note(
            epochs=len(self.state.epochs),
            best_epoch=best.epoch,
            training_loss=best.loss,
            validation_loss=best.val_loss,
            minutes=round(sum(epoch.seconds for epoch in self.state.epochs) / 60, 1),
            waited_for_data=round(
                sum(e.waited for e in self.state.epochs) / sum(e.seconds for e in self.state.epochs), 4
            ),
            finished=True,
        )

    def _epoch(self) -> bool:
        """Train and validate an epoch, or what is left of it; say whether it came to its end."""
        state, steps = self.state, self.task.training.steps
        number = len(state.epochs)
        if state.steps < steps:
            for batch, waited in self.task.training.ahead(number, state.steps):
                began = monotonic()
                state.loss += float(self.model.train_on_batch(batch.inputs, batch.answers))
                state.steps += 1
                state.waited += waited
                state.seconds += waited + monotonic() - began
                self._show()
                if self.asked.is_set():
                    return False
                if state.steps < steps:
                    self._save_if_due()
        began = monotonic()
        with self._averaged():
            validation = _validation_loss(self.model, self.task.validation, self.asked)
            if validation is None:
                return False
            if not math.isfinite(validation + state.loss):
                raise UsageError(
                    f"epoch {number + 1}: the loss is {state.loss / steps:g}, {validation:g} in validation; "
                    "lower fit.learning_rate and train anew with another --run"
                )
            trained = steps * self.task.training.batch_size
            speed = round(trained / state.seconds, 2)
            seconds = round(state.seconds + monotonic() - began, 2)
            epoch = Epoch(number + 1, state.loss / steps, validation, seconds, round(state.waited, 3), speed)
            state.epochs.append(epoch)
            state.steps, state.loss, state.seconds, state.waited = 0, 0.0, 0.0, 0.0
            if state.best is epoch:
                self.folder.save_best(self.model)
        self.progress.say(
            f"epoch {epoch.epoch}/{self.recipe.fit.epochs}  loss {epoch.loss:.4f}  validation {epoch.val_loss:.4f}  "
            f"{epoch.seconds:.0f} s"
        )
        return True

    def _averaged(self) -> AbstractContextManager[None]:
        return _average(self.model) if self.recipe.fit.averaging else nullcontext()

    def _show(self) -> None:
        state, training, epochs = self.state, self.task.training, self.recipe.fit.epochs
        behind = sum(epoch.seconds for epoch in state.epochs) + state.seconds
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
                seconds_left=behind / done * (epochs * training.steps - done),
            )
        )

    def _save_if_due(self) -> None:
        """Save when it is time or, where several processes must save together, after every epoch."""
        due = monotonic() - self.saved > self.saving / SAVING_SHARE
        if due if self.alone else self.state.steps == 0:
            self._save()

    def _save(self) -> None:
        began = monotonic()
        self.folder.save(self.model, self.state)
        self.saved = monotonic()
        self.saving = self.saved - began


def _validation_loss(model: keras.Model, data: Batches, asked: threading.Event) -> float | None:
    """The mean loss of the items of a validation set; None where a stop is asked for before its end."""
    total = 0.0
    for batch, _ in data.ahead(0):
        mean = float(model.test_on_batch(batch.inputs, batch.answers, sample_weight=batch.weights))
        total += mean * data.batch_size
        if asked.is_set():
            return None
    return total / data.items


@contextmanager
def _average(model: keras.Model) -> Iterator[None]:
    """The moving average in place of the weights, which come back bit for bit."""
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


def optimizer(settings: Fit, steps: int) -> keras.optimizers.Optimizer:
    """What a recipe is trained with, for so many steps an epoch."""
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.schedule == "cosine":
        whole = settings.epochs * steps
        warmup = min(100, whole // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 50, whole - warmup, warmup_target=rate, warmup_steps=warmup, alpha=0.02
        )
    average = {"use_ema": True, "ema_momentum": settings.averaging} if settings.averaging else {}
    return keras.optimizers.Adam(
        rate, weight_decay=settings.weight_decay or None, clipnorm=settings.clip_norm, **average
    )


@contextmanager
def _stop_asked() -> Iterator[threading.Event]:
    """An event set by the first SIGINT or SIGTERM, which is raised again at the end. A second one acts at once."""
    asked = threading.Event()
    received: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        received.append(number)
        asked.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, ask) for number in heeded}
    try:
        yield asked
    finally:
        restore()
    if received:
        signal.raise_signal(received[0])
