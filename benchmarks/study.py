"""Measure the figures of docs/study.md on the runs that `make study` trains: `study.py CORPUS RUNS`.

Measurements that are missing are added to RUNS/NAME/study.json; then the pictures are drawn, and the tables written
into docs/study.md. Runs that are missing or unfinished are named and left out.
"""

import argparse
import csv
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from study_tables import FURTHER, VARIANTS, Figures, with_tables

from extrapcli import console
from extrapcli.evaluation.prediction import best_lag, distance, mean, repeat, silence
from extrapcli.evaluation.spectra import FRAMES_PER_SECOND, mel_power
from extrapcli.models import sha256
from extrapcli.training.corpus import Corpus
from extrapcli.training.kinds.clips import Clips
from extrapcli.training.kinds.waveform import WaveformRecipe
from extrapcli.training.recipe import find_recipe
from extrapcli.training.run import RunFolder
from extrapcli.training.tables import ClipSettings

DOCS = Path(__file__).parents[1] / "docs"
TIMED = {"study", "study-lstm"}
TRIVIAL = {"silence": silence, "the last 10 s again": repeat, "the best-matching lag": best_lag}
Array = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    asked = parser.parse_args()
    figures: Figures = {"trivial": trivial(asked.corpus)}
    for name in (*VARIANTS, *FURTHER):
        run = asked.runs / name
        facts = json.loads((run / "facts.json").read_text()) if (run / "facts.json").exists() else {}
        if facts.get("finished"):
            figures[name] = measured(asked.corpus, run) | {"parameters": facts["parameters"], "losses": losses(run)}
            console.say(f"{name}: {figures[name]}")
        else:
            console.say(f"{name}: no finished run")
    if "study" not in figures:
        raise SystemExit("nothing to report before the run of the study itself is finished")
    for name in TIMED & figures.keys():
        figures[name]["speed"] = speed(asked.corpus, asked.runs / name)
    figures["batch_statistics"] = in_training(asked.corpus, asked.runs / "study")
    figures["scales"] = scales(asked.corpus)
    (DOCS / "study").mkdir(exist_ok=True)
    (DOCS / "study" / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    draw_losses(figures["study"]["losses"], figures["trivial"]["silence"])
    for split in ("train", "validation"):
        draw_song(asked.corpus, asked.runs / "study", "last", split, DOCS / "study" / f"{split}.png")
    if "seq2seq" in figures:
        draw_song(asked.corpus, asked.runs / "seq2seq", "best", "validation", DOCS / "study" / "seq2seq.png")
    page = DOCS / "study.md"
    page.write_text(with_tables(page.read_text(), figures))


def data(corpus: Path, recipe: WaveformRecipe, split: str) -> Clips:
    """Load the study's clips of a split, scaled as a recipe says."""
    clips = study().clips.model_copy(update={"scaling": recipe.clips.scaling})
    recipe = recipe.model_copy(update={"clips": clips})
    with console.training(quiet=True) as progress:
        return recipe.validation_clips(Corpus.open(corpus), progress, (split,))


def study() -> WaveformRecipe:
    recipe = find_recipe("study")
    assert isinstance(recipe, WaveformRecipe)
    return recipe


def pairs(clips: Clips) -> list[tuple[Array, Array]]:
    """Return the context and the truth of every clip as samples `(n,)`."""
    items = (clips.item(index, np.random.default_rng(0)) for index in range(clips.items))
    return [(context.ravel(), truth.ravel()) for context, truth in items]


def trivial(corpus: Path) -> Figures:
    found: Figures = {name: {} for name in TRIVIAL}
    for split in ("train", "validation"):
        clips = data(corpus, study(), split)
        songs = pairs(clips)
        for name, predict in TRIVIAL.items():
            rate = clips.sizes.frame_samples
            distances = [distance(predict(context, len(truth), rate), truth, rate) for context, truth in songs]
            found[name][split] = asdict(mean(distances))
    return found


def trained(run: Path, which: str) -> tuple[WaveformRecipe, keras.Model]:
    """Load the recipe of a run, and its network with the best or the last weights."""
    recipe = RunFolder(run).recipe
    assert isinstance(recipe, WaveformRecipe)
    model = recipe.untrained()
    model.load_weights(run / f"{which}.keras")
    return recipe, model


def predicted(model: keras.Model, contexts: Array) -> Array:
    batches = np.array_split(contexts, -(-len(contexts) // 10))
    return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])


def measured(corpus: Path, run: Path) -> Figures:
    """Measure the distances of the best and the last weights of a run; keep them beside it."""
    kept = run / "study.json"
    known: Figures = json.loads(kept.read_text()) if kept.exists() else {}
    for which in ("best", "last"):
        weights = run / f"{which}.keras"
        digest = sha256(weights)
        if known.get(which, {}).get("sha256") == digest:
            continue
        known[which] = {"sha256": digest}
        recipe, model = trained(run, which)
        for split in ("train", "validation"):
            clips = data(corpus, recipe, split)
            songs = [clips.item(index, np.random.default_rng(0)) for index in range(clips.items)]
            predictions = predicted(model, np.stack([context for context, _ in songs]))
            distances = [
                distance(answer.ravel(), truth.ravel(), clips.sizes.frame_samples)
                for answer, (_, truth) in zip(predictions, songs, strict=True)
            ]
            power = np.mean([np.square(truth).mean() for _, truth in songs])
            known[which][split] = asdict(mean(distances)) | {"silence_mse": float(power)}
    kept.write_text(json.dumps(known))
    return known


def in_training(corpus: Path, run: Path) -> Figures:
    """Measure the errors of a run's last weights when batches are normalised as in training, relative to silence."""
    recipe, model = trained(run, "last")
    found: Figures = {}
    for split, size in zip(("train", "validation"), recipe.fit.batch_sizes, strict=True):
        clips = replace(data(corpus, recipe, split), batch_size=size)
        batches = [clips.batch(0, step) for step in range(clips.steps)]
        errors = [np.square(model(batch.inputs, training=True) - batch.targets).mean() for batch in batches]
        found[split] = float(np.mean(errors) / np.mean([np.square(batch.targets).mean() for batch in batches]))
    return found


def losses(run: Path) -> Figures:
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: [round(float(row[name]), 4) for row in rows] for name in ("loss", "val_loss")}


