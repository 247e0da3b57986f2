"""Measure the figures of docs/amplitude.md on training runs and the shipped models: `amplitude.py CORPUS RUNS`.

Writes docs/amplitude/figures.json, fills in the tables of docs/amplitude.md and draws docs/amplitude/songs.png.
"""

import argparse
import csv
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from extrapcli import console
from extrapcli.amplitude import linear
from extrapcli.amplitude.network import extrapolate
from extrapcli.amplitude.stability import stability
from extrapcli.backends import open_model
from extrapcli.models import find_model
from extrapcli.training.corpus import Corpus
from extrapcli.training.kinds.amplitude import SAMPLE_RATE, AmplitudeRecipe, Channels
from extrapcli.training.recipe import find_recipe
from extrapcli.training.run import RunFolder

DOCS = Path(__file__).parents[1] / "docs"
RUNS = {
    "amplitude-relu": "ReLU",
    "amplitude": "LeakyReLU",
}
LOOK_BACKS = (3, 8, 32)
WINDOWS = 50_000  # about this many windows of a set of songs, evenly spaced, to compare look-backs on
ROLLOUT_SECONDS = 3
PICTURE_SECONDS = 3.0
Figures = dict[str, Any]
Sequences = NDArray[np.floating]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    asked = parser.parse_args()
    recipe, corpus = find_recipe("amplitude"), Corpus.open(asked.corpus)
    assert isinstance(recipe, AmplitudeRecipe)
    with console.training(quiet=True) as progress:
        training = recipe.training_channels(corpus, progress)
        validation = recipe.validation_channels(corpus, progress)
    runs = {name: asked.runs / name for name in RUNS if (asked.runs / name / "facts.json").exists()}
    figures = {
        "activation": activations(runs, training),
        "look_back": {
            "the two songs": look_backs(training, training, decibels),
            "50 validation songs, the median": look_backs(validation, training, median_decibels),
            "50 validation songs together": look_backs(validation, training, decibels),
        },
        "closed_loop": closed_loops(training, validation),
        "speed": speed(),
    }
    (DOCS / "amplitude").mkdir(exist_ok=True)
    (DOCS / "amplitude" / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    page = DOCS / "amplitude.md"
    for name, table in TABLES.items():
        filled = f"<!-- table {name} -->\n{table(figures[name])}\n<!-- end -->"
        page.write_text(re.sub(rf"<!-- table {name} -->\n.*?<!-- end -->", filled, page.read_text(), flags=re.DOTALL))
    draw(runs, training)


def predictor(run: Path, which: str = "last") -> keras.Model:
    """Load the network of a run with the weights of its last or best epoch."""
    recipe = RunFolder(run).recipe
    assert isinstance(recipe, AmplitudeRecipe)
    return recipe.predictor(run / f"{which}.keras")


def windows(sequences: Sequences, look_back: int, count: int | None = None) -> tuple[Sequences, Sequences]:
    """Return windows `(channels, n, look_back)` and the sample after each: all, or about `count`, evenly spaced."""
    found: Sequences = np.lib.stride_tricks.sliding_window_view(sequences, look_back + 1, axis=1)
    found = found[:, :: max(1, sequences.size // count) if count else 1]
    return found[..., :-1], found[..., -1]


def squared_16_bit(sounds: Channels, predicted: Sequences, wanted: Sequences) -> float:
    return float((np.square(predicted - wanted, dtype=np.float64).mean(axis=1) * sounds.levels**2).mean())


def decibels(predicted: Sequences, wanted: Sequences) -> float:
    error = np.square(predicted - wanted, dtype=np.float64).sum() / np.square(wanted, dtype=np.float64).sum()
    return float(10 * np.log10(error))


def median_decibels(predicted: Sequences, wanted: Sequences) -> float:
    """Return the median over channels that are not silent."""
    audible = wanted.any(axis=1)
    return float(np.median([decibels(*pair) for pair in zip(predicted[audible], wanted[audible], strict=True)]))


def predict(model: keras.Model, given: Sequences) -> Sequences:
    """Predict the sample after each of the windows `(channels, n, look_back)`."""
    rows = model.predict(given.reshape(-1, given.shape[-1], 1), batch_size=8192, verbose=0)
    predicted: Sequences = rows.reshape(given.shape[:2])
    return predicted


def predict_linearly(sequences: Sequences, order: int, given: Sequences) -> Sequences:
    """Predict the sample after each window by linear prediction whose weights are fitted to sequences."""
    return given @ linear.fit(sequences, order)


def activations(runs: dict[str, Path], training: Channels) -> Figures:
    """Measure the losses on the training samples, in squared 16-bit units and dB relative to the songs' power."""
    given, wanted = windows(training.signals, 3)
    methods = {RUNS[name]: predict(predictor(run), given) for name, run in runs.items()}
    methods |= {
        "linear prediction": predict_linearly(training.signals, 3, given),
        "repeating the last sample": given[..., -1],
        "the song, its negative samples set to zero": np.maximum(wanted, 0),
        "silence": np.zeros_like(wanted),
    }
    found: Figures = {
        name: {"squared_16_bit": squared_16_bit(training, predicted, wanted), "decibels": decibels(predicted, wanted)}
        for name, predicted in methods.items()
    }
    for name, run in runs.items():
        with (run / "metrics.csv").open() as file:
            found[RUNS[name]]["epochs"] = [round(float(row["loss"]), 5) for row in csv.DictReader(file)]
    return found


def look_backs(sounds: Channels, training: Channels, measure: Callable[[Sequences, Sequences], float]) -> Figures:
    """Measure the errors in dB for several look-backs."""
    found: Figures = {}
    networks = {name: open_model(find_model(name), device="cpu") for name in ("amplitude", "amplitude-long")}
    for look_back in LOOK_BACKS:
        given, wanted = windows(sounds.signals, look_back, WINDOWS)
        for name, backend in networks.items():
            rows = np.ascontiguousarray(given.reshape(-1, look_back, 1))
            predicted = np.concatenate([backend.run({"context": some})["next"] for some in np.array_split(rows, 16)])
            predicted = predicted.reshape(wanted.shape)
            found.setdefault(f"`{name}`", {})[look_back] = measure(predicted, wanted)
        common = predict_linearly(training.signals, look_back, given)
        found.setdefault("linear prediction, fitted to the two songs", {})[look_back] = measure(common, wanted)
        each = [predict_linearly(of[None], look_back, some) for of, some in zip(sounds.signals, given, strict=True)]
        own = found.setdefault("linear prediction, fitted to each channel", {})
        own[look_back] = measure(np.stack(each), wanted)
    return found


def closed_loops(training: Channels, validation: Channels) -> list[Figures]:
    """Measure how long several songs stay stable when the model is fed its own predictions."""
    backend = open_model(find_model("amplitude"), device="cpu", threads=1)
    count = ROLLOUT_SECONDS * SAMPLE_RATE
    common = linear.fit(training.signals, 3)
    channels = np.concatenate([[0], np.cumsum([shard.read(0, 1).shape[1] for shard in validation.shards])])
    chosen = range(0, len(validation.shards), len(validation.shards) // 8)
    known = validation.signals[channels[list(chosen)], -3:]
    found = []
    for index, start, sound in zip(chosen, known, extrapolate(backend, known, count), strict=True):
        own = linear.fit([validation.signals[channels[index]]], 3)
        found.append(
            {
                "song": validation.shards[index].source.stem,
                "network": vars(stability(sound, SAMPLE_RATE)) | {"hertz": pitch(sound)},
                "linear prediction, fitted to the two songs": vars(
                    stability(linear.extrapolate(common, start, count), SAMPLE_RATE)
                ),
                "linear prediction, fitted to this song": vars(
                    stability(linear.extrapolate(own, start, count), SAMPLE_RATE)
                ),
            }
        )
    return found


def pitch(sound: Sequences) -> float:
    """Return the strongest frequency of the last second in Hz."""
    last = sound[-SAMPLE_RATE:]
    return float(np.abs(np.fft.rfft(last - last.mean())).argmax())


def speed() -> Figures:
    """Measure the seconds of sound made per second of one processor core, the best of five."""
    found: Figures = {}
    backend = open_model(find_model("amplitude"), device="cpu", threads=1)
    for name, channels in (("mono", 1), ("stereo", 2)):
        known = np.random.default_rng(0).normal(size=(channels, 3)).astype(np.float32)
        took = []
        for _ in range(5):
            began = time.process_time()
            extrapolate(backend, known, SAMPLE_RATE)
            took.append(time.process_time() - began)
        found[name] = 1 / min(took)
    return found


def activation_table(figures: Figures) -> str:
    rows = [f"| {name} | {of['squared_16_bit']:,.0f} | {of['decibels']:.1f} dB |" for name, of in figures.items()]
    head = [
        "| from three samples | error in squared 16-bit units | relative to the songs' power |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def look_back_table(figures: Figures) -> str:
    lines = ["| on | predicted by | " + " | ".join(f"from {n}" for n in LOOK_BACKS) + " |", "|---|---|---|---|---|"]
    for where, methods in figures.items():
        for name, errors in methods.items():
            lines.append(f"| {where} | {name} | " + " | ".join(f"{error:.1f} dB" for error in errors.values()) + " |")
    return "\n".join(lines)


def closed_loop_table(figures: list[Figures]) -> str:
    methods = [name for name in figures[0] if name != "song"]
    lines = ["| song | " + " | ".join(methods) + " |", "|---|---|---|---|"]
    for of in figures:
        ends = [f"{of[method]['outcome']}, {of[method]['seconds']:.2f} s" for method in methods]
        lines.append(f"| {of['song']} | " + " | ".join(ends) + " |")
    return "\n".join(lines)


def speed_table(figures: Figures) -> str:
    rows = [f"| {name} | {factor:.1f} |" for name, factor in figures.items()]
    return "\n".join(["| | times real time |", "|---|---|", *rows])


TABLES: dict[str, Callable[[Any], str]] = {
    "activation": activation_table,
    "look_back": look_back_table,
    "closed_loop": closed_loop_table,
    "speed": speed_table,
}


def draw(runs: dict[str, Path], training: Channels) -> None:
    """Draw spectrograms of some seconds of both songs, and of what the two networks predict."""
    count = round(PICTURE_SECONDS * SAMPLE_RATE)
    first = [0, len(training.signals) // 2]
    stretch = training.signals[first, -count - 3 :]
    given, wanted = windows(stretch, 3)
    rows = {"song": wanted}
    rows |= {RUNS[name]: predict(predictor(runs[name]), given) for name in ("amplitude-relu", "amplitude")}
    figure = Figure(figsize=(8, 5.4), layout="constrained")
    panels = figure.subplots(len(rows), 2, sharex=True, sharey=True)
    for (name, sounds), axes in zip(rows.items(), panels, strict=True):
        for sound, panel, shard in zip(sounds, axes, training.shards, strict=True):
            panel.specgram(
                sound, NFFT=1024, noverlap=512, Fs=SAMPLE_RATE, scale="dB", cmap="magma", vmin=-110, vmax=-30
            )
            title = "original" if name == "song" else f"predicted with {name}"
            panel.set_title(f"{shard.source.stem.partition('__')[2].partition(',')[0]}, {title}", fontsize=9)
    for panel in panels[:, 0]:
        panel.set_ylabel("Hz")
    for panel in panels[-1]:
        panel.set_xlabel("seconds")
    figure.savefig(DOCS / "amplitude" / "songs.png", dpi=64)


if __name__ == "__main__":
    main()
