"""Where a voice sounds, and how much a cut there would hurt it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from extrapcli.analysis.networks import network
from extrapcli.audio.spooled import chunks, release
from extrapcli.spec import VoiceSpec, expect

HOPS_PER_SECOND = 25
CHUNK_FRAMES, MARGIN_FRAMES = 6, 3  # seconds: what the network is given at once, and how far it sees
QUIETEST = 1e-4  # sound is brought to unit level, but not if it is softer than -80 dB
HEARD = 0.5  # probability from which a voice is taken to sound
PAUSE_SECONDS = 0.16  # silence of a voice that is shorter, as before a t, is no pause
REACH_SECONDS = 0.06  # a cut concerns what sounds this shortly before and after it
PHRASE_SECONDS = 0.6  # a phrase that a cut leaves or enters so close to its edge is mostly kept
PHRASE_SHARE = 0.3  # of the cost of a cut in the middle of a word, that of one between the words of a phrase


@dataclass(frozen=True)
class Voice:
    """The voices in a song.

    Attributes:
        probability: `(hops,)`, 0 to 1: how likely a voice sounds, for each hop of 1/25 s.
    """

    probability: NDArray[np.float32]

    @cached_property
    def phrases(self) -> NDArray[np.float64]:
        """Where a voice sounds without a pause: `(n, 2)`, beginning and end in seconds, in order."""
        edges = np.flatnonzero(np.diff(np.pad(self.probability > HEARD, 1).astype(np.int8))) / HOPS_PER_SECOND
        begins, ends = edges[::2], edges[1::2]
        apart = begins[1:] - ends[:-1] >= PAUSE_SECONDS - 1e-9
        begins, ends = begins[np.append(True, apart)[: len(begins)]], ends[np.append(apart, True)[: len(ends)]]
        return np.stack([begins, ends], axis=1)

    def cut_cost(self, seconds: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return how much a voice is hurt where the song is left, or entered: 0 to 1, for each of some times.

        With p(t) the greatest probability of a voice near t,

            word = min(max p in [t - 0.06 s, t], max p in [t, t + 0.06 s])
            phrase = min(1, d / 0.6 s), d the distance from t to the nearer edge of the phrase around it, else 0
            cost = word * (0.3 phrase + 0.7)

        so it is 0 in a pause and where no voice sounds, high inside a word, lower where the voice dips between words,
        and lower near the beginning and the end of a phrase.
        """
        times = np.asarray(seconds, np.float64)
        reach = round(REACH_SECONDS * HOPS_PER_SECOND)
        hop = np.floor(times * HOPS_PER_SECOND + 1e-6).astype(int)
        padded = np.pad(self.probability, reach + 1)
        around = np.clip(hop, -1, len(self.probability)) + reach + 1
        before = np.max([padded[around - k] for k in range(1, reach + 1)], axis=0)
        after = np.max([padded[np.minimum(around + k, len(padded) - 1)] for k in range(reach)], axis=0)
        word = np.minimum(before, after)
        cost: NDArray[np.float64] = word * (1 - PHRASE_SHARE + PHRASE_SHARE * self._depth(times))
        return cost

    def _depth(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how deep in a phrase times lie: 0 outside and at its edges, 1 from 0.6 s inside on."""
        if not len(self.phrases):
            return np.zeros(times.shape)
        begins, ends = self.phrases.T
        phrase = np.clip(np.searchsorted(begins, times, side="right") - 1, 0, len(begins) - 1)
        inside = np.minimum(times - begins[phrase], ends[phrase] - times)
        depth: NDArray[np.float64] = np.clip(inside / PHRASE_SECONDS, 0, 1)
        return depth


def find_voice(mono: NDArray[np.float32]) -> Voice:
    """Find where a voice sounds in mono sound `(n,)` at 22,050 Hz.

    A long sound is heard in chunks that overlap by what the network sees, so memory grows only by the result.
    """
    heard_by = network("voice")
    rate = expect(heard_by.spec, VoiceSpec).sample_rate
    frames = -(-len(mono) // rate)
    gain = np.float32(1 / max(_level(mono), QUIETEST))
    parts = []
    for first in range(0, frames, CHUNK_FRAMES):
        begin, end = max(0, first - MARGIN_FRAMES), min(frames, first + CHUNK_FRAMES + MARGIN_FRAMES)
        chunk = mono[begin * rate : end * rate] * gain
        chunk = np.pad(chunk, (0, (end - begin) * rate - len(chunk)))
        heard = heard_by.run({"context": chunk.reshape(1, -1, rate)})["voice"][0]
        parts.append(heard[(first - begin) * HOPS_PER_SECOND :][: CHUNK_FRAMES * HOPS_PER_SECOND])
        release(mono)
    return Voice(np.concatenate(parts))


def _level(mono: NDArray[np.float32]) -> float:
    """Return the root mean square of a sound."""
    return float(
        np.sqrt(sum(float(np.square(part, dtype=np.float64).sum()) for part in chunks(mono)) / max(1, len(mono)))
    )
