"""Make songs of known form, chords and key, and measure how well an analysis finds them.

    python benchmarks/forms.py OUT --songs 48

The songs are chord progressions with a melody, a bass and drums, played by the sound font TimGM6mb
(`pip install "extrapcli[melody,report]"`). OUT keeps them, each with a JSON of what is known. The figures are printed
as a table in Markdown: the mean over songs, and its 95 % interval by bootstrap.
"""

import argparse
import io
import json
import wave
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import midirenderer
import mido
import mir_eval
import numpy as np
import soundfile
from mir_eval.key import weighted_score
from numpy.typing import NDArray

from extrapcli.analysis import Analysis, Beats
from extrapcli.analysis.harmony import NAMES
from extrapcli.audio.decode import decode
from extrapcli.audio.resample import resample
from extrapcli.melody.synthesis import load_soundfont

FORMS = ("AABA", "AABABA", "ABAB", "ABABCB", "ABACA", "AABB", "ABCABC", "IABABCB", "AABBA", "IABAB", "ABCB")
USUAL_BARS, ODD_BARS, INTRO_BARS = (8, 8, 16), (5, 6, 7, 9, 10, 12, 14), (2, 4)
MAJOR, MINOR = "major", "minor"
SCALES = {MAJOR: (0, 2, 4, 5, 7, 9, 11), MINOR: (0, 2, 3, 5, 7, 8, 10)}
QUALITIES = {  # of the triads on the degrees that progressions use, by semitones from the tonic
    MAJOR: {0: MAJOR, 2: MINOR, 4: MINOR, 5: MAJOR, 7: MAJOR, 9: MINOR},
    MINOR: {0: MINOR, 3: MAJOR, 5: MINOR, 7: MAJOR, 8: MAJOR, 10: MAJOR},
}
PROGRESSIONS = {
    MAJOR: ((0, 7, 9, 5), (0, 9, 5, 7), (0, 5, 7, 0), (9, 5, 0, 7), (0, 4, 5, 7), (2, 7, 0, 0), (0, 9, 2, 7)),
    MINOR: ((0, 8, 3, 10), (0, 5, 7, 0), (0, 10, 8, 7), (0, 3, 10, 5), (5, 0, 7, 0), (0, 5, 10, 3)),
}
CHORD_PROGRAMS, BASS_PROGRAMS = (0, 4, 6, 11, 16, 24, 26, 48, 61, 80, 88), (32, 33, 34, 38, 43)
LEAD_PROGRAMS = (0, 22, 40, 56, 65, 66, 71, 73, 80, 81)
KICK, SNARE, HAT, RIDE, CRASH = 36, 38, 42, 51, 49
LEAD, BASS, CHORDS, DRUMS = 0, 1, 2, 9  # MIDI channels
RATE = 22050
TICKS_PER_SECOND = 1000
RELEASE_SECONDS = 1.5
TRUE, OWN, REGULAR = "true bars given", "its own bars", "every 8 true bars, one label"


@dataclass(frozen=True)
class Event:
    begin: float
    seconds: float
    pitch: int
    velocity: float
    channel: int


@dataclass(frozen=True)
class Part:
    """A section: for each bar a root in semitones from C and a quality, and how they are played."""

    chords: list[tuple[int, str]]
    melody: list[tuple[float, int]]  # the beat, from the beginning of the section, and the pitch
    programs: tuple[int, int, int]
    strum: int
    drums: int  # 0 for none
    volume: float


@dataclass(frozen=True)
class Truth:
    """What is known of a song, in seconds; `chords` are numbered as in `extrapcli.Chords`."""

    sections: list[tuple[float, float, str]]
    beats: list[float]
    metre: int
    key: str
    chords: list[int]  # of each beat
    end: float


def make_part(name: str, tonic: int, mode: str, metre: int, bars: int, rng: np.random.Generator) -> Part:
    """Make up a section in a key."""
    progression = PROGRESSIONS[mode][int(rng.integers(len(PROGRESSIONS[mode])))]
    degrees = np.resize(progression, bars).tolist()
    chords = [((tonic + degree) % 12, QUALITIES[mode][degree]) for degree in degrees]
    rhythm = [beat + half for beat in range(metre) for half in (0.0, 0.5) if rng.random() < (0.35 if half else 0.8)]
    middle = pitch = int(rng.integers(60, 76))
    melody = []
    for bar, chord in enumerate(chords):
        for beat in rhythm:
            allowed = triad(chord) if beat % 1 == 0 else [(tonic + note) % 12 for note in SCALES[mode]]
            wish = int(np.clip(pitch + rng.integers(-4, 5), middle - 9, middle + 9))
            pitch = min((p for p in range(wish - 6, wish + 7) if p % 12 in allowed), key=lambda p: abs(p - wish))
            melody.append((bar * metre + beat, pitch))
    programs = tuple(int(rng.choice(choices)) for choices in (LEAD_PROGRAMS, BASS_PROGRAMS, CHORD_PROGRAMS))
    return Part(
        chords, [] if name == "I" else melody, (programs[0], programs[1], programs[2]), int(rng.integers(3)),
        int(rng.integers(4)), float(rng.uniform(0.75, 1)),
    )  # fmt: skip


