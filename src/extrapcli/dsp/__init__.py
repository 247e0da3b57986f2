"""Signal processing that several parts of extrap share: pure functions of NumPy arrays, which import nothing of ours.

They serve what has to start fast. Evaluation and training use librosa instead.
"""

from extrapcli.dsp.chroma import chroma, pitch_classes, standing_out, tuning
from extrapcli.dsp.correlation import moving_sum, normalised_cross_correlation
from extrapcli.dsp.keys import key_correlations
from extrapcli.dsp.level import level_steps
from extrapcli.dsp.mel import mel_filters
from extrapcli.dsp.onset import band_edges, band_powers, flux, onset_strength
from extrapcli.dsp.stretches import padded, windows

__all__ = [
    "band_edges",
    "band_powers",
    "chroma",
    "flux",
    "key_correlations",
    "level_steps",
    "mel_filters",
    "moving_sum",
    "normalised_cross_correlation",
    "onset_strength",
    "padded",
    "pitch_classes",
    "standing_out",
    "tuning",
    "windows",
]