def speed(corpus: Path, run: Path) -> Figures:
    """Measure time and memory of training steps in a process of their own; once, and best on an idle machine."""
    kept = run / "speed.json"
    if not kept.exists():
        command = [sys.executable, str(Path(__file__).with_name("training_speed.py")), str(corpus)]
        done = subprocess.run([*command, "--recipe", run.name], capture_output=True, text=True, check=True)
        kept.write_text(done.stdout)
    known: Figures = json.loads(kept.read_text())
    return known


def scales(corpus: Path) -> Figures:
    """Return the MSE of silence on the training clips for each way to scale samples."""
    clips = data(corpus, study(), "train")
    found: Figures = {}
    for scaling in ("clip", "peak", "none"):
        of = replace(clips, settings=ClipSettings(start="beginning", scaling=scaling))
        found[scaling] = float(np.mean([np.square(truth).mean() for _, truth in pairs(of)]))
    return found


def draw_losses(of: Figures, silent: Figures) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, split, colour in (("loss", "train", "C0"), ("val_loss", "validation", "C1")):
        label = "training" if split == "train" else split
        axes.plot(np.arange(1, len(of[name]) + 1), of[name], colour, label=label)
        axes.axhline(silent[split]["mse"], color=colour, linestyle=":", label=f"silence, {label}")
    axes.set(xlabel="epoch", ylabel="mean squared error", ylim=(1, 2))
    axes.legend()
    figure.savefig(DOCS / "study" / "loss.png", dpi=100)


def draw_song(corpus: Path, run: Path, which: str, split: str, picture: Path) -> None:
    """Draw spectrograms of input, prediction and truth for the first song of a split."""
    recipe, model = trained(run, which)
    clips = data(corpus, recipe, split)
    context, truth = clips.item(0, np.random.default_rng(0))
    answer = predicted(model, context[None])[0]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    loudest = 10 * np.log10(mel_power(context.ravel(), clips.sizes.frame_samples).max())
    for axes, title, sound in zip(panels, ("input", "prediction", "actual"), (context, answer, truth), strict=True):
        decibels = 10 * np.log10(mel_power(sound.ravel(), clips.sizes.frame_samples) + 1e-9)
        seconds = len(decibels) / FRAMES_PER_SECOND
        axes.imshow(
            decibels.T, origin="lower", aspect="auto", vmin=loudest - 70, vmax=loudest, extent=(0, seconds, 0, 64)
        )
        axes.set(title=title, xlabel="seconds")
    panels[0].set(ylabel="mel band")
    figure.suptitle(clips.shards[0].source.stem)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    main()