def triad(chord: tuple[int, str]) -> list[int]:
    root, quality = chord
    return [root, (root + (4 if quality == MAJOR else 3)) % 12, (root + 7) % 12]


def make_song(seed: int, *, odd: bool) -> tuple[Truth, list[Event], list[tuple[float, int, int]]]:
    """Make up a song: what is known of it, its notes, and its programs (when, channel, program)."""
    rng = np.random.default_rng(seed)
    form, mode = FORMS[seed % len(FORMS)], MINOR if rng.random() < 0.4 else MAJOR
    tonic, metre, beat = int(rng.integers(12)), int(rng.choice([4, 4, 4, 3])), 60 / float(rng.uniform(70, 170))
    bars = ODD_BARS if odd else USUAL_BARS
    parts = {
        name: make_part(name, tonic, mode, metre, int(rng.choice(INTRO_BARS if name == "I" else bars)), rng)
        for name in sorted(set(form))
    }
    begin = float(rng.uniform(0.2, 1))
    sections, beats, chords, events, programs = [], [], [], [], []
    for name in form:
        part = parts[name]
        count = len(part.chords) * metre
        end = begin + count * beat
        sections.append((begin, end, name))
        beats += [begin + k * beat for k in range(count)]
        chords += [root + 12 * (quality == MINOR) for root, quality in part.chords for _ in range(metre)]
        events += [
            Event(begin + e.begin * beat, e.seconds * beat, e.pitch, e.velocity * part.volume, e.channel)
            for e in play(part, metre)
        ]
        programs += [(begin, channel, program) for channel, program in enumerate(part.programs)]
        begin = end
    key = f"{NAMES[tonic]} {mode}"
    return Truth(sections, beats, metre, key, chords, begin), events, programs


def play(part: Part, metre: int) -> list[Event]:
    """Return the notes of a section; times are in beats from its beginning."""
    events = [Event(beat, 0.55, pitch, 86, LEAD) for beat, pitch in part.melody]
    for bar, chord in enumerate(part.chords):
        pitches = [60 + note - 12 * (note > 7) for note in triad(chord)]
        for beat in range(metre):
            at = bar * metre + beat
            if part.strum == 0 and beat == 0:
                events += [Event(at, metre * 0.95, pitch, 70, CHORDS) for pitch in pitches]
            elif part.strum == 1:
                events += [Event(at, 0.8, pitch, 66, CHORDS) for pitch in pitches]
            elif part.strum == 2:
                events += [Event(at + k / 2, 0.45, pitches[(2 * beat + k) % 3], 72, CHORDS) for k in (0, 1)]
            if beat % 2 == 0:
                events.append(Event(at, 0.9, 36 + chord[0] - 12 * (chord[0] > 8), 88, BASS))
            if part.drums:
                strong = beat == 0 or (metre == 4 and beat == 2 and part.drums > 1)
                events.append(Event(at, 0.1, KICK if strong else SNARE, 100, DRUMS))
                events += [Event(at + k / 2, 0.1, RIDE if part.drums == 3 else HAT, 62, DRUMS) for k in (0, 1)]
    return [*events, Event(0, 0.5, CRASH, 90, DRUMS)] if part.drums else events


