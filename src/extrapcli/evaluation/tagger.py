"""What music sounds like, in words: the tagger MTT_musicnn of Pons & Serra 2019 (musicnn, arXiv 1909.06654).

The network in `musicnn/model.onnx` was trained on MagnaTagATune and is under the ISC licence beside it;
`training/tagger/port.py` made it. It hears 187 frames of 16 ms at a time, 2.992 s, here called a patch; the mel
bands that it was trained on are in the file, too.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from extrapcli.audio.resample import resample

Array = NDArray[np.float32]

MODEL = Path(__file__).parent / "musicnn" / "model.onnx"
RATE, WINDOW, HOP = 16000, 512, 256
PATCH_FRAMES = 187
PATCH_SECONDS = PATCH_FRAMES * HOP / RATE
BATCH = 4  # patches; each takes 50 MB while it is heard; more at a time are no faster

# Of the fifty tags, those that say how music feels or moves: its pace, loudness and strangeness, the presence of a
# beat, and the three genres named after an effect on the listener. The others name instruments, voices and styles.
MOOD_TAGS = ("slow", "fast", "quiet", "loud", "soft", "weird", "beat", "beats", "ambient", "new age", "dance")


@dataclass(frozen=True)
class Heard:
    """What was heard in each patch, in order."""

    tags: Array  # (patches, 50), 0 to 1: how sure the network is of each tag, independently of the others
    embeddings: Array  # (patches, 200), any sign, about 1 in size: the layer before the tags


class Tagger:
    """The network, opened once. `names` are those of the fifty tags, in the order of `Heard.tags`."""

    def __init__(self, *, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spectra are made between calls
        self._session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
        self.names: list[str] = json.loads(self._session.get_modelmeta().custom_metadata_map["tags"])

    def hear(self, sound: Array, rate: int, *, most: int | None = None, batch: int = BATCH) -> Heard:
        """Tag mono sound `(n,)`, full scale 1, of any sample rate: a patch for each whole 2.992 s, none overlapping.

        What is left after the last whole patch is not heard; sound shorter than one is followed by silence. Of more
        than `most` patches as many are heard, evenly spaced. `batch` are heard at a time, which only memory and
        speed depend on.
        """
        sound = resample(sound[:, None], from_rate=rate, to_rate=RATE)[:, 0]
        sound = np.pad(sound, (0, max(0, (PATCH_FRAMES - 1) * HOP - len(sound))))
        count = (1 + len(sound) // HOP) // PATCH_FRAMES
        chosen = np.linspace(0, count - 1, min(most or count, count)).round().astype(int)
        padded = np.pad(sound, WINDOW // 2, mode="reflect")
        heard = [
            self._session.run(["tags", "embedding"], {"patches": _spectra(padded, chosen[first : first + batch])})
            for first in range(0, len(chosen), batch)
        ]
        tags, embeddings = (np.concatenate(outputs) for outputs in zip(*heard, strict=True))
        return Heard(tags, embeddings)


def _spectra(padded: Array, patches: NDArray[np.integer]) -> Array:
    """Power spectra `(patches, 187, 257)`; each frame is around its beginning.

    `padded` is sound at 16 kHz that was reflected at both ends by half a window, as when musicnn was trained.
    """
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    chosen = patches[:, None] * PATCH_FRAMES + np.arange(PATCH_FRAMES)
    shape = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    power: Array = (np.abs(np.fft.rfft(frames[chosen] * shape)) ** 2).astype(np.float32)
    return power
