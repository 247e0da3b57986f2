"""The tables of docs/study.md, from the figures that `study.py` measures."""

import re
from collections.abc import Sequence
from typing import Any

from extrapcli.networks.settings import LstmSettings

VARIANTS = {
    "study": "the study's experiment",
    "study-slow": "learning rate 0.001",
    "study-aligned": "aligned reshape",
    "study-descending": "widths 512-256-128-64",
    "study-unshared": "a stack for each step",
    "study-peak": "samples scaled to peak 1",
    "study-lstm": "LSTMs, learning rate 0.001",
}
EPOCHS = 20  # all variants were trained this long
FURTHER = {
    "study-mel": "the study's network, log-mel distance added to its loss",
    "seq2seq": "`seq2seq`, which reuses its context",
}
Figures = dict[str, Any]


def with_tables(page: str, figures: Figures) -> str:
    """Fill in each `<!-- table NAME -->` ... `<!-- end -->` of a page."""

    def filled(found: re.Match[str]) -> str:
        return f"<!-- table {found[1]} -->\n{TABLES[found[1]](figures)}\n<!-- end -->"

    return re.sub(r"<!-- table (\w+) -->\n.*?<!-- end -->", filled, page, flags=re.DOTALL)


def predictions_table(figures: Figures) -> str:
    rows = list(figures["trivial"].items())
    rows += [(f"the study's network, {which} epoch", figures["study"][which]) for which in ("best", "last")]
    return distances_table(figures, rows)


def statistics_table(figures: Figures) -> str:
    averaged, silent = figures["study"]["last"], figures["trivial"]["silence"]
    rows = {
        "running averages": {
            split: of["mse"] / silent[split]["mse"] for split, of in averaged.items() if split in silent
        },
        "the current batch": figures["batch_statistics"],
    }
    return table(
        "| normalised with | error, training | error, validation |",
        [(name, f"{of['train']:.3f}", f"{of['validation']:.3f}") for name, of in rows.items()],
    )


def further_table(figures: Figures) -> str:
    lag = "the best-matching lag"
    rows = [("the study's network", figures["study"]["best"]), (lag, figures["trivial"][lag])]
    rows += [(label, figures[name]["best"]) for name, label in FURTHER.items() if name in figures]
    return distances_table(figures, rows)


def distances_table(figures: Figures, rows: list[tuple[str, Figures]]) -> str:
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
    for name, label in VARIANTS.items():
        if name not in figures:
            continue
        of, best = figures[name]["losses"], figures[name]["best"]
        epochs = min(EPOCHS, len(of["loss"]))
        unit = best["validation"]["silence_mse"], best["train"]["silence_mse"]
        rows.append(
            (
                f"`{name}`: {label}",
                f"{figures[name]['parameters'] / 1e6:.1f} M",
                f"{of['loss'][epochs - 1] / unit[1]:.3f}",
                f"{of['val_loss'][epochs - 1] / unit[0]:.3f}",
                f"{min(of['val_loss'][:epochs]) / unit[0]:.3f}",
                f"{best['validation']['log_mel']:.1f} dB",
            )
        )
    at, until = f"after {EPOCHS}", f"up to {EPOCHS}"
    return table(
        f"| recipe | parameters | training {at} | validation {at} | best validation {until} | log-mel, best |", rows
    )


def scales_table(figures: Figures) -> str:
    label = {"clip": "standardised, each clip", "peak": "scaled to a peak of 1", "none": "unscaled, -1 to 1"}
    return table(
        "| samples | MSE of silence |", [(label[name], f"{of:.4f}") for name, of in figures["scales"].items()]
    )


def lstm_table(figures: Figures) -> str:
    rows = []
    for name, label in (("study", "the study's network"), ("study-lstm", "LSTMs of 512 units behind a projection")):
        if name not in figures:
            continue
        timed, best = figures[name]["speed"], figures[name]["best"]["validation"]
        rows.append(
            (
                label,
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
    return table("| | parameters | memory | training step | error, validation | log-mel, validation |", rows)


def table(head: str, rows: Sequence[tuple[str, ...]]) -> str:
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([head, rule, *("| " + " | ".join(row) + " |" for row in rows)])


TABLES = {
    "predictions": predictions_table,
    "statistics": statistics_table,
    "further": further_table,
    "variants": variants_table,
    "scales": scales_table,
    "lstm": lstm_table,
}
