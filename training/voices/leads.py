"""Melodies on instruments that lead as a voice does, with vibrato and glides."""

import subprocess
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.networks.settings import FRAME_SAMPLES
from extrapcli.training.voices import Performance, melody

FONTS = tuple(Path("/usr/share/sounds/sf2") / name for name in ("FluidR3_GM.sf2", "TimGM6mb.sf2"))
STRINGS, BRASS, REEDS, PIPES = (40, 41, 42, 44, 48), (56, 57, 59, 60, 61), range(64, 72), range(72, 80)
SYNTHS, GUITARS, KEYS, OTHERS = range(80, 88), (24, 26, 27, 29, 30), (0, 4, 8, 11, 12, 16, 18, 19, 21), (22, 104, 109)
PROGRAMS = (*STRINGS, *BRASS, *REEDS, *PIPES, *SYNTHS, *GUITARS, *KEYS, *OTHERS, 110, 111)
"""Programs of General MIDI, from 0. Choirs and voices are not among them."""

BEND_STEP_SECONDS, BEND_RANGE = 0.02, 8191 / 2  # values of the pitch wheel for a semitone
TICKS_PER_SECOND = 1000


def lead(seconds: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Play a melody of `seconds` on an instrument drawn by `rng`: mono, at 22,050 Hz."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "lead.mid", Path(folder) / "lead.wav"
        _score(seconds, rng).save(score)
        font = FONTS[int(rng.integers(len(FONTS)))]
        command = ["fluidsynth", "-niq", "-F", str(sound), "-r", str(FRAME_SAMPLES), str(font), str(score)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        mono: NDArray[np.float64] = soundfile.read(sound, always_2d=True)[0].mean(axis=1)
        return mono


def _score(seconds: float, rng: np.random.Generator) -> mido.MidiFile:
    how = Performance(
        kind="sung",
        voice="",
        high=bool(rng.random() < 0.6),
        tonic=int(rng.integers(12)),
        minor=bool(rng.random() < 0.5),
        beat=float(rng.uniform(0.3, 0.9)),
    )
    depth = rng.uniform(0, 0.6) * (rng.random() < 0.7)
    rate = rng.uniform(4, 7)
    higher = int(rng.choice((0, 0, 0, 12)))
    events: list[tuple[float, mido.Message]] = []
    at = 0.0
    while at < seconds - 1:
        for note in melody(int(rng.integers(3, 16)), how, rng):
            pitch, velocity = int(note.pitch) + higher, int(rng.integers(70, 120))
            held = note.seconds * rng.uniform(0.8, 1.0)
            glide = rng.uniform(-2, 0) * (rng.random() < 0.3)
            events.append((at, mido.Message("note_on", note=pitch, velocity=velocity)))
            events.append((at + held, mido.Message("note_off", note=pitch)))
            for since in np.arange(0, held, BEND_STEP_SECONDS):
                swing = depth * np.sin(2 * np.pi * rate * since) * np.clip((since - 0.2) / 0.2, 0, 1)
                bend = round((glide * max(0, 1 - since / 0.08) + swing) * BEND_RANGE)
                events.append((at + since, mido.Message("pitchwheel", pitch=min(max(bend, -8191), 8191))))
            at += note.seconds
        at += how.beat * int(rng.integers(1, 6))
    score = mido.MidiFile(ticks_per_beat=TICKS_PER_SECOND)
    track = mido.MidiTrack()
    score.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    track.append(mido.Message("program_change", program=int(rng.choice(PROGRAMS))))
    last = 0
    for moment, message in sorted(events, key=lambda event: event[0]):
        tick = max(last, int(moment * TICKS_PER_SECOND))
        track.append(message.copy(time=tick - last))
        last = tick
    return score
