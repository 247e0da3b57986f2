"""A run folder: what a run was asked for, how far it is, and its weights.

recipe.json    the recipe, with all defaults written out
facts.json     versions, git commit, hash of the corpus, and measurements
metrics.csv    a row for each epoch
loss.png       the loss curves
best.keras     the weights with the lowest validation loss
last.keras     weights, optimizer and progress, from which a stopped run resumes
"""

from __future__ import annotations

import csv
import io
import json
import platform
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extrapcli.atomic import atomic_file, temporary_folder
from extrapcli.errors import CannotWrite, UsageError
from extrapcli.training.kinds.base import Recipe
from extrapcli.training.recipe import differences, parse_recipe

if TYPE_CHECKING:
    import keras

STATE = "extrap.state.json"  # the member of last.keras that holds the progress of a run
GROWING = {"fit.epochs", "fit.patience"}  # what may change in the recipe of a run that goes on


@dataclass(frozen=True)
class Epoch:
    """A finished epoch: mean losses, the seconds it took, and how many of them the network waited for data."""

    epoch: int
    loss: float
    val_loss: float
    seconds: float
    waited: float
    items_per_second: float


@dataclass
class State:
    """The progress of a run: its finished epochs, and the steps, sum of losses and times of the current one."""

    epochs: list[Epoch] = field(default_factory=list)
    steps: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss, the first of several."""
        return min(self.epochs, key=lambda epoch: epoch.val_loss)

    def end(self, epoch: Epoch) -> None:
        """Add a finished epoch, and begin the next."""
        self.epochs.append(epoch)
        self.steps, self.loss, self.seconds, self.waited = 0, 0.0, 0.0, 0.0

    def over(self, recipe: Recipe) -> bool:
        """Return whether all epochs are done, or early stopping ends the run."""
        done, patience = len(self.epochs), recipe.fit.patience
        return done >= recipe.fit.epochs or bool(patience and done and done - self.best.epoch >= patience)


class RunFolder:
    """The folder of a run. Of several workers one `writes`; the others read what it wrote."""

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        self.best, self.last = path / "best.keras", path / "last.keras"

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the run so far; raises UsageError where there is none."""
        return {"finished": False, "corpus_sha256": None} | self._read("facts.json")

    @property
    def _known(self) -> dict[str, Any]:
        """The facts of a run that may have none yet."""
        return self.facts if (self.path / "facts.json").exists() else {}

    @property
    def recipe(self) -> Recipe:
        values = self._read("recipe.json")
        if values.get("network") == "echo":  # the name of seq2seq in version 0.1
            values |= {"network": "seq2seq", "seq2seq": values.pop("echo", {})}
        return parse_recipe(values, self.path / "recipe.json")

    def finished(self, recipe: Recipe, *, resume: bool) -> bool:
        """Return whether the folder holds a run of a recipe that needs no more epochs.

        Raises UsageError where it holds a run of another recipe, any run and it is not to be resumed, or one of which
        files are missing, CannotWrite where it holds anything else. A recipe with more epochs or another patience
        counts as the same.
        """
        if not (self.path / "recipe.json").exists():
            if any(file.exists() for file in (self.best, self.last)):
                raise UsageError(f"{self.path / 'recipe.json'}: is missing, so the run cannot go on", hint="run")
            if self.path.is_dir() and any(not path.name.startswith(".") for path in self.path.iterdir()):
                raise CannotWrite(f"{self.path}: holds other things than a run", hint="run")
            return False
        if self.writes and not resume:
            raise UsageError(f"{self.path}: holds a run already", hint="resume")
        before = self.recipe
        changed = differences(recipe, before)
        if others := sorted(changed.keys() - GROWING):
            key = others[0]
            raise UsageError(f"{self.path}: holds a run of another recipe: {key} is {changed[key]}", hint="run")
        if recipe.fit.epochs < before.fit.epochs:
            raise UsageError(
                f"{self.path}: a run of {before.fit.epochs} epochs can be given more, but not {recipe.fit.epochs}",
                hint="run",
            )
        if not self._known.get("finished"):
            return False
        self._require_best()
        return not changed

    def _require_best(self) -> None:
        if not self.best.exists():
            raise UsageError(f"{self.best}: is missing, the best weights of this run", hint="run")

    def begin(self, recipe: Recipe) -> None:
        """Make the folder; raise CannotWrite where that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for unfinished in self.path.glob(".extrap-*") if self.writes else ():  # left by a process that was killed
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be a run folder: {error.strerror}") from None
        self._write("recipe.json", recipe.to_json())

    def restore(self, model: keras.Model, corpus_sha256: str) -> State:
        """Load weights, optimizer and progress, if they were saved.

        Raises UsageError where the songs have changed, and where what was saved is missing or damaged.
        """
        if not self.last.exists():
            if self._known.get("saved"):
                raise UsageError(f"{self.last}: is missing, so the run cannot go on", hint="run")
            return State()
        if self.facts["corpus_sha256"] != corpus_sha256:
            raise UsageError(f"{self.path}: its songs have changed since it began", hint="run")
        try:
            model.load_weights(self.last)
            with zipfile.ZipFile(self.last) as archive:
                saved = json.loads(archive.read(STATE))
            for variable, seed in zip(_seeds(model), saved.pop("seeds", []), strict=True):
                variable.assign(seed)
            state = State(**saved | {"epochs": [Epoch(**epoch) for epoch in saved["epochs"]]})
        except Exception:  # Keras, HDF5 and zipfile raise whatever the damaged part raises
            raise UsageError(
                f"{self.last}: cannot be resumed: it is damaged, or not of this recipe", hint="run"
            ) from None
        if state.epochs:
            self._require_best()
        return state

    def save(self, model: keras.Model, state: State) -> None:
        """Save all that the run needs to resume, in one file."""
        with self._file(self.last) as file:
            model.save(file)
            with zipfile.ZipFile(file, "a") as archive:
                seeds = [np.asarray(variable).tolist() for variable in _seeds(model)]
                archive.writestr(STATE, json.dumps(asdict(state) | {"seeds": seeds}))
        self.note(saved=True)
        self.show(state)

    def save_best(self, model: keras.Model) -> None:
        """Save the weights alone, without the optimizer."""
        import keras

        with self._file(self.best) as file:
            keras.Model(model.input, model.output, name=model.name).save(file)

    def show(self, state: State) -> None:
        """Write the table and the picture of the epochs so far."""
        if not state.epochs:
            return
        from matplotlib.figure import Figure

        table = io.StringIO(newline="")
        rows = csv.DictWriter(table, list(Epoch.__annotations__))
        rows.writeheader()
        rows.writerows(asdict(epoch) for epoch in state.epochs)
        self._write("metrics.csv", table.getvalue())
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        numbers = [epoch.epoch for epoch in state.epochs]
        axes.plot(numbers, [epoch.loss for epoch in state.epochs], label="training")
        axes.plot(numbers, [epoch.val_loss for epoch in state.epochs], label="validation")
        axes.set(xlabel="epoch", ylabel="loss", title=self.path.name)
        axes.legend()
        with self._file(self.path / "loss.png") as file:
            figure.savefig(file)

    def note(self, **facts: Any) -> None:
        """Add to the facts of the run."""
        self._write("facts.json", json.dumps(self._known | facts, indent=2))

    def note_versions(self) -> None:
        """Add the versions of what the run is made with, where they have changed since it began."""
        before, now = self._known.get("versions", []), versions()
        if now not in before[-1:]:
            self.note(versions=[*before, now])

    def _read(self, name: str) -> dict[str, Any]:
        file = self.path / name
        if not file.is_file():
            raise UsageError(f"{file}: is missing; name a run folder, which extrap train makes")
        try:
            values: dict[str, Any] = {} | json.loads(file.read_text(encoding="utf-8"))
            return values
        except (OSError, ValueError, TypeError, RecursionError):
            raise UsageError(f"{file}: is damaged, or not of a run of extrap train") from None

    def _write(self, name: str, text: str) -> None:
        with self._file(self.path / name) as file:
            file.write_text(text, encoding="utf-8", newline="")

    @contextmanager
    def _file(self, path: Path) -> Iterator[Path]:
        """Give a file to write, which takes the place of `path` once it is whole and on disk."""
        if self.writes:
            with atomic_file(path, overwrite=True, suffix=path.suffix, durable=True) as file:
                yield file
            return
        with temporary_folder() as nowhere:  # saving gathers arrays, which all workers must take part in
            yield nowhere / path.name


def _seeds(model: keras.Model) -> list[keras.Variable]:
    """Return the states of the random generators of dropout and the like, which Keras does not save."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def versions() -> dict[str, str | None]:
    """Return the versions of what a run is made with, and the commit of this code where it is a checkout."""
    import keras

    backend = keras.backend.backend()
    return {
        "extrapcli": version("extrapcli"),
        "git_commit": _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
        if _git("ls-files", "--error-unmatch", Path(__file__).name)
        else None,
        "python": platform.python_version(),
        "keras": keras.version(),
        "keras_backend": backend,
        backend: __import__(backend).__version__,
    }


def _git(*command: str) -> str | None:
    try:
        done = subprocess.run(["git", *command], cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() or None