def render(
    events: list[Event], programs: list[tuple[float, int, int]], font: bytes, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Play notes with a sound font, mono at 22,050 Hz, with loudnesses that vary a little."""
    messages = [
        (at - 0.005, 0, mido.Message("program_change", channel=channel, program=program))
        for at, channel, program in programs
    ]
    for event in events:
        velocity = int(np.clip(event.velocity + rng.normal(0, 5), 20, 120))
        on = mido.Message("note_on", channel=event.channel, note=event.pitch, velocity=velocity)
        off = mido.Message("note_off", channel=event.channel, note=event.pitch)
        messages += [(event.begin, 2, on), (event.begin + event.seconds, 1, off)]
    track, last = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)]), 0
    for at, _, message in sorted(messages, key=lambda message: message[:2]):
        tick = max(last, round(at * TICKS_PER_SECOND))
        track.append(message.copy(time=tick - last))
        last = tick
    track.append(mido.MetaMessage("end_of_track", time=round(RELEASE_SECONDS * TICKS_PER_SECOND)))
    file = io.BytesIO()
    mido.MidiFile(ticks_per_beat=TICKS_PER_SECOND, tracks=[track]).save(file=file)
    with wave.open(io.BytesIO(midirenderer.render_wave_from(font, file.getvalue()))) as rendered:
        stereo = np.frombuffer(rendered.readframes(rendered.getnframes()), "<i2").reshape(-1, 2)
        rate = rendered.getframerate()
    mono = resample(stereo.mean(axis=1, keepdims=True) / 2**15, from_rate=rate, to_rate=RATE)[:, 0]
    peak: NDArray[np.float32] = mono * np.float32(0.7 / np.abs(mono).max())
    return peak


def figures(analysis: Analysis, truth: Truth) -> dict[str, float]:
    """Compare an analysis with the truth: boundaries, labels, chords, key."""
    sections = [(section.begin, section.end, section.label) for section in analysis.sections]
    chords, key = analysis.chords, analysis.key
    middles = np.arange(truth.sections[0][0] + 0.05, truth.end - 0.05, 0.1)
    found = chords.numbers[np.clip(np.searchsorted(chords.edges, middles) - 1, 0, len(chords.numbers) - 1)]
    true = np.array(truth.chords)[np.searchsorted(truth.beats, middles) - 1]
    return form_figures(sections, truth) | {
        "chords, share of time": float(np.mean(found == true)),
        "key, MIREX score": max(weighted_score(*pair) for pair in ((key.name, truth.key), (truth.key, key.name)))
        if key
        else 0.0,
    }


def form_figures(sections: list[tuple[float, float, str]], truth: Truth) -> dict[str, float]:
    """Compare sections with the true ones by the measures of MIREX; the first and the last boundary don't count."""
    times, labels = np.array([section[:2] for section in sections]), [section[2] for section in sections]
    true_times, true_labels = np.array([s[:2] for s in truth.sections]), [s[2] for s in truth.sections]
    detected = {
        f"boundaries, F at {window} s": mir_eval.segment.detection(true_times, times, window=window, trim=True)[2]
        for window in (0.5, 3)
    }
    both = [
        mir_eval.util.adjust_intervals(intervals, names, t_min=0, t_max=truth.end)
        for intervals, names in ((true_times, true_labels), (times, labels))
    ]
    return detected | {"labels, pairwise F": float(mir_eval.segment.pairwise(*both[0], *both[1])[2])}


def measure(path: Path, truth: Truth) -> dict[str, dict[str, float]]:
    """Measure the analysis of a song, with its own beats and with the true ones, and a form that is regular."""
    song = decode(path)
    given = Analysis(song)
    positions = np.arange(len(truth.beats)) % truth.metre
    given.beats = Beats(np.array(truth.beats), positions, truth.metre, 1.0, 1.0)
    lines = [*truth.beats[:: 8 * truth.metre], truth.end]
    regular = [(begin, end, "A") for begin, end in pairwise(lines)]
    return {
        OWN: figures(Analysis(song), truth),
        TRUE: figures(given, truth),
        REGULAR: form_figures(regular, truth),
    }


def interval(values: list[float]) -> str:
    """Return the mean of values and its 95 % interval by bootstrap."""
    rng, all_values = np.random.default_rng(0), np.array(values)
    means = all_values[rng.integers(0, len(values), (4000, len(values)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{all_values.mean():.2f} ({low:.2f} to {high:.2f})"


def table(measured: list[dict[str, dict[str, float]]]) -> str:
    columns = (OWN, TRUE, REGULAR)
    rows = [f"| {len(measured)} songs | {' | '.join(columns)} |", "|---|---|---|---|"]
    for name in measured[0][OWN]:
        cells = [interval([m[c][name] for m in measured]) if name in measured[0][c] else "" for c in columns]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--songs", type=int, default=48)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    font = load_soundfont(None)
    measured: dict[bool, list[dict[str, dict[str, float]]]] = {False: [], True: []}
    for seed in range(arguments.songs):
        odd = seed % 2 == 1
        truth, events, programs = make_song(1000 + seed, odd=odd)
        path = arguments.out / f"{seed}.flac"
        if not path.exists():
            soundfile.write(path, render(events, programs, font, np.random.default_rng(seed)), RATE)
            path.with_suffix(".json").write_text(json.dumps(asdict(truth)))
        measured[odd].append(measure(path, truth))
    for odd, name in ((False, "Sections of 8 and 16 bars"), (True, "Sections of 5 to 14 bars")):
        print(f"{name}:\n\n{table(measured[odd])}\n")


if __name__ == "__main__":
    main()
