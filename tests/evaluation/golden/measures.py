"""Measure `tests/data/song.mp3` with other programs, as golden values for `extrapcli.evaluation`.

Needs FFmpeg's command line and pyloudnorm, best in an environment of its own, in some folder SCRATCH. In the root of
the repository:

    python3 -m venv SCRATCH
    SCRATCH/bin/pip install -e ".[report]" hypothesis "librosa==0.11.*" "pyloudnorm==0.2.*"
    SCRATCH/bin/python -m tests.evaluation.golden.measures

This writes `measures.json` beside this file, which is all that the tests read. Rhythm and harmony are measured with
librosa, as in `extrapcli.evaluation`, but by its standard methods: onset strength and tempo with their defaults,
chroma of the harmonic part. The distances of sets use the embeddings of this project's tagger. Every golden has a
tolerance, and the reason for it.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SONG = Path("tests/data/song.mp3")
RATE, SECONDS = 22050, 30
ONSETS = 12
PROFILES = {
    "major": [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    "minor": [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
}
NAMES = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]

Array = NDArray[np.floating]


def kad_by_loops(made: Array, true: Array) -> float:
    """A hundred times the unbiased squared MMD of Gretton et al. 2012, equation 3, pair by pair."""

    def distance(x: Array, y: Array) -> float:
        return float(np.linalg.norm(x.astype(np.float64) - y))

    within = [distance(true[i], true[j]) for i in range(len(true)) for j in range(i)]
    gamma = 1 / (2 * np.median(within) ** 2)
    m, n = len(made), len(true)
    total = 0.0
    for a, b, weight in (
        (made, made, 1 / (m * (m - 1))),
        (true, true, 1 / (n * (n - 1))),
        (made, true, -2 / (m * n)),
    ):
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                total += weight * np.exp(-gamma * distance(x, y) ** 2) * (a is not b or i != j)
    return float(100 * total)


def fad_by_singular_values(made: Array, true: Array) -> float:
    """Dowson & Landau 1982: the trace of the root of a product of covariances is a sum of singular values."""
    apart = made.mean(axis=0, dtype=np.float64) - true.mean(axis=0, dtype=np.float64)
    x, y = ((a - a.mean(axis=0, dtype=np.float64)) / np.sqrt(len(a) - 1) for a in (made.astype(np.float64), true))
    both = np.square(x).sum() + np.square(y).sum()
    return float(apart @ apart + both - 2 * np.linalg.svd(x @ y.T, compute_uv=False).sum())


def ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ffmpeg", "-nostdin", "-i", SONG, *arguments], capture_output=True, check=True)


def sound(rate: int) -> Array:
    """The song in stereo, `(n, 2)`, as FFmpeg's command line decodes and resamples it."""
    raw = ffmpeg("-f", "f32le", "-ar", str(rate), "-ac", "2", "-").stdout
    return np.frombuffer(raw, np.float32).astype(np.float64).reshape(-1, 2)


def loudness() -> dict[str, float]:
    import pyloudnorm

    said = ffmpeg("-af", "ebur128", "-f", "null", "-").stderr.decode()
    summary = said[said.rindex("Integrated loudness") :].split()
    return {
        "by FFmpeg": float(summary[summary.index("I:") + 1]),
        "by pyloudnorm": round(float(pyloudnorm.Meter(48000).integrated_loudness(sound(48000))), 3),
    }


def spectrum() -> dict[str, float]:
    from scipy.signal import welch

    frequencies, power = welch(sound(48000)[: 10 * 48000].mean(axis=1), 48000, "hann", nperseg=2048, detrend=False)
    frequencies, power = frequencies[1:], power[1:] + 1e-12 * power[1:].max()  # the same floor, 120 dB below
    flatness = 10 * np.log10(np.exp(np.log(power).mean()) / power.mean())
    width = frequencies[np.flatnonzero(np.cumsum(power) >= 0.95 * power.sum())[0]]
    return {"flatness": round(float(flatness), 2), "rolloff": round(float(width), 1)}


def rhythm(mono: Array) -> dict[str, Any]:
    import librosa

    strength = librosa.onset.onset_strength(y=mono, sr=RATE, hop_length=256)
    peaks = librosa.onset.onset_detect(onset_envelope=strength, sr=RATE, hop_length=256, units="frames")
    strongest = np.sort(sorted(peaks, key=lambda frame: -strength[frame])[:ONSETS])
    return {
        "tempo": round(float(librosa.feature.tempo(onset_envelope=strength, sr=RATE, hop_length=256)[0]), 2),
        "onsets": librosa.frames_to_time(strongest, sr=RATE, hop_length=256).round(3).tolist(),
    }


def harmony(mono: Array) -> dict[str, Any]:
    import librosa

    chroma = librosa.feature.chroma_cqt(y=librosa.effects.harmonic(mono), sr=RATE, norm=None).mean(axis=1)
    best, key = -1.0, ""
    for mode, profile in PROFILES.items():
        for tonic in range(12):
            turned = [profile[(k - tonic) % 12] for k in range(12)]
            likeness = float(np.corrcoef(turned, chroma)[0, 1])
            if likeness > best:
                best, key = likeness, f"{NAMES[tonic]} {mode}"
    return {"chroma": (chroma / chroma.sum()).round(4).tolist(), "key": key}


def sets(mono: Array) -> dict[str, float]:
    from extrapcli.evaluation.tagger import Tagger

    embeddings = Tagger(threads=1).tag(mono.astype(np.float32), RATE).embeddings.astype(np.float64)
    half = len(embeddings) // 2
    return {
        "kad": round(kad_by_loops(embeddings[:half], embeddings[half:]), 5),
        "fad": round(fad_by_singular_values(embeddings[:half], embeddings[half:]), 5),
    }


def main() -> None:
    mono = sound(RATE)[: SECONDS * RATE].mean(axis=1)
    goldens = {
        "loudness": loudness()
        | {"tolerance": 0.1, "because": "EBU Tech 3341 allows a meter 0.1 LU, and FFmpeg prints tenths"},
        "spectrum": spectrum()
        | {
            "tolerance": 0.5,
            "because": "decibels, and an edge of one band, 23.4 Hz: FFmpeg's decoder rounds elsewhere",
        },
        "rhythm": rhythm(mono)
        | {"tolerance": 0.04, "because": "a share of the tempo, octaves aside: two steps of librosa's lags"},
        "harmony": harmony(mono)
        | {"least": 0.9, "because": "of correlation: a constant-Q transform has other windows and weighs overtones"},
        "sets": sets(mono)
        | {"tolerance": 0.01, "because": "a share: FFmpeg's and our decoder and resampler differ by rounding"},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(goldens, indent=2) + "\n")


if __name__ == "__main__":
    main()
