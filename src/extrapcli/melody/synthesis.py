"""A tune as sound, played from a sound font. The only user of midirenderer."""

import io
import os
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.errors import UnreadableAudio, UsageError
from extrapcli.melody.encoding import STEPS_PER_QUARTER, Note, Tune
from extrapcli.melody.midi import midi_file
from extrapcli.melody.optional import missing, needs

SAMPLE_RATE = 48000  # of midirenderer
LONGEST_SECONDS = 1800.0  # 2 GB of memory
RELEASE_SECONDS = 5.0  # the last note may ring on for so long
FADE_SECONDS = 0.02
PEAK = 0.7  # of full scale, which leaves room for what a lossy encoder adds
VOLUME, LOUDEST = 7, 127  # the MIDI controller and its highest value


def load_soundfont(path: Path | None) -> bytes:
    """Read a sound font and check that it plays a note; by default it is TimGM6mb, which comes with pretty_midi.

    Raises MissingDependency, and UnreadableAudio where the file can't be played.
    """
    with needs("midirenderer"):
        import midirenderer  # noqa: F401
    if path is None:
        package = find_spec("pretty_midi")  # not imported, as that takes time and more packages
        if package is None or package.origin is None:
            raise missing("pretty_midi")
        path = Path(package.origin).with_name("TimGM6mb.sf2")
    try:
        font = path.read_bytes()
        synthesize(Tune("", (Note(69, 1),)), font, tempo=100)
    except OSError as error:
        raise UnreadableAudio(f"{path}: cannot be read: {error.strerror}", hint="soundfont") from None
    except UnreadableAudio as error:
        raise UnreadableAudio(f"{path}: {error}", hint="soundfont") from None
    return font


def synthesize(tune: Tune, font: bytes, *, tempo: float) -> NDArray[np.float32]:
    """Play a tune on the font's piano until its last note has rung out, at 48 kHz.

    Returns float32 `(n, 2)` with a peak of 0.7. `tempo` is in quarters a minute. Raises UsageError for a tune longer
    than half an hour, UnreadableAudio where the font can't be played.
    """
    seconds = tune.steps / STEPS_PER_QUARTER * 60 / tempo
    if seconds > LONGEST_SECONDS:
        raise UsageError(f"the tune lasts {seconds / 60:.0f} minutes, too long to play as sound", hint="bars")
    import midirenderer
    import mido

    file = midi_file(tune, tempo=tempo)
    (track,) = file.tracks
    track.insert(0, mido.Message("control_change", control=VOLUME, value=LOUDEST))
    track[-1].time += round(RELEASE_SECONDS * tempo / 60 * file.ticks_per_beat)
    midi = io.BytesIO()
    file.save(file=midi)
    try:
        with _native_stderr_silenced():
            rendered = midirenderer.render_wave_from(font, midi.getvalue())
    except BaseException as error:  # a panic in Rust is not an Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise UnreadableAudio(f"not an .sf2 sound font that can be played ({error})") from None
    with wave.open(io.BytesIO(rendered)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    sounding = np.flatnonzero(samples.any(axis=1))
    if not len(sounding):
        raise UnreadableAudio("has no piano that plays these notes")
    end = max(int(sounding[-1]) + 1, round(seconds * SAMPLE_RATE))
    sound = samples[:end] * np.float32(PEAK / max(int(samples.max()), -int(samples.min())))
    fade = min(round(FADE_SECONDS * SAMPLE_RATE), len(sound))
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return sound


@contextmanager
def _native_stderr_silenced() -> Iterator[None]:
    """Keep native code from writing to standard error, where Rust reports the panic of a damaged font."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error, as in a program with windows
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
