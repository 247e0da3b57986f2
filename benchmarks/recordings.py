"""Measure how well `extrap melody --from` finds melodies in recordings: `recordings.py TUNES`.

Renders folk tunes with the sound font of pretty_midi, on random instruments and with five accompaniments, and
compares the notes found with those played, and the tempo with librosa's, too. TUNES is a folder of ABC files
(`extrap train essen` makes one).
"""

import argparse
import io
import wave
from collections import defaultdict
from itertools import chain
from pathlib import Path
from random import Random

import librosa
import midirenderer
import mido
import mir_eval
import numpy as np
from numpy.typing import NDArray

from extrapcli.melody.encoding import METRES, STEPS_PER_QUARTER, Tune
from extrapcli.melody.extraction import NoteEvent
from extrapcli.melody.keys import Key, find_key
from extrapcli.melody.midi import DRUM_CHANNEL, TICKS_PER_STEP, midi_file
from extrapcli.melody.recording import RecordedMelody, find_seed, hear_melody
from extrapcli.melody.rhythm import estimate_tempo
from extrapcli.melody.synthesis import load_soundfont
from extrapcli.melody.tune_files import read_tunes

ACCOMPANIMENTS = ("alone", "chords", "arpeggio", "drums and bass", "a higher arpeggio")
BEATS = {"2/4": 4, "3/4": 4, "4/4": 4, "6/8": 6}  # in steps
LEADS, BACKINGS = (0, 24, 40, 56, 65, 71, 73), (0, 24, 48)  # programs of General MIDI
SLOWEST, FASTEST = 72, 144  # quarters a minute
ONSET_SECONDS, TEMPO_SHARE = 0.05, 0.04  # errors that count as right
Samples = NDArray[np.float32]


def accompaniment(tune: Tune, key: Key, kind: str) -> list[tuple[int, int, int, int, int]]:
    """Write an accompaniment, a chord for each bar: step, length in steps, pitch, velocity, channel."""
    bar, root, third = METRES[tune.metre], 48 + key.tonic, 3 if key.minor else 4
    progression = ((0, third, 7), (-5, -1, 2), (0, third, 7), (5, 5 + third, 12))
    notes = []
    for number, begin in enumerate(range(tune.upbeat, tune.steps, bar)):
        chord = [root + interval for interval in progression[number % 4]]
        eighths = range(begin, begin + bar, 2)
        if kind == "chords":
            notes += [(begin, bar, pitch, 60, 1) for pitch in chord]
        elif kind == "arpeggio":
            notes += [(step, 2, chord[i % 3], 60, 1) for i, step in enumerate(eighths)]
        elif kind == "a higher arpeggio":
            notes += [(step, 2, chord[i % 3] + 24, 50, 1) for i, step in enumerate(eighths)]
        elif kind == "drums and bass":
            beats = range(begin, begin + bar, BEATS[tune.metre])
            notes += [(begin, bar, chord[0] - 12, 60, 1), *((step, 1, 42, 50, DRUM_CHANNEL) for step in eighths)]
            notes += [(step, 1, 38 if i % 2 else 36, 85, DRUM_CHANNEL) for i, step in enumerate(beats)]
    return notes


