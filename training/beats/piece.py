"""A piece of music with known beats and bars, and the sound of MIDI messages by FluidSynth."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import mido
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 22050  # of what is written
SYNTHESIS_RATE = 44100
FONTS = (  # of the Debian packages that `render.py` names
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "/usr/share/sounds/sf2/MuseScore_General_Full.sf2",
    "/usr/share/sounds/sf2/OPL-3_FM_128M.sf2",
    "/usr/share/sounds/sf2/sf_GMbank.sf2",
)
TICKS = 1000  # a second: messages are written at a tempo of one beat a second
PEAK = 0.8
ALL_SOUND_OFF = 120  # a controller
PATIENCE_SECONDS = 300

Messages = Sequence[tuple[float, mido.Message]]
"""MIDI messages, each with its time in seconds."""


@dataclass(frozen=True)
class Labels:
    """Names a piece and says where its beats and bar lines are, in seconds from its beginning.

    `metre` is the number of beats in a bar. `split` is train, validation or test.
    """

    name: str
    family: str
    split: str
    source: str
    metre: int
    beats: list[float]
    downbeats: list[float]

    @classmethod
    def of(
        cls, name: str, split: str, source: str, times: NDArray[np.floating], downbeats: NDArray[np.bool_]
    ) -> "Labels":
        """Label a piece with beats at `times` `(n,)`, of which `downbeats` `(n,)` begin bars."""
        first = np.flatnonzero(downbeats)
        metre = int(np.bincount(np.diff(first)).argmax())
        rounded = np.round(times, 4)
        return cls(name, name.split("-")[0], split, source, metre, rounded.tolist(), rounded[first].tolist())


def write_piece(labels: Labels, samples: NDArray[np.floating], folder: Path) -> None:
    """Write a piece as NAME.flac and NAME.json; the labels last, so that what has labels is whole."""
    scaled = samples * (PEAK / max(float(np.abs(samples).max()), 1e-6))
    soundfile.write(folder / f"{labels.name}.flac", scaled, SAMPLE_RATE, "PCM_16")
    (folder / f"{labels.name}.json").write_text(json.dumps(asdict(labels)))


def excerpt(messages: Messages, begin: float, end: float) -> list[tuple[float, mido.Message]]:
    """Cut messages to the time from `begin` to `end`, which becomes 0: earlier settings of the channels are kept."""
    before = [(0.0, message) for time, message in messages if time < begin and not message.type.startswith("note")]
    return before + [(time - begin, message) for time, message in messages if begin <= time < end]


def synthesize(messages: Messages, font: str, seconds: float) -> NDArray[np.float32]:
    """Play messages on a sound font, as mono `(n,)` at 22,050 Hz, `seconds` long."""
    track = mido.MidiTrack()
    now = 0
    for time, message in sorted(messages, key=lambda timed: timed[0]):
        tick = max(now, round(time * TICKS))
        track.append(message.copy(time=tick - now))
        now = tick
    # FluidSynth goes on until all notes have ended
    track += [mido.Message("control_change", channel=channel, control=ALL_SOUND_OFF) for channel in range(16)]
    track.append(mido.MetaMessage("end_of_track", time=TICKS))
    file = mido.MidiFile(ticks_per_beat=TICKS)
    file.tracks.append(track)
    track.insert(0, mido.MetaMessage("set_tempo", tempo=1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder, "piece.mid"), Path(folder, "piece.wav")
        file.save(midi)
        settings = ["-o", "synth.dynamic-sample-loading=1", "-g", "0.4", "-r", str(SYNTHESIS_RATE)]
        command = ["fluidsynth", "-niq", *settings, "-F", str(wave), font, str(midi)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        sound, rate = soundfile.read(wave, dtype="float32", frames=round(seconds * SYNTHESIS_RATE))
    mono: NDArray[np.float32] = soxr.resample(sound.mean(axis=1), rate, SAMPLE_RATE)
    return mono
