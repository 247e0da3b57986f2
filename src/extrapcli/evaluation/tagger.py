"""Tags and embeddings of music, by the network MTT_musicnn of Pons & Serra 2019 (musicnn, arXiv 1909.06654).

`musicnn/model.onnx` was trained on MagnaTagATune, is under the ISC licence beside it, and was ported by
`training/tagger/port.py`. It takes patches of 187 frames of 16 ms, 2.992 s; its mel bands are in the file, too.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.backends.onnx import open_session

MODEL = Path(__file__).parent / "musicnn" / "model.onnx"
RATE, WINDOW, HOP = 16000, 512, 256
PATCH_FRAMES = 187
BATCH = 4  # patches; each takes 50 MB while the network runs; more at a time are no faster

MOOD_TAGS = ("slow", "fast", "quiet", "loud", "soft", "weird", "beat", "beats", "ambient", "new age", "dance")
"""Of the fifty tags, those for how music feels or moves: its pace, loudness and strangeness, the presence of a beat,
and the three genres named after their effect on the listener. The others name instruments, voices and styles."""


@dataclass(frozen=True)
class Tagging:
    """The outputs of the network for each patch, in order.

    `tags` is `(patches, 50)`, 0 to 1: how sure the network is of each tag, independently of the others. `embeddings`
    is `(patches, 200)`, any sign, about 1 in size: the layer before the tags.
    """

    tags: NDArray[np.float32]
    embeddings: NDArray[np.float32]


class Tagger:
    """The network, opened once. `names` are those of the fifty tags, in the order of `Tagging.tags`."""

    def __init__(self, *, device: str = "cpu", threads: int | None = None) -> None:
        self._session = open_session(MODEL, device=device, threads=threads)
        self.names: list[str] = json.loads(self._session.get_modelmeta().custom_metadata_map["tags"])

    def tag(self, sound: NDArray[np.float32], rate: int, *, most: int | None = None, batch: int = BATCH) -> Tagging:
        """Tag mono sound `(n,)`, full scale 1, of any sample rate: each whole patch of 2.992 s, none overlapping.

        The rest after the last whole patch is left out; sound shorter than one is followed by silence. Of more than
        `most` patches that many are tagged, evenly spaced. `batch` are computed at a time, which only memory and
        speed depend on.
        """
        sound = resample(sound[:, None], from_rate=rate, to_rate=RATE)[:, 0]
        sound = np.pad(sound, (0, max(0, (PATCH_FRAMES - 1) * HOP - len(sound))))
        count = (1 + len(sound) // HOP) // PATCH_FRAMES
        chosen = np.linspace(0, count - 1, min(most or count, count)).round().astype(int)
        padded = np.pad(sound, WINDOW // 2, mode="reflect")  # as when musicnn was trained
        outputs = [
            self._session.run(["tags", "embedding"], {"patches": _spectra(padded, chosen[first : first + batch])})
            for first in range(0, len(chosen), batch)
        ]
        tags, embeddings = (np.concatenate(rows) for rows in zip(*outputs, strict=True))
        return Tagging(tags, embeddings)


def _spectra(padded: NDArray[np.float32], patches: NDArray[np.integer]) -> NDArray[np.float32]:
    """Compute power spectra `(patches, 187, 257)` of some patches of padded sound at 16 kHz."""
    size, reach = PATCH_FRAMES * HOP, WINDOW - HOP
    sounds = np.stack([padded[patch * size : (patch + 1) * size + reach] for patch in patches])
    spectra = librosa.stft(sounds, n_fft=WINDOW, hop_length=HOP, center=False)
    power: NDArray[np.float32] = np.abs(spectra).transpose(0, 2, 1) ** 2
    return power
