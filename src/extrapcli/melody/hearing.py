"""Which notes sound when in a recording: the network of Bittner et al. 2022, basic-pitch (arXiv 2203.09893).

`basic_pitch/nmp.onnx` is the file of the package basic-pitch 0.4.0 as it is, under the Apache licence 2.0 beside it,
which NOTICE belongs to. It hears windows of 43844 samples and gives 172 frames of each, the k-th around sample 256 k;
the first and the last are heard badly, for want of what is beyond them.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from extrapcli.audio.resample import resample

Array = NDArray[np.float32]

MODEL = Path(__file__).parent / "basic_pitch" / "nmp.onnx"
SHA256 = "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec"
RATE, HOP, WINDOW = 22050, 256, 43844
LOWEST, NOTES = 21, 88
FRAMES_PER_SECOND = RATE / HOP
KEPT, EDGE = 142, 15  # frames of each window, and those before them that are left out; as many are after them
INPUT, NOTE, ONSET = "serving_default_input_2:0", "StatefulPartitionedCall:1", "StatefulPartitionedCall:2"


class Heard(NamedTuple):
    """Posteriors `(frames, 88)`, 0 to 1, from A0 on, frame k around second `k * 256 / 22050`."""

    notes: Array  # how sure it is that a note sounds
    onsets: Array  # that it begins


def hear(sound: Array, rate: int, *, threads: int = 0) -> Heard:
    """Hear mono sound `(n,)`, full scale 1, of any sample rate; what is kept takes 60 kB a second."""
    sound = resample(sound[:, None], from_rate=rate, to_rate=RATE)[:, 0]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work may want the cores
    session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    frames = -(-len(sound) // HOP)
    notes, onsets = np.empty((2, frames, NOTES), np.float32)
    for first in range(0, frames, KEPT):
        begin = (first - EDGE) * HOP
        window = sound[max(0, begin) : begin + WINDOW]
        window = np.pad(window, (max(0, -begin), 0))
        window = np.pad(window, (0, WINDOW - len(window)))
        given = session.run([NOTE, ONSET], {INPUT: window[None, :, None]})
        kept = slice(first, first + KEPT)
        for whole, part in zip((notes, onsets), given, strict=True):
            whole[kept] = part[0, EDGE : EDGE + KEPT][: frames - first]
    return Heard(notes, onsets)
