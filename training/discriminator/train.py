"""Train the discriminator: `train.py CORPUS OUT.onnx --tracks FOLDER ...`.

    python training/discriminator/train.py corpus src/extrapcli/evaluation/trees/model.onnx --tracks runs/tracks

Windows of the corpus's training songs as they are, against windows of tracks and of splices and layers made from the
same songs. FOLDER has tracks of these songs as WAV files, named after them, each with the output of
`extrap continue --json` beside it. One song in eight is held out: how well each kind of window is told from real ones
there is printed as AUC, 0.5 for not at all.
"""

import argparse
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from sklearn.ensemble import HistGradientBoostingClassifier
from windows import Window, Windows, of_track

from extrapcli.audio.decode import decode
from extrapcli.errors import UnreadableAudio
from extrapcli.evaluation.discriminator import auc
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.window_features import FRAMES, log_mel, window_features

SPLITS = ("train", "extra")
SONG_SECONDS, LEAST_SECONDS = 180, 40
SONG_DRAWS, TRACK_DRAWS = 16, 8
HELD_OUT = 8  # one song in so many
ONNX_ML = 3  # opset of `ai.onnx.ml`


@dataclass
class Examples:
    """What the trees are given: numbers, what was done to each window, and whether its song is held out."""

    numbers: list[NDArray[np.float32]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    held_out: list[bool] = field(default_factory=list)

    def add(self, windows: Iterator[Window], name: str) -> None:
        kinds, sounds = zip(*((kind, sound) for kind, sound in windows if np.abs(sound).max() > 1e-4), strict=True)
        self.numbers.append(window_features(np.stack([log_mel(sound)[:FRAMES] for sound in sounds])))
        self.kinds += kinds
        self.held_out += [zlib.crc32(name.encode()) % HELD_OUT == 0] * len(kinds)


def examples(corpus: Path, folders: list[Path]) -> Examples:
    found = Examples()
    for path in sorted(path for split in SPLITS for path in (corpus / split).iterdir()):
        song = decode(path)
        if song.seconds < LEAST_SECONDS:
            continue
        begin = max(0, round((song.seconds - SONG_SECONDS) / 2)) * song.sample_rate
        part = song.samples[begin : begin + SONG_SECONDS * song.sample_rate].astype(np.float32)
        rng = np.random.default_rng(zlib.crc32(path.name.encode()))
        found.add(Windows(mono(part, song.sample_rate), rng).draw(SONG_DRAWS), path.stem)
        tracks = [track for folder in folders for track in sorted(folder.glob(f"{path.stem}*.wav"))]
        for track in tracks:
            with suppress(UnreadableAudio):  # a silent one
                found.add(of_track(track, rng, TRACK_DRAWS), path.stem)
        print(f"{path.stem}: {len(tracks)} tracks", flush=True)
    return found


def fit(numbers: NDArray[np.float32], made: NDArray[np.bool_]) -> HistGradientBoostingClassifier:
    """Fit trees; windows of songs and of tracks weigh the same in all."""
    weights = np.where(made, 0.5 / made.mean(), 0.5 / (~made).mean())
    trees = HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.06, max_leaf_nodes=24, min_samples_leaf=30, l2_regularization=3,
        max_features=0.3, random_state=0,
    )  # fmt: skip
    return trees.fit(numbers, made, sample_weight=weights)


def to_onnx(trees: HistGradientBoostingClassifier, numbers: int) -> onnx.ModelProto:
    """Write trees as one ONNX operator, which adds up their leaves to the log odds of `made`."""
    columns: dict[str, Any] = {
        f"nodes_{name}": []
        for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    }
    leaves: dict[str, Any] = {f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
    for tree, (predictor,) in enumerate(trees._predictors):
        for node, row in enumerate(predictor.nodes):
            leaf = bool(row["is_leaf"])
            values = (
                tree, node, int(row["feature_idx"]), 0.0 if leaf else _not_above(row["num_threshold"]),
                "LEAF" if leaf else "BRANCH_LEQ", int(row["left"]), int(row["right"]),
            )  # fmt: skip
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
            if leaf:
                for column, value in zip(leaves.values(), (tree, node, 0, float(row["value"])), strict=True):
                    column.append(value)
    operator = helper.make_node(
        "TreeEnsembleRegressor", ["features"], ["score"], domain="ai.onnx.ml", n_targets=1,
        base_values=[float(trees._baseline_prediction[0, 0])], **columns, **leaves,
    )  # fmt: skip
    graph = helper.make_graph(
        [operator],
        "discriminator",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["windows", numbers])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["windows", 1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", ONNX_ML)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _not_above(threshold: float) -> float:
    """Return the largest float32 that is not above a float64."""
    near = np.float32(threshold)
    return float(near if near <= threshold else np.nextafter(near, np.float32(-np.inf)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tracks", type=Path, nargs="+", default=[])
    asked = parser.parse_args()
    found = examples(asked.corpus, asked.tracks)
    numbers, kinds, held_out = np.concatenate(found.numbers), np.array(found.kinds), np.array(found.held_out)
    made = kinds != "real"
    trees = fit(numbers[~held_out], made[~held_out])
    scores = trees.decision_function(numbers[held_out])
    for kind in [*sorted(set(kinds[made])), "all"]:
        chosen = made[held_out] if kind == "all" else kinds[held_out] == kind
        print(f"{kind}: {auc(scores[chosen], scores[~made[held_out]]):.2f}")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(trees, numbers.shape[1]), asked.out)


if __name__ == "__main__":
    main()
