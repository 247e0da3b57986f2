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

from extrapcli.audio.encode import open_track
from extrapcli.errors import MissingDependency, UnreadableAudio, UsageError
from extrapcli.melody.encoding import STEPS_PER_QUARTER, Note, Tune
from extrapcli.melody.midi import INSTALL, midi_file

SAMPLE_RATE = 48000  # what midirenderer gives
LONGEST_SECONDS = 1800.0  # 2 GB of memory
RING_SECONDS = 5.0  # the most that the last note rings on after its end
FADE_SECONDS = 0.02
PEAK = 0.7  # of full scale; what a lossy encoder adds still fits
LOUDEST = 127  # of a controller's values
VOLUME = 7  # the controller
Sound = NDArray[np.float32]


def load_font(soundfont: Path | None) -> bytes:
    """A sound font, by default that of General MIDI which pretty_midi has, found to play a note.

    Raises MissingDependency, and UnreadableAudio where the file is none that can be played.
    """
    if find_spec("midirenderer") is None:
        raise MissingDependency(INSTALL.format("midirenderer"))
    if soundfont is None:
        package = find_spec("pretty_midi")
        if package is None or package.origin is None:
            raise MissingDependency(INSTALL.format("pretty_midi"))
        soundfont = Path(package.origin).with_name("TimGM6mb.sf2")
    try:
        font = soundfont.read_bytes()
    except OSError as error:
        raise UnreadableAudio(f"{soundfont}: cannot be read: {error.strerror}; give a --soundfont") from None
    try:
        play(Tune("", (Note(69, 1),)), font, tempo=100)
    except UnreadableAudio as error:
        raise UnreadableAudio(f"{soundfont}: {error}; give another --soundfont, of the kind .sf2") from None
    return font


def play(tune: Tune, font: bytes, *, tempo: float) -> Sound:
    """A tune on the font's piano, `(n, 2)` at 48 kHz, to where its last note has rung out; the loudest sample is 0.7.

    `tempo` is in quarters a minute. Raises UsageError for more than half an hour, UnreadableAudio where the font
    can't be played.
    """
    seconds = tune.steps / STEPS_PER_QUARTER * 60 / tempo
    if seconds > LONGEST_SECONDS:
        raise UsageError(f"the tune lasts {seconds / 60:.0f} minutes, too long for --audio; ask for fewer --bars")
    import midirenderer
    import mido

    score = midi_file(tune.notes, tempo=tempo, metre=tune.metre, upbeat=tune.upbeat)
    (track,) = score.tracks
    track.insert(0, mido.Message("control_change", control=VOLUME, value=LOUDEST))
    track[-1].time += round(RING_SECONDS * tempo / 60 * score.ticks_per_beat)
    midi = io.BytesIO()
    score.save(file=midi)
    try:
        with _no_remarks():
            sound = midirenderer.render_wave_from(font, midi.getvalue())
    except BaseException as error:  # what Rust code panics with is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise UnreadableAudio(f"no sound font that can be played ({error})") from None
    with wave.open(io.BytesIO(sound)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    loud = np.flatnonzero(heard.any(axis=1))
    if not len(loud):
        raise UnreadableAudio("has no piano that plays these notes")
    peak = max(int(heard.max()), -int(heard.min()))
    end = max(int(loud[-1]) + 1, round(seconds * SAMPLE_RATE))
    samples = heard[:end] * np.float32(PEAK / peak)
    fade = min(round(FADE_SECONDS * SAMPLE_RATE), len(samples))
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return samples


def write_sound(path: Path, format: str, sound: Sound) -> None:
    """Write what `play` gave in one of FORMATS. Raises OSError."""
    with open_track(
        path,
        format=format,
        sample_rate=SAMPLE_RATE,
        channels=sound.shape[1],
        depth="s16",
        expected_samples=len(sound),
    ) as track:
        track.write(sound)


@contextmanager
def _no_remarks() -> Iterator[None]:
    """Keep from standard error what native code writes there: the place in Rust where a damaged font stopped it."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
