"""A run folder: what a run was asked for, how far it is, and its weights.

recipe.json    the recipe, every default written out
facts.json     versions, git commit, hash of the corpus, and what was measured
metrics.csv    a row an epoch
loss.png       its curve
best.keras     the weights with the best validation loss
last.keras     weights, optimizer and progress, from which a stopped run goes on
"""

import csv
import io
import json
import platform
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from pydantic import ValidationError

from extrapcli.errors import CannotWrite, UsageError
from extrapcli.training.files import write_whole
from extrapcli.training.recipe import Recipe, first_fault

STATE = "extrap.state.json"


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: mean losses, seconds it took and, of those, seconds the network waited for data."""

    epoch: int
    loss: float
    val_loss: float
    seconds: float
    waited: float
    items_per_second: float


@dataclass
class State:
    """How far a run is: whole epochs behind it, and of the current one the steps, their losses' sum and times."""

    epochs: list[Epoch] = field(default_factory=list)
    steps: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0

    @property
    def best(self) -> Epoch:
        """The epoch with the least validation loss, the first of several."""
        return min(self.epochs, key=lambda epoch: epoch.val_loss)

    def over(self, recipe: Recipe) -> bool:
        """Whether all epochs are done, or patience is at its end."""
        done, patience = len(self.epochs), recipe.fit.patience
        return done >= recipe.fit.epochs or bool(patience and done and done - self.best.epoch >= patience)


class RunFolder:
    """Of processes that train together one `writes`; the others read what it wrote."""

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        self.best, self.last = path / "best.keras", path / "last.keras"

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the run so far; raises UsageError where there is none."""
        try:
            facts: dict[str, Any] = json.loads((self.path / "facts.json").read_text(encoding="utf-8"))
            return {"finished": False, "corpus_sha256": None} | facts
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"{self.path / 'facts.json'}: not of a run of extrap train ({error})") from None

    @property
    def recipe(self) -> Recipe:
        try:
            return Recipe.model_validate_json((self.path / "recipe.json").read_text(encoding="utf-8"))
        except ValidationError as error:
            raise UsageError(f"{self.path / 'recipe.json'}: {first_fault(error)}") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.path / 'recipe.json'}: not of a run of extrap train ({error})") from None

    def finished(self, recipe: Recipe, *, resume: bool) -> bool:
        """Whether the folder holds a finished run of a recipe.

        Raises UsageError where it holds another run, or any without `resume`.
        """
        if not (self.path / "recipe.json").exists():
            return False
        if self.writes and not resume:
            raise UsageError(f"{self.path}: holds a run; add --resume to go on with it, or choose another --run")
        if self.recipe != recipe:
            raise UsageError(f"{self.path}: holds a run of another recipe; choose another folder with --run")
        return (self.path / "facts.json").exists() and bool(self.facts["finished"])

    def begin(self, recipe: Recipe) -> None:
        """Make the folder; raises CannotWrite where that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for partial in self.path.glob(".partial-*") if self.writes else ():  # of a process that was killed
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be a run folder: {error.strerror}") from None
        self._write("recipe.json", recipe.to_json())

    def restore(self, model: keras.Model, corpus_hash: str) -> State:
        """Load weights and optimizer as they were last saved, if they were; raise UsageError for another corpus."""
        if not self.last.exists():
            return State()
        if self.facts["corpus_sha256"] != corpus_hash:
            raise UsageError(f"{self.path}: its songs have changed; train anew with another --run")
        try:
            model.load_weights(self.last)
            with zipfile.ZipFile(self.last) as archive:
                saved = json.loads(archive.read(STATE))
            for variable, seed in zip(_seeds(model), saved.pop("seeds", []), strict=True):
                variable.assign(seed)
            return State(**saved | {"epochs": [Epoch(**epoch) for epoch in saved["epochs"]]})
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise UsageError(f"{self.last}: cannot go on from it ({error}); train anew with another --run") from None

    def save(self, model: keras.Model, state: State) -> None:
        """Save all that the run needs to go on, in one file at once."""

        def write(partial: Path) -> None:
            model.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                seeds = [np.asarray(variable).tolist() for variable in _seeds(model)]
                archive.writestr(STATE, json.dumps(asdict(state) | {"seeds": seeds}))

        self._replace(self.last, write)
        self.show(state)

    def save_best(self, model: keras.Model) -> None:
        """Save the weights alone, without the optimizer."""
        alone = keras.Model(model.input, model.output, name=model.name)
        self._replace(self.best, alone.save)

    def show(self, state: State) -> None:
        """Write the table and the picture of the epochs so far."""
        if not state.epochs:
            return
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
        self._replace(self.path / "loss.png", figure.savefig)

    def note(self, **facts: Any) -> None:
        """Add to the facts of the run."""
        before = self.facts if (self.path / "facts.json").exists() else {}
        self._write("facts.json", json.dumps(before | facts, indent=2))

    def note_versions(self) -> None:
        """Add what the run is made with, where that has changed since it began."""
        known = self.facts.get("versions", []) if (self.path / "facts.json").exists() else []
        now = versions()
        if now not in known[-1:]:
            self.note(versions=[*known, now])

    def _write(self, name: str, text: str) -> None:
        self._replace(self.path / name, lambda partial: partial.write_text(text, encoding="utf-8", newline=""))

    def _replace(self, path: Path, write: Callable[[Path], object]) -> None:
        if self.writes:
            write_whole(path, write)
            return
        with tempfile.TemporaryDirectory() as nowhere:  # saving moves arrays, which processes must do together
            write(Path(nowhere) / path.name)


def _seeds(model: keras.Model) -> list[keras.Variable]:
    """The states of dropout and the like, which Keras does not save."""
    return [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]


def versions() -> dict[str, str | None]:
    """The versions of what a run is made with, and the commit of this code where it is a checkout."""
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
