"""Recordings of people speaking, from Debian's packages, left as they are or made to sing.

Speech is taken apart and put together again by WORLD (M. Morise, F. Yokomori and K. Ozawa, WORLD: a vocoder-based
high-quality speech synthesis system for real-time applications, 2016): the middles of syllables are held for as long
as notes last, and the voice is moved to their pitches.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyworld
from numpy.typing import NDArray

from extrapcli.networks.settings import FRAME_SAMPLES
from extrapcli.training.voices import MAJOR, MINOR

PACKAGES = {
    "cs": ("fillets-ng-data-cs", "games/fillets-ng/sound/*/cs/*.ogg"),
    "nl": ("fillets-ng-data-nl", "games/fillets-ng/sound/*/nl/*.ogg"),
    "en": ("asterisk-core-sounds-en-g722", "asterisk/sounds/en_*/**/*.g722"),
    "es": ("asterisk-core-sounds-es-g722", "asterisk/sounds/es_*/**/*.g722"),
    "fr": ("asterisk-core-sounds-fr-g722", "asterisk/sounds/fr_*/**/*.g722"),
    "it": ("asterisk-core-sounds-it-g722", "asterisk/sounds/it_*/**/*.g722"),
    "ru": ("asterisk-core-sounds-ru-g722", "asterisk/sounds/ru_*/**/*.g722"),
}
"""The package of each language, and where in /usr/share its recordings lie."""

SPEAKERS = tuple(PACKAGES)
HELD_OUT = ("it", "nl")
STEP_SECONDS = 0.005  # of WORLD
LONGEST_SECONDS = 8
NUCLEUS_STEPS = 6  # to either side of the middle of a syllable
SYLLABLE_STEPS = 24  # at least between the middles of two
RESTS_SECONDS = (0.2, 0.4, 0.8, 1.5, 4.0, 8.0)
Sound = NDArray[np.float64]


def fetch(folder: Path) -> dict[str, list[Path]]:
    """Download and unpack the packages into `folder`, unless they are there; return each speaker's recordings."""
    for name, _ in PACKAGES.values():
        if not (folder / name).exists():
            with tempfile.TemporaryDirectory() as work:
                subprocess.run(["apt-get", "download", "-qq", name], cwd=work, check=True)
                (package,) = Path(work).glob("*.deb")
                subprocess.run(["dpkg", "-x", package, folder / name], check=True)
    return {speaker: sorted((folder / name / "usr/share").glob(where)) for speaker, (name, where) in PACKAGES.items()}


def recorded(clips: list[Path], seconds: float, rng: np.random.Generator) -> Sound:
    """String recordings of a speaker together, with rests between them: mono, `seconds` at 22,050 Hz."""
    sings = rng.random() < 0.7
    beat = rng.uniform(0.3, 0.8)
    tonic, scale = int(rng.integers(12)), (MAJOR, MINOR)[int(rng.integers(2))]
    pitches = [pitch for pitch in range(30, 90) if (pitch - tonic) % 12 in scale]
    result = np.zeros(round(seconds * FRAME_SAMPLES))
    at = rng.uniform(0, 3)
    first = int(rng.integers(len(clips)))
    while at < seconds - 1:
        sound = _read(clips[(first + int(rng.integers(40))) % len(clips)])[: LONGEST_SECONDS * FRAME_SAMPLES]
        if len(sound) < 0.4 * FRAME_SAMPLES:
            at += 0.01
            continue
        if sings:
            sound = sung(sound, pitches, beat, rng)
        begin = round(at * FRAME_SAMPLES)
        sound = sound[: len(result) - begin] * 0.1 / max(float(sound.std()), 1e-9)
        result[begin : begin + len(sound)] += sound
        at += len(sound) / FRAME_SAMPLES + rng.choice(RESTS_SECONDS) * rng.uniform(0.5, 1.2)
    return result


