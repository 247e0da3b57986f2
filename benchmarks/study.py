"""The figures of docs/study.md, from the runs that `make study` trains: `study.py CORPUS RUNS`.

Measures what is not measured yet into RUNS/NAME/study.json, draws the pictures, and writes the tables into
docs/study.md. Runs that are not there, or not finished, are left out and named.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from extrapcli import console
from extrapcli.evaluation.prediction import best_lag, distance, mean, repeat, silence
from extrapcli.evaluation.spectra import PER_SECOND, mel_energies
from extrapcli.models import sha256
from extrapcli.networks.lstm import LstmSettings
from extrapcli.training.clips import Clips
from extrapcli.training.corpus import Corpus
from extrapcli.training.device import use_tensorflow
from extrapcli.training.recipe import Recipe, find_recipe

DOCS = Path(__file__).parents[1] / "docs"
RUNS = {
    "study": "the study's experiment",
    "study-slow": "learning rate 0.001",
    "study-aligned": "aligned reshape",
    "study-descending": "widths 512-256-128-64",
    "study-unshared": "a stack for each step",
    "study-peak": "samples scaled to peak 1",
    "study-lstm": "LSTMs, learning rate 0.001",
}
TIMED = {"study", "study-lstm"}
TRIVIAL = {"silence": silence, "the last 10 s again": repeat, "the best-matching lag": best_lag}
Array = NDArray[np.float32]
Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    asked = parser.parse_args()
    use_tensorflow()
    figures: Figures = {"trivial": trivial(asked.corpus)}
    for name in RUNS:
        run = asked.runs / name
        facts = json.loads((run / "facts.json").read_text()) if (run / "facts.json").exists() else {}
        if facts.get("finished"):
            figures[name] = measured(asked.corpus, run) | {"parameters": facts["parameters"], "losses": losses(run)}
            console.say(f"{name}: {figures[name]}")
        else:
            console.say(f"{name}: no finished run")
    for name in TIMED & figures.keys():
        figures[name]["speed"] = speed(asked.corpus, asked.runs / name)
    if "study" not in figures:
        raise SystemExit("nothing to report before the run of the study itself is finished")
    figures["scales"] = scales(asked.corpus)
    (DOCS / "study").mkdir(exist_ok=True)
    (DOCS / "study" / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    draw_losses(figures["study"]["losses"], figures["trivial"]["silence"])
    for split in ("train", "validation"):
        draw_song(asked.corpus, asked.runs / "study" / "last.keras", split)
    page = DOCS / "study.md"
    page.write_text(with_tables(page.read_text(), figures))


def data(corpus: Path, recipe: Recipe, split: str) -> Clips:
    """The clips of a split as a recipe cuts them, always the same."""
    from extrapcli.training.task import validation_clips

    with console.training(quiet=True) as progress:
        return validation_clips(recipe, Corpus.open(corpus), progress, (split,))


def pairs(clips: Clips) -> list[tuple[Array, Array]]:
    """Context and truth of every clip, as samples."""
    items = (clips.item(index, np.random.default_rng(0)) for index in range(clips.items))
    return [(context.ravel(), truth.ravel()) for context, truth in items]


def trivial(corpus: Path) -> Figures:
    found: Figures = {name: {} for name in TRIVIAL}
    for split in ("train", "validation"):
        clips = data(corpus, find_recipe("study"), split)
        songs = pairs(clips)
        for name, predict in TRIVIAL.items():
            rate = clips.frame_samples
            distances = [distance(predict(context, len(truth), rate), truth, rate) for context, truth in songs]
            found[name][split] = asdict(mean(distances))
    return found


def predicted(recipe: Recipe, weights: Path, contexts: Array) -> Array:
    from extrapcli.training.task import frame_network

    model = frame_network(recipe)
    model.load_weights(weights)
    answers: Array = model.predict(contexts, batch_size=10, verbose=0)
    return answers


def measured(corpus: Path, run: Path) -> Figures:
    """Distances of the best and the last weights of a run, kept beside it."""
    from extrapcli.training.run import RunFolder

    recipe = RunFolder(run).recipe
    kept = run / "study.json"
    known: Figures = json.loads(kept.read_text()) if kept.exists() else {}
    for which in ("best", "last"):
        weights = run / f"{which}.keras"
        digest = sha256(weights)
        if known.get(which, {}).get("sha256") == digest:
            continue
        known[which] = {"sha256": digest}
        for split in ("train", "validation"):
            clips = data(corpus, recipe, split)
            songs = [clips.item(index, np.random.default_rng(0)) for index in range(clips.items)]
            answers = predicted(recipe, weights, np.stack([context for context, _ in songs]))
            distances = [
                distance(answer.ravel(), truth.ravel(), clips.frame_samples)
                for answer, (_, truth) in zip(answers, songs, strict=True)
            ]
            power = np.mean([np.square(truth).mean() for _, truth in songs])
            known[which][split] = asdict(mean(distances)) | {"silence_mse": float(power)}
    kept.write_text(json.dumps(known))
    return known


def losses(run: Path) -> Figures:
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: [round(float(row[name]), 4) for row in rows] for name in ("loss", "val_loss")}


def speed(corpus: Path, run: Path) -> Figures:
    """Time and memory of training steps, in a process of their own."""
    kept = run / "speed.json"
    if not kept.exists():
        command = [sys.executable, str(Path(__file__).with_name("training_speed.py")), str(corpus)]
        done = subprocess.run([*command, "--recipe", run.name], capture_output=True, text=True, check=True)
        kept.write_text(done.stdout)
    known: Figures = json.loads(kept.read_text())
    return known


def scales(corpus: Path) -> Figures:
    """What silence scores on the training clips, for each way to scale samples."""
    from dataclasses import replace

    from extrapcli.training.recipe import ClipSettings

    clips = data(corpus, find_recipe("study"), "train")
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


def draw_song(corpus: Path, weights: Path, split: str) -> None:
    """Spectra of the input, the prediction and the truth of the first song of a split."""
    clips = data(corpus, find_recipe("study"), split)
    context, truth = clips.item(0, np.random.default_rng(0))
    answer = predicted(find_recipe("study"), weights, context[None])[0]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    loudest = 10 * np.log10(mel_energies(context.ravel(), clips.frame_samples).max())
    for axes, title, sound in zip(panels, ("input", "prediction", "actual"), (context, answer, truth), strict=True):
        decibels = 10 * np.log10(mel_energies(sound.ravel(), clips.frame_samples) + 1e-9)
        seconds = len(decibels) / PER_SECOND
        axes.imshow(
            decibels.T, origin="lower", aspect="auto", vmin=loudest - 70, vmax=loudest, extent=(0, seconds, 0, 64)
        )
        axes.set(title=title, xlabel="seconds")
    panels[0].set(ylabel="mel band")
    figure.suptitle(clips.shards[0].source.stem)
    figure.savefig(DOCS / "study" / f"{split}.png", dpi=100)


def with_tables(page: str, figures: Figures) -> str:
    """A page with each `<!-- table NAME -->` ... `<!-- end -->` filled in."""

    def filled(found: re.Match[str]) -> str:
        return f"<!-- table {found[1]} -->\n{TABLES[found[1]](figures)}\n<!-- end -->"

    return re.sub(r"<!-- table (\w+) -->\n.*?<!-- end -->", filled, page, flags=re.DOTALL)


def predictions_table(figures: Figures) -> str:
    rows = [(name, figures["trivial"][name]) for name in TRIVIAL]
    rows += [(f"the study's network, {which} epoch", figures["study"][which]) for which in ("best", "last")]
    silent = figures["trivial"]["silence"]
    return table(
        "| | error, training | error, validation | log-mel, training | log-mel, validation | level, validation |",
        [
            (
                name,
                f"{of['train']['mse'] / silent['train']['mse']:.3f}",
                f"{of['validation']['mse'] / silent['validation']['mse']:.3f}",
                f"{of['train']['log_mel']:.1f} dB",
                f"{of['validation']['log_mel']:.1f} dB",
                f"{of['validation']['level']:+.1f} dB",
            )
            for name, of in rows
        ],
    )


def variants_table(figures: Figures) -> str:
    rows = []
    for name, told in RUNS.items():
        if name not in figures:
            continue
        of, best = figures[name]["losses"], figures[name]["best"]
        epochs = min(50, len(of["loss"]))
        unit = best["validation"]["silence_mse"], best["train"]["silence_mse"]
        rows.append(
            (
                f"`{name}`: {told}",
                f"{figures[name]['parameters'] / 1e6:.1f} M",
                f"{of['loss'][epochs - 1] / unit[1]:.3f}",
                f"{of['val_loss'][epochs - 1] / unit[0]:.3f}",
                f"{min(of['val_loss'][:epochs]) / unit[0]:.3f}",
                f"{best['validation']['log_mel']:.1f} dB",
            )
        )
    return table(
        "| recipe | parameters | training at 50 | validation at 50 | best validation until 50 | log-mel, best |", rows
    )


def scales_table(figures: Figures) -> str:
    told = {"clip": "standardised per clip", "peak": "scaled to a peak of 1", "none": "as they are, in -1..1"}
    return table(
        "| samples | silence scores |", [(told[name], f"{of:.4f}") for name, of in figures["scales"].items()]
    )


def lstm_table(figures: Figures) -> str:
    rows = []
    for name, told in (("study", "the study's network"), ("study-lstm", "LSTMs of 512 units behind a projection")):
        if name not in figures:
            continue
        timed, best = figures[name]["speed"], figures[name]["best"]["validation"]
        rows.append(
            (
                told,
                f"{timed['parameters'] / 1e6:.1f} M",
                f"{timed['peak_memory_mb'] / 1e3:.1f} GB",
                f"{timed['step_seconds']:.2f} s",
                f"{best['mse'] / figures['trivial']['silence']['validation']['mse']:.3f}",
                f"{best['log_mel']:.1f} dB",
            )
        )
    whole = LstmSettings(projection=22050, units=22050)
    frame = whole.frame_samples
    cells = whole.parameters - (frame + 1) * whole.projection - (whole.units + 1) * frame
    memory = f"{16 * cells / 1e9:.0f} GB (computed)"
    rows.append(("LSTMs of 22050 units, no projection", f"{cells / 1e6:,.0f} M", memory, "", "", ""))
    return table("| | parameters | memory | a training step | error, validation | log-mel, validation |", rows)


def table(head: str, rows: Sequence[tuple[str, ...]]) -> str:
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([head, rule, *("| " + " | ".join(row) + " |" for row in rows)])


TABLES = {
    "predictions": predictions_table,
    "variants": variants_table,
    "scales": scales_table,
    "lstm": lstm_table,
}

if __name__ == "__main__":
    main()