def record(tune: Tune, kind: str, tempo: float, font: bytes, rng: Random) -> tuple[Samples, int]:
    """Render up to a minute; return mono samples and the sample rate."""
    file = midi_file(tune, tempo=tempo)
    file.type = 1
    file.tracks[0].insert(0, mido.Message("program_change", program=rng.choice(LEADS)))
    messages = [(0, mido.Message("program_change", program=rng.choice(BACKINGS), channel=1))]
    for step, length, pitch, velocity, channel in accompaniment(tune, find_key(tune), kind):
        on = mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)
        off = mido.Message("note_off", note=pitch, channel=channel)
        messages += [(step * TICKS_PER_STEP, on), ((step + length) * TICKS_PER_STEP - 10, off)]
    track, now = file.add_track(), 0
    for tick, message in sorted(messages, key=lambda item: item[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    midi = io.BytesIO()
    file.save(file=midi)
    with wave.open(io.BytesIO(midirenderer.render_wave_from(font, midi.getvalue()))) as sound:
        rate = sound.getframerate()
        stereo = np.frombuffer(sound.readframes(60 * rate), "<i2").reshape(-1, sound.getnchannels())
    mono = stereo.mean(axis=1, dtype=np.float32)
    return mono * np.float32(0.7 / np.abs(mono).max()), rate


def played(tune: Tune, tempo: float) -> list[tuple[float, int]]:
    """Return onset in seconds and pitch of each note in the first minute of a tune."""
    steps = np.cumsum([0, *(note.steps for note in tune.notes)])[:-1]
    onsets = steps * 60 / tempo / STEPS_PER_QUARTER
    return [(float(t), n.pitch) for t, n in zip(onsets, tune.notes, strict=True) if n.pitch is not None and t < 59]


def f_measure(melody: list[NoteEvent], notes: list[tuple[float, int]]) -> float:
    """Compute the F-measure of notes with the right pitch and onset."""
    found = [(note.begin, note.pitch) for note in melody]
    given = [(np.array([(t, t + 0.1) for t, _ in side]), np.array([p for _, p in side])) for side in (notes, found)]
    (true_times, true_pitches), (times, pitches) = given
    frequencies = librosa.midi_to_hz(true_pitches), librosa.midi_to_hz(pitches)
    scores = mir_eval.transcription.precision_recall_f1_overlap(
        true_times, frequencies[0], times, frequencies[1], onset_tolerance=ONSET_SECONDS, offset_ratio=None
    )
    return float(scores[2])


def tempi(melody: list[NoteEvent], samples: Samples, rate: int) -> dict[str, float]:
    """Estimate the tempo in quarters a minute with each method."""
    curve = np.zeros(round(100 * melody[-1].begin) + 100)
    np.add.at(curve, [round(100 * note.begin) for note in melody], 1)
    curve = np.convolve(curve, np.hanning(9), "same")
    strength = librosa.onset.onset_strength(y=samples, sr=rate)
    return {
        "extrap, onsets of the melody": estimate_tempo(melody),
        "librosa.feature.tempo, onsets of the melody": librosa.feature.tempo(
            onset_envelope=curve, sr=100, hop_length=1, start_bpm=100
        ).item(),
        "librosa.feature.tempo, the sound": librosa.feature.tempo(onset_envelope=strength, sr=rate).item(),
        "librosa.beat.beat_track, the sound": np.ravel(librosa.beat.beat_track(onset_envelope=strength, sr=rate)[0])[
            0
        ],
    }


def has_the_bars(seed: RecordedMelody, tune: Tune) -> bool:
    """Tell whether bars begin in the seed where they do in the tune, at one of the places with its first notes."""

    def notes(tune: Tune) -> list[tuple[int, int]]:
        steps = np.cumsum([0, *(note.steps for note in tune.notes)])[:-1]
        return [
            (int(s) - tune.upbeat, n.pitch) for s, n in zip(steps, tune.notes, strict=True) if n.pitch is not None
        ]

    heard, true = notes(seed.tune)[:4], notes(tune)
    return any(
        [pitch for _, pitch in true[i : i + 4]] == [pitch for _, pitch in heard]
        and (true[i][0] - heard[0][0]) % METRES[tune.metre] == 0
        for i in range(len(true))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tunes", type=Path)
    parser.add_argument("--count", type=int, default=36, help="of tunes, each recorded with five accompaniments")
    asked = parser.parse_args()
    rng, font = Random(0), load_soundfont(None)
    every = [tune for file in sorted(asked.tunes.glob("*.abc")) for tune in read_tunes(file)]
    tunes = [t for t in every if isinstance(t, Tune) and t.metre in BEATS and 8 <= t.steps / METRES[t.metre] <= 24]
    scores, right, keys, bars = defaultdict(list), defaultdict(list), [], []
    for tune in rng.sample(tunes, asked.count):
        for kind in ACCOMPANIMENTS:
            tempo = SLOWEST * (FASTEST / SLOWEST) ** rng.random()
            samples, rate = record(tune, kind, tempo, font, rng)
            melody = hear_melody(samples, rate)
            scores[kind].append(f_measure(melody, played(tune, tempo)) if melody else 0.0)
            seed = find_seed(melody, tune.metre)
            if not seed:
                continue
            for name, found in tempi(melody, samples, rate).items():
                right[name].append(abs(found / tempo - 1) < TEMPO_SHARE)
            keys.append(seed.key == find_key(tune))
            if abs(seed.tempo / tempo - 1) < TEMPO_SHARE:
                bars.append(has_the_bars(seed, tune))
    print(f"| {' | '.join([*scores, 'all'])} |\n|{'---|' * (len(scores) + 1)}")
    print("| " + " | ".join(f"{np.mean(s):.2f}" for s in [*scores.values(), [*chain(*scores.values())]]) + " |\n")
    print("| tempo | right |\n|---|---|")
    for name, hits in right.items():
        print(f"| {name} | {sum(hits)} of {len(hits)} |")
    print(f"\nThe key is right for {sum(keys)} of {len(keys)}.")
    print(f"Where the tempo is, bars begin in the right places for {sum(bars)} of {len(bars)}.")


if __name__ == "__main__":
    main()