def sung(sound: Sound, pitches: list[int], beat: float, rng: np.random.Generator) -> Sound:
    """Make speech sing a melody drawn by `rng` from some pitches near its own."""
    rough, times = pyworld.dio(sound, FRAME_SAMPLES, f0_floor=65, f0_ceil=600)
    frequency = pyworld.stonemask(sound, rough, times, FRAME_SAMPLES)
    voiced = frequency > 0
    spectra = pyworld.cheaptrick(sound, frequency, times, FRAME_SAMPLES)
    nuclei = _nuclei(voiced, spectra)
    if not nuclei:
        return sound
    noise = pyworld.d4c(sound, frequency, times, FRAME_SAMPLES)
    own = 69 + 12 * np.log2(np.median(frequency[voiced]) / 440) + rng.choice((0, 0, 2, 4, 7, -3, 12))
    steps, melody = _held(nuclei, len(frequency), [p for p in pitches if abs(p - own) < 8], beat, rng)
    wander = np.convolve(rng.normal(0, 0.25, len(melody)), np.ones(20) / 20, "same")
    below = np.floor(steps).astype(int)
    above, share = np.minimum(below + 1, len(frequency) - 1), (steps - below)[:, None]
    envelope = np.exp(np.log(spectra[below] + 1e-16) * (1 - share) + np.log(spectra[above] + 1e-16) * share)
    if rng.random() < 0.5:  # another length of the vocal tract
        bins = np.clip(np.arange(envelope.shape[1]) * rng.uniform(0.85, 1.18), 0, envelope.shape[1] - 1)
        envelope = np.stack([np.interp(bins, np.arange(len(row)), row) for row in envelope])
    tune = np.where(voiced[below], 440 * 2 ** ((melody + wander - 69) / 12), 0.0)
    made: Sound = pyworld.synthesize(tune, np.ascontiguousarray(envelope), noise[below], FRAME_SAMPLES)
    return made


def _nuclei(voiced: NDArray[np.bool_], spectra: Sound) -> list[int]:
    """Find the middles of syllables: the strongest steps of WORLD that are voiced, and apart from each other."""
    strength = np.convolve(np.log(spectra[:, 10:180].sum(axis=1) + 1e-12), np.ones(5) / 5, "same")
    least = strength[voiced].max(initial=-np.inf) - 6
    found: list[int] = []
    for step in np.argsort(-strength).tolist():
        near = voiced[max(0, step - 3) : step + 4]
        if near.all() and strength[step] > least and all(abs(step - other) > SYLLABLE_STEPS for other in found):
            found.append(step)
    return sorted(found)


def _held(
    nuclei: list[int], count: int, scale: list[int], beat: float, rng: np.random.Generator
) -> tuple[Sound, Sound]:
    """Return which step of the speech sounds at each step of the song, and at what pitch, in MIDI."""
    steps: list[float] = []
    melody: list[float] = []
    depth, rate, scoop = rng.uniform(0, 0.7), rng.uniform(4.5, 6.5), rng.uniform(0, 2)
    at = len(scale) // 2
    pitch, last = float(scale[at]), 0
    for number, nucleus in enumerate(nuclei):
        begin, end = max(last, nucleus - NUCLEUS_STEPS), min(count, nucleus + NUCLEUS_STEPS)
        steps += range(last, begin)
        melody += [pitch] * (begin - last)
        final = number == len(nuclei) - 1
        consonants = 0 if final else max(0, nuclei[number + 1] - NUCLEUS_STEPS - end)
        length = beat * rng.choice((1, 2, 3, 4) if final else (0.5, 0.5, 1, 1, 1.5, 2))
        held = max(2 * NUCLEUS_STEPS, int(length / STEP_SECONDS) - consonants)
        at = int(np.clip(at + rng.integers(-2, 3), 0, len(scale) - 1))
        since = np.arange(held) * STEP_SECONDS
        swing = depth * np.sin(2 * np.pi * rate * since) * np.clip((since - 0.2) / 0.2, 0, 1)
        glide = (pitch - scale[at]) * np.exp(-since / 0.03) - scoop * np.exp(-since / 0.05) * (rng.random() < 0.5)
        melody += (scale[at] + glide + swing).tolist()
        jitter = rng.normal(0, 0.6, held) * (held > 40)
        way = begin + (end - begin - 1) * (0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, held))) + jitter
        steps += np.clip(way, 0, count - 1).tolist()
        pitch, last = float(scale[at]), end
    steps += range(last, count)
    melody += [pitch] * (count - last)
    return np.array(steps, np.float64), np.array(melody)


def _read(path: Path) -> Sound:
    """Decode a recording to mono at 22,050 Hz, without the silence around it."""
    kind = ["-f", "g722"] if path.suffix == ".g722" else []
    output = ["-f", "f32le", "-ac", "1", "-ar", str(FRAME_SAMPLES), "-"]
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", *kind, "-i", path, *output], check=True, capture_output=True
    ).stdout
    sound = np.frombuffer(raw, np.float32).astype(np.float64)
    power = np.convolve(sound**2, np.ones(441) / 441, "same") if len(sound) else sound
    loud = np.flatnonzero(power > 1e-3 * power.max(initial=0))
    return np.ascontiguousarray(sound[loud[0] : loud[-1] + 1]) if len(loud) else sound
