"""`voice`: hears where in music a voice speaks or sings.

Mel spectra, 25 a second, pass through convolutions over time and frequency, which recognise how the harmonics of a
voice glide and swing (as in J. Schlüter and B. Lehner, Zero-mean convolutions for level-invariant singing voice
detection, 2018), and then through dilated ones over time, which see 2.5 s on both sides. Spectra are computed inside
the graph, by the layers of `recall`.

The model consists of Keras's own layers and `keras.ops`, so a saved one loads without this package.
"""

import keras
from keras import layers, ops

from extrapcli.networks.fourier import Tensor
from extrapcli.networks.recall import log_mel
from extrapcli.networks.settings import FRAME_SAMPLES, VoiceSettings


def voice(settings: VoiceSettings) -> keras.Model:
    """Build the network.

    `context` is float32 `(batch, n, 22050)` for any n, at unit level. `voice` is float32 `(batch, 25 * n)`: the
    probability that a voice sounds in each hop of 1/25 s.
    """
    heard = logits(settings)
    return keras.Model(heard.input, {"voice": ops.sigmoid(heard.output)}, name="voice")


def logits(settings: VoiceSettings, dropout: float = 0.0) -> keras.Model:
    """Build the network in the form that is trained: it gives the logits of `voice`."""
    context = keras.Input((None, FRAME_SAMPLES), name="context")
    return keras.Model(context, detector(settings, dropout)(log_mel(context, settings.bands)))


def detector(settings: VoiceSettings, dropout: float = 0.0) -> keras.Model:
    """Build the part that has weights: from spectra, `(batch, T - 1, bands)`, to logits `(batch, T)`.

    The spectrum at hop t is that of hops t and t + 1; a hop is judged by both of the spectra it has a share in.
    """
    spectra = keras.Input((None, settings.bands), name="spectra")
    h = layers.Reshape((-1, settings.bands, 1), name="image")(spectra)
    for number, channels in enumerate(settings.channels):
        h = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"image_{number}")(h)
        h = layers.BatchNormalization(momentum=0.9, name=f"normal_{number}")(h)
        h = layers.ReLU(name=f"relu_{number}")(h)
        h = layers.MaxPooling2D((1, 2), name=f"pool_{number}")(h)
    bands = settings.bands // 2 ** len(settings.channels)
    h = layers.Reshape((-1, bands * settings.channels[-1]), name="features")(h)
    h = layers.Dense(settings.width, name="in")(h)
    for d in settings.dilations:
        h = _residual(h, settings.width, d, dropout)
    h = layers.LayerNormalization(name="norm")(h)
    h = layers.ZeroPadding1D((1, 1), name="both")(h)
    logits = layers.Conv1D(1, 2, name="logits")(h)
    return keras.Model(spectra, layers.Reshape((-1,), name="flat")(logits), name="detector")


def _residual(h: Tensor, width: int, dilation: int, dropout: float) -> Tensor:
    r = layers.LayerNormalization(name=f"norm_{dilation}")(h)
    r = layers.Conv1D(width, 3, padding="same", dilation_rate=dilation, activation="silu", name=f"conv_{dilation}")(r)
    if dropout:
        r = layers.SpatialDropout1D(dropout, name=f"dropout_{dilation}")(r)
    return h + layers.Dense(width, name=f"out_{dilation}")(r)
