"""The network's view of a song: vectors that say how well each position of it would follow each moment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.spooled import release
from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.spec import AudioSpec, expect

TENSORS = {"queries": "heard", "keys": "places", "spectra": "spectra"}
"""The output of the model that each field of an `Encoding` comes from."""

BAND_GROUPS = 16  # the repetition penalty compares spectra in this many groups of bands
MAX_VALUE = 1e9  # of any output; sums of products of larger values could overflow
CHUNK_FRAMES = 16  # how much of a long song the network is given at once, besides the margins
MARGIN_FRAMES = 21  # the reach of the network's convolutions on either side


@dataclass(frozen=True)
class Encoding:
    """The network's outputs for a sound: one row for each hop of 1/25 s, float32.

    Attributes:
        queries: `(hops, vector)`; row t encodes the past up to the end of hop t.
        keys: `(hops, vector)`; row t encodes the position at the beginning of hop t. `queries[i] @ keys[j]` is the
            score of playing on from position j after hearing up to the end of hop i, in nats.
        spectra: `(hops, bands)`; row t is the mel spectrum of hops t and t + 1 together, in units of 15 dB.
    """

    queries: NDArray[np.float32]
    keys: NDArray[np.float32]
    spectra: NDArray[np.float32]


class Encoder:
    """Encodes mono sound at the network's sample rate, `rate`."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.rate = expect(backend.spec, AudioSpec).sample_rate

    def encode(self, sound: NDArray[np.float32]) -> Encoding:
        """Encode mono sound `(n,)` at the network's rate and unit level.

        The last hop ends where the sound ends; the first frame is filled up with silence. A long sound is encoded in
        chunks that overlap by the reach of the network, so memory grows only by the size of the encoding. Raises
        UnusableModel where the model's outputs contradict each other or are too large.
        """
        rate = self.rate
        count, missing = -(-len(sound) // rate), -len(sound) % rate
        size = min(count, CHUNK_FRAMES + 2 * MARGIN_FRAMES)  # the same for all chunks, so that memory is reused
        step = count if size == count else CHUNK_FRAMES
        rows: dict[str, NDArray[np.float32]] = {}
        for start in range(0, count, step):
            begin = min(max(0, start - MARGIN_FRAMES), count - size)
            first = begin * rate - missing
            chunk = np.pad(sound[max(0, first) : first + size * rate], (max(0, -first), 0))
            outputs = self.backend.run({"context": chunk.reshape(1, size, rate)})
            hops = self._hops_per_frame(outputs, size)
            for field, tensor in TENSORS.items():
                kept = outputs[tensor][0, (start - begin) * hops : (start - begin + step) * hops]
                if field not in rows:
                    rows[field] = np.empty((count * hops, kept.shape[1]), np.float32)
                rows[field][start * hops : start * hops + len(kept)] = kept
            release(sound)
        return Encoding(**rows)

    def _hops_per_frame(self, outputs: Mapping[str, NDArray[np.float32]], frames: int) -> int:
        """Return the number of hops in a frame; raise UnusableModel for outputs that contradict each other."""
        counts = {outputs[tensor].shape[1] for tensor in TENSORS.values()}
        hops, rest = divmod(int(counts.pop()), frames)
        if counts or rest or not hops or outputs[TENSORS["spectra"]].shape[2] % BAND_GROUPS:
            raise UnusableModel(
                f"model {self.backend.spec.name} gives rows that do not fit together; export it again"
            )
        if max(float(np.abs(outputs[tensor]).max(initial=0)) for tensor in TENSORS.values()) > MAX_VALUE:
            raise UnusableModel(f"model {self.backend.spec.name} gives values beyond any score; train it again")
        return hops
