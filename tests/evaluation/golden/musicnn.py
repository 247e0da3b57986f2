"""Run musicnn's own code, for golden values of `extrapcli.evaluation.tagger`.

musicnn needs TensorFlow 2.15 or older, so it has an environment of its own, in some folder SCRATCH. In the root of
the repository:

    .venv/bin/python -m tests.evaluation.golden.musicnn sounds SCRATCH
    python3.11 -m venv SCRATCH/venv
    SCRATCH/venv/bin/pip install "tensorflow-cpu==2.15.*" "numpy<2" "librosa==0.11.*"
    SCRATCH/venv/bin/pip install --no-deps musicnn==0.1.0
    SCRATCH/venv/bin/python -m tests.evaluation.golden.musicnn goldens SCRATCH

The first command writes `tests/data/song.mp3`, as this project decodes it, and `plucks` to SCRATCH, both at musicnn's
16 kHz, so that both environments get the same samples. The last writes `musicnn.json` beside this file.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16000
KEPT = 8  # numbers of the first embedding


def plucks(seconds: float) -> NDArray[np.float32]:
    """Four plucked strings a second, up and down a minor arpeggio: `(n,)` at 16 kHz, peak near 0.6."""
    t = np.arange(round(seconds * RATE)) / RATE
    played = np.floor(4 * t).astype(int)
    pitches = 220 * 2 ** (np.array([0, 3, 7, 12, 10, 7, 3, -2]) / 12)
    age, pitch = t - played / 4, pitches[played % 8]
    partials = [np.sin(2 * np.pi * k * pitch * age) * np.exp(-8 * np.sqrt(k) * age) / k for k in range(1, 21)]
    plucked: NDArray[np.float64] = 0.3 * np.sum(partials, axis=0)
    return plucked.astype(np.float32)


def write_sounds(folder: Path) -> None:
    import soundfile

    from extrapcli.audio.decode import decode
    from extrapcli.audio.resample import resample

    song = decode(Path("tests/data/song.mp3"))
    mono = resample(song.samples.mean(axis=1, keepdims=True), from_rate=song.sample_rate, to_rate=RATE)
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "song.wav", mono, RATE, subtype="FLOAT")
    soundfile.write(folder / "plucks.wav", plucks(6.5), RATE, subtype="FLOAT")


def write_goldens(folder: Path) -> None:
    from functools import partial

    import librosa
    from musicnn import configuration, extractor  # type: ignore[import-not-found]

    # librosa reflected sound at its ends when musicnn was made, and now adds zeros.
    librosa.feature.melspectrogram = partial(librosa.feature.melspectrogram, pad_mode="reflect")
    configuration.BATCH_SIZE = 1000  # at its own 1, every patch is given the embedding of the first
    goldens = {}
    for name in ("song", "plucks"):
        taggram, tags, features = extractor.extractor(str(folder / f"{name}.wav"), model="MTT_musicnn")
        goldens[name] = {
            "patches": len(taggram),
            "mean_tags": {tag: round(float(mean), 6) for tag, mean in zip(tags, taggram.mean(axis=0), strict=True)},
            "first_embedding": [round(float(value), 6) for value in features["penultimate"][0, :KEPT]],
        }
    Path(__file__).with_suffix(".json").write_text(json.dumps(goldens, indent=2) + "\n")


if __name__ == "__main__":
    command, folder = sys.argv[1:]
    {"sounds": write_sounds, "goldens": write_goldens}[command](Path(folder))
