"""An evaluation as one HTML file that needs nothing else: no network, no program, no second file."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

from extrapcli.audio.preview import encode_opus
from extrapcli.audio.song import Song
from extrapcli.evaluation.evaluation import CONTROLS, Evaluation, JoinReading, Reading
from extrapcli.evaluation.report import pictures

AUDIO_KILOBITS = 37_000  # of both sounds together, so that they stay under 6.5 MB as base64
LEAST_KILOBITS, MOST_KILOBITS = 32, 96
COMPARED_SECONDS, COMPARED_PER_SECOND = 60.0, 50
LUFS_STEP, LUFS_RANGE = 6, 36
BETTER = {"low": "lower is better", "high": "higher is better"}
REASONS = {
    "click_percentile": "it clicks more than {} of the song's own moments do",
    "flux_percentile": "its timbre changes more suddenly than at {} of the song's own moments",
    "level_percentile": "its level jumps further than at {} of the song's own moments",
}


def page(evaluation: Evaluation, song: Song, track: Song) -> str:
    """The page on which a track and its song can be seen, heard and compared.

    `song` and `track` are the sounds that were evaluated, at the same rate. The same evaluation of the same sounds
    gives the same page.
    """
    seconds = evaluation.song_seconds + evaluation.track_seconds
    kilobits = int(np.clip(AUDIO_KILOBITS / max(seconds, 1), LEAST_KILOBITS, MOST_KILOBITS))
    with ThreadPoolExecutor() as pool:
        sounds = [pool.submit(_base64_opus, sound, kilobits) for sound in (song, track)]
        seen = _pictures(evaluation, song, track)
    data = {
        "headline": headline(evaluation),
        "song": {"name": evaluation.song, "seconds": song.seconds, "audio": sounds[0].result()},
        "track": {"name": evaluation.track, "seconds": track.seconds, "audio": sounds[1].result()},
        "head": evaluation.head_seconds,
        "joins": [_join(join, k, len(evaluation.joins)) for k, join in enumerate(evaluation.joins, 1)],
        "waveform": pictures.waveform(track.samples),
        "loudness": _loudness(evaluation),
        **seen,
        "controls": CONTROLS,
        "groups": [
            {"name": name, "rows": [_row(reading) for reading in group]}
            for name, group in groupby(evaluation.readings, lambda reading: reading.measure.group)
        ],
        "versions": ", ".join(f"{name} {version}" for name, version in evaluation.versions.items()),
    }
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return template.replace("{{data}}", json.dumps(data, allow_nan=False).replace("<", "\\u003c"))


def headline(evaluation: Evaluation) -> str:
    """What the track is, in plain words."""
    made = (
        f"A track of {clock(evaluation.track_seconds)} made from a song of {clock(evaluation.song_seconds)}. "
        f"Its first {clock(evaluation.head_seconds)} are the song itself"
    )
    joins = len(evaluation.joins)
    if not joins:
        return f"{made}, and there are no joins."
    standing = sum(join.stands_out for join in evaluation.joins)
    stand = {0: "none stands out", 1: "1 stands out"}.get(standing, f"{standing} stand out")
    return f"{made}; from there on it has {joins} join{'s' if joins > 1 else ''}, of which {stand}."


def clock(seconds: float, decimals: int = 0) -> str:
    """A time as people read it, such as 0:32.4 or 1:02:03."""
    whole, _, rest = f"{seconds:.{decimals}f}".partition(".")
    minutes, left = divmod(int(whole), 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{start}:{left:02}" + (f".{rest}" if rest else "")


def _base64_opus(song: Song, kilobits: int) -> str:
    return base64.b64encode(encode_opus(song.samples, song.sample_rate, kilobits=kilobits)).decode()


def _join(join: JoinReading, number: int, of: int) -> dict[str, Any]:
    at = clock(join.seconds, 1)
    beat = "" if join.beat_error is None else f" It is {join.beat_error:.2f} of a beat away from the beat."
    return {
        "seconds": join.seconds,
        "at": at,
        "told": f"Join {number} of {of} at {at}, a crossfade of {1000 * join.fade_seconds:.0f} ms. "
        f"Among the song's own moments its click is at percentile {join.click_percentile:.1f}, its change of timbre "
        f"at {join.flux_percentile:.1f} and its change of level at {join.level_percentile:.1f}.{beat}",
        "why": _why(join),
    }


def _why(join: JoinReading) -> str | None:
    if not join.stands_out:
        return None
    worst = max(REASONS, key=lambda name: getattr(join, name))
    share = getattr(join, worst)
    return REASONS[worst].format("any" if share == 100 else f"{share:.1f} %")


def _row(reading: Reading) -> dict[str, Any]:
    measure = reading.measure
    told = measure.told(reading.value)
    return {
        "title": measure.title,
        "value": told,
        "better": BETTER.get(measure.better, f"best near {measure.told(measure.ideal)}"),
        "sentence": measure.sentence.format(told),
        "controls": [measure.told(reading.controls.get(control)) for control in CONTROLS],
    }


def _loudness(evaluation: Evaluation) -> dict[str, Any]:
    """The curve, each value at its second, and a scale of 36 LUFS under the loudest."""
    values = evaluation.loudness
    levels = [value for value in [*values, evaluation.song_loudness] if value is not None]
    high = LUFS_STEP * int(np.ceil(max(levels) / LUFS_STEP))
    low = LUFS_STEP * int(np.floor(max(min(levels), high - LUFS_RANGE) / LUFS_STEP))
    low = min(low, high - 2 * LUFS_STEP)
    seconds = np.arange(len(values), dtype=float)
    step = 2 * LUFS_STEP if high - low > 3 * LUFS_STEP else LUFS_STEP
    return {
        "path": pictures.curve(seconds, values, low=low, high=high, width=evaluation.track_seconds),
        "song": (evaluation.song_loudness - low) / (high - low),
        "told": f"{evaluation.song_loudness:.1f} LUFS",
        "ticks": [(str(tick), (tick - low) / (high - low)) for tick in range(high, low - 1, -step)],
    }


def _pictures(evaluation: Evaluation, song: Song, track: Song) -> dict[str, Any]:
    """The whole track; as much of the song, up to the head's end, as of what follows, up to a minute; likeness."""
    head, rate = evaluation.head_seconds, track.sample_rate
    follows = track.seconds - head
    span = min(COMPARED_SECONDS, song.seconds, follows if follows >= 1 else song.seconds)
    begin = min(max(head - span, 0.0), song.seconds - span)
    stretches = [("the song", song, begin)] + ([("the continuation", track, head)] if follows >= 1 else [])
    compared = [(title, start, _power_between(sound, start, start + span)) for title, sound, start in stretches]
    whole = pictures.mel_power(track.samples, rate)
    peak = max(float(power.max()) for power in (whole, *(power for *_, power in compared)))
    return {
        "spectrogram": pictures.spectrogram(whole, peak),
        "compared": [
            {"title": title, "begin": start, "end": start + span, "picture": pictures.spectrogram(power, peak)}
            for title, start, power in compared
        ],
        "frequencies": pictures.frequency_ticks(rate),
        "decibels": {"range": round(pictures.RANGE_DECIBELS), "colours": pictures.colours("magma")},
        "similarity": {"picture": pictures.self_similarity(whole), "colours": pictures.colours("viridis")},
    }


def _power_between(sound: Song, begin: float, end: float) -> pictures.Array:
    rate = sound.sample_rate
    return pictures.mel_power(
        sound.samples[round(begin * rate) : round(end * rate)], rate, per_second=COMPARED_PER_SECOND
    )
