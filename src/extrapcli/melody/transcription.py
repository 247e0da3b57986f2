"""The notes in a recording, as heard by the network of basic-pitch (Bittner et al. 2022, arXiv 2203.09893).

`basic_pitch/nmp.onnx` is the unchanged file of the package basic-pitch 0.4.0, under the Apache licence 2.0 beside it,
with its NOTICE. It takes windows of 43844 samples and gives 172 frames for each, the k-th around sample 256 k. The
first and last frames of a window are unreliable, as they lack the sound beyond it.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.backends.onnx import open_session

MODEL = Path(__file__).parent / "basic_pitch" / "nmp.onnx"
SHA256 = "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"
SAMPLE_RATE, HOP, WINDOW = 22050, 256, 43844
LOWEST_PITCH, PITCHES = 21, 88  # MIDI numbers from A0 on
FRAMES_PER_SECOND = SAMPLE_RATE / HOP
KEPT, EDGE = 142, 15  # frames of each window that are kept, and those dropped before them
INPUT, NOTE, ONSET = "serving_default_input_2:0", "StatefulPartitionedCall:1", "StatefulPartitionedCall:2"


class Transcription(NamedTuple):
    """Posterior probabilities, float32 `(frames, 88)`, frame k at second `k * 256 / 22050`, pitches from A0 up."""

    notes: NDArray[np.float32]  # that a note sounds
    onsets: NDArray[np.float32]  # that a note begins


def transcribe(
    samples: NDArray[np.float32], sample_rate: int, *, device: str = "cpu", threads: int | None = None
) -> Transcription:
    """Transcribe mono sound `(n,)` of full scale 1. The result takes 60 kB a second."""
    samples = resample(samples[:, None], from_rate=sample_rate, to_rate=SAMPLE_RATE)[:, 0]
    session = open_session(MODEL, device=device, threads=threads)
    frames = -(-len(samples) // HOP)
    notes, onsets = np.empty((2, frames, PITCHES), np.float32)
    for first in range(0, frames, KEPT):
        begin = (first - EDGE) * HOP
        window = samples[max(0, begin) : begin + WINDOW]
        window = np.pad(window, (max(0, -begin), 0))
        window = np.pad(window, (0, WINDOW - len(window)))
        outputs = session.run([NOTE, ONSET], {INPUT: window[None, :, None]})
        for whole, part in zip((notes, onsets), outputs, strict=True):
            whole[first : first + KEPT] = part[0, EDGE : EDGE + KEPT][: frames - first]
    return Transcription(notes, onsets)
