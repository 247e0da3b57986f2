"""A model of samples at work: one sample ahead of a sound, or on from its own answers."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from extrapcli.backends.base import Backend
from extrapcli.spec import ModelSpec, SampleSpec, expect

AT_ONCE = 1 << 18  # numbers in the windows of one call
Sound = NDArray[np.float32]


def check(spec: ModelSpec) -> int:
    """How many samples a model looks back; raises UnusableModel where it predicts no samples."""
    return expect(spec, SampleSpec).look_back


def ahead(backend: Backend, sequence: Sound, look_back: int) -> Iterator[Sound]:
    """Each sample of a sequence `(n,)` of unit deviation from the `look_back` before it, some at a time.

    Before the first, there is silence.
    """
    before = np.concatenate([np.zeros(look_back, np.float32), sequence[:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(before, look_back)
    many = max(1, AT_ONCE // look_back)
    for begin in range(0, len(windows), many):
        some = np.ascontiguousarray(windows[begin : begin + many, :, None])
        yield backend.run({"context": some})["next"][:, 0, 0]


def go_on(backend: Backend, known: Sound, count: int) -> Sound:
    """The `count` samples after `known`, `(channels, look_back)` of unit deviation, as `(channels, count)`.

    Each is predicted from those before it, predictions themselves; they may run off until they are no numbers.
    """
    context = np.full((len(known), known.shape[1] + count - 1, 1), np.nan, np.float32)
    context[:, : known.shape[1], 0] = known
    return backend.run({"context": context})["next"][..., 0]
