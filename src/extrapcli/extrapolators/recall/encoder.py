"""What the network hears in a song."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample_chunks
from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks, release, spooled
from extrapcli.backends.base import Backend
from extrapcli.errors import UnusableModel
from extrapcli.spec import AudioSpec, expect

Array = NDArray[np.float32]

OUTPUTS = ("heard", "places", "spectra")
BAND_GROUPS = 16  # of bands, by which what was heard is remembered
MOST = 1e9  # of any output; sums of products of what is larger could overflow
CHUNK_FRAMES = 20  # how much of a long song the network is given at once, besides the margins
MARGIN_FRAMES = 21  # what its convolutions hear on either side


@dataclass(frozen=True)
class Score:
    """What the network gives for a stretch of sound, a row for each hop: 25 a second.

    `heard[t]` stands for what sounded up to the end of hop t, `places[t]` for the place where hop t begins;
    `heard[i] @ places[j]` says how well j follows i, in nats. `spectra[t]` are the mel bands of hops t and
    t + 1 together, in units of 15 dB.
    """

    heard: Array
    places: Array
    spectra: Array


class Hearing:
    """A backend with a pointing network, given mono sound `(n,)` at the network's rate."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.rate = expect(backend.spec, AudioSpec).sample_rate

    def mono(self, song: Song, samples: NDArray[np.floating]) -> Array:
        """Mix `(n, channels)` of the song down to the network's rate, `(n',)`, at the song's own level."""
        mixed = (piece.mean(axis=1, keepdims=True, dtype=np.float32) for piece in chunks(samples))
        return spooled(resample_chunks(mixed, len(samples), from_rate=song.sample_rate, to_rate=self.rate))[:, 0]

    def score(self, sound: Array) -> Score:
        """Hear a whole song, whose end is the end of its last hop; the first frame is filled up with silence.

        Memory grows with the length of the song by what is given back, no more.
        """
        rate = self.rate
        count, missing = -(-len(sound) // rate), -len(sound) % rate
        size = min(count, CHUNK_FRAMES + 2 * MARGIN_FRAMES)  # the same for all, so that memory is used again
        step = count if size == count else CHUNK_FRAMES
        rows: dict[str, Array] = {}
        for start in range(0, count, step):
            begin = min(max(0, start - MARGIN_FRAMES), count - size)
            samples = begin * rate - missing
            heard = np.pad(sound[max(0, samples) : samples + size * rate], (max(0, -samples), 0))
            outputs = self.backend.run({"context": heard.reshape(1, size, rate)})
            hops = self._hops(outputs, size)
            for name in OUTPUTS:
                kept = outputs[name][0, (start - begin) * hops : (start - begin + step) * hops]
                if name not in rows:
                    rows[name] = np.empty((count * hops, kept.shape[1]), np.float32)
                rows[name][start * hops : start * hops + len(kept)] = kept
            release(sound)
        return Score(**rows)

    def _hops(self, outputs: Mapping[str, Array], size: int) -> int:
        """The hops of a frame. Raises UnusableModel for outputs that do not fit together."""
        counts = {outputs[name].shape[1] for name in OUTPUTS}
        hops, rest = divmod(int(counts.pop()), size)
        if counts or rest or not hops or outputs["spectra"].shape[2] % BAND_GROUPS:
            raise UnusableModel(f"model {self.backend.spec.name} gives rows that do not fit; export it again")
        if max(float(np.abs(outputs[name]).max(initial=0)) for name in OUTPUTS) > MOST:
            raise UnusableModel(f"model {self.backend.spec.name} gives values beyond any score; train it again")
        return hops
