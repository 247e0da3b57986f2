"""Compare a model's continuations with controls: `quality.py CORPUS [--songs 24] [--seconds 90] [--whole]`.

Clips of half a minute from the middle of songs are continued to so many seconds; with --whole, whole songs to twice
their length. The controls: the song's own continuation, a hard loop, a loop with a crossfade of half a second, and a
plain match, which plays ten seconds at a time from where the last two seconds of log-mel are most similar. Prints a
Markdown table of means over the songs.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.crossfade import Fade, join
from extrapcli.evaluation.reference import mono
from extrapcli.evaluation.self_repetition import HOP, RATE, log_mel, self_repetition
from extrapcli.evaluation.spectra import FRAMES_PER_SECOND
from extrapcli.extrapolators.base import Style
from extrapcli.extrapolators.recall.audibility import PER_SECOND as BEAT_FRAMES
from extrapcli.extrapolators.recall.audibility import BeatStatistics, short_time_features
from extrapcli.model import load

Sound = NDArray[np.float32]
CLIP_SECONDS = 30
COLUMNS = (
    "heard in the minute before", "in loops", "longest loop", "joins that stand out", "largest level step", "level",
)  # fmt: skip
ROW = "| {} | {:.0f} % | {:.0f} % | {:.0f} s | {:.1f} % | {:.1f} dB | {:+.1f} dB |"


def itself(truth: Sound, beats: list[Join]) -> tuple[Sound, list[Join]]:
    return truth, beats


def looped(head: Sound, wanted: int, fade_seconds: float) -> tuple[Sound, list[Join]]:
    track, joins = head[:, None], []
    fade = Fade(round(fade_seconds * RATE), "equal-power")
    while len(track) < wanted:
        joins.append(Join((len(track) - fade.samples) / RATE, fade_seconds))
        track = join(track, head[:, None], fade)
    return track[:wanted, 0], joins


def plain_match(head: Sound, wanted: int) -> tuple[Sound, list[Join]]:
    spectra = log_mel(head)
    two, ten = 2 * FRAMES_PER_SECOND, 10 * FRAMES_PER_SECOND
    positions = np.arange(two, len(spectra) - ten)
    patches = np.stack([spectra[position - two : position].ravel() for position in positions])
    fade = Fade(round(0.05 * RATE), "equal-power")
    track, joins, at = head[:, None], [], len(spectra)
    while len(track) < wanted:
        distances = np.abs(patches - spectra[at - two : at].ravel()).sum(axis=1)
        distances[np.abs(positions - at) <= two] = np.inf
        position = int(positions[np.argmin(distances)])
        joins.append(Join((len(track) - fade.samples) / RATE, 0.05))
        track = join(track, head[position * HOP - fade.samples : (position + ten) * HOP, None], fade)
        at = position + ten
    return track[:wanted, 0], joins


def row(head: Sound, track: Sound, joins: list[Join]) -> list[float]:
    """Measure a track; return the numbers of its row, in the order of COLUMNS."""
    seconds = len(head) / RATE
    measured = self_repetition(track, seconds)
    level = head.std()
    beats = BeatStatistics.of(short_time_features(head / level, RATE))
    features = short_time_features(track / level, RATE)
    outs = []
    for one in joins:
        around = round(one.seconds * BEAT_FRAMES), round((one.seconds + one.fade_seconds) * BEAT_FRAMES)
        outs.append(max(beats.percentiles(features, *around)) > 99)
    windows = track[len(head) :][: (len(track) - len(head)) // (10 * RATE) * 10 * RATE].reshape(-1, 10 * RATE)
    differences = 20 * np.log10(np.sqrt(np.square(windows, dtype=np.float64).mean(axis=1)) / level + 1e-6)
    return [
        100 * measured.repeated,
        100 * measured.looped,
        measured.longest_loop_seconds,
        100 * float(np.mean(outs)) if outs else np.nan,
        float(np.abs(differences).max()),
        float(differences.mean()),
    ]


def recall(song: Song, wanted: int, model: str) -> tuple[Sound, list[Join]]:
    samples = round(wanted / RATE * song.sample_rate)
    made = load(model, device="cpu").continuation(song, samples, Style(ending="cut"))
    track = np.concatenate(list(made))
    assert len(track) == samples
    head = round(made.joins[0].seconds * song.sample_rate)
    np.testing.assert_array_equal(track[:head], song.samples[:head])
    return mono(track, song.sample_rate)[:wanted], made.joins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--model", default="recall")
    asked = parser.parse_args()
    rows: dict[str, list[list[float]]] = {}
    started = time.monotonic()
    for path in sorted(p for p in (asked.corpus / asked.split).iterdir() if p.is_file()):
        song = decode(path)
        if asked.whole:
            begin, seconds = 0, 2 * song.seconds
            if song.seconds > 240 or song.seconds < 60:
                continue
        else:
            begin, seconds = round(0.3 * (song.seconds - asked.seconds)) * song.sample_rate, asked.seconds
            if song.seconds < asked.seconds + 5:
                continue
            end = begin + CLIP_SECONDS * song.sample_rate
        clip = song if asked.whole else replace(song, samples=song.samples[begin:end])
        head, wanted = mono(clip.samples, song.sample_rate), round(seconds * RATE)
        truth = mono(song.samples[begin:], song.sample_rate)[:wanted]
        beats = [Join(float(s), 0.05) for s in np.arange(len(head) / RATE + 0.5, seconds - 1, 0.7)]
        methods: dict[str, Callable[[], tuple[Sound, list[Join]]]] = {
            "the song itself": partial(itself, truth, beats),
            "hard loop": partial(looped, head, wanted, 0),
            "loop, crossfade 0.5 s": partial(looped, head, wanted, 0.5),
            "plain match": partial(plain_match, head, wanted),
            asked.model: partial(recall, clip, wanted, asked.model),
        }
        for name, method in methods.items():
            if name == "the song itself" and asked.whole:
                continue
            rows.setdefault(name, []).append(row(head, *method()))
        if len(next(iter(rows.values()))) == asked.songs:
            break
    print(f"| | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")
    for name, values in rows.items():
        print(ROW.format(name, *np.nanmean(values, axis=0)))
    print(f"\n{len(values)} songs of {asked.split}, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
