"""An evaluation as one HTML file that needs nothing else: no network, no program, no second file."""

import base64
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

from extrapcli.analysis import Analysis
from extrapcli.analysis.beats import BarBeat
from extrapcli.audio.preview import encode_opus
from extrapcli.audio.song import Song
from extrapcli.evaluation.measures import CONTROLS
from extrapcli.evaluation.report import pictures
from extrapcli.evaluation.report.form import found, new_bars, stretches
from extrapcli.evaluation.results import Evaluation, MeasuredJoin, MeasureResult
from extrapcli.extrapolators.base import Jump, Sound
from extrapcli.mood.meter import Mood
from extrapcli.words import count, listed

AUDIO_KILOBITS = 37_000  # of both sounds together, so that they stay under 6.5 MB as base64
LEAST_KILOBITS, MOST_KILOBITS = 32, 96
COMPARED_SECONDS, COMPARED_PER_SECOND = 60.0, 50
LUFS_STEP, LUFS_RANGE = 6, 36
MOST_MOMENTS = 5  # of each layer that are named
MOOD_RANGE = -0.25, 1.25  # levels
BETTER = {"low": "lower is better", "high": "higher is better"}
REASONS = {
    "sharpness_percentile": "it is sharper than {} of the song's own moments",
    "flux_percentile": "its timbre changes faster than in {} of the song's own moments",
    "level_percentile": "its level changes more than in {} of the song's own moments",
}


def page(evaluation: Evaluation, song: Song, track: Song) -> str:
    """Write the page on which to see, hear and compare a track and its song.

    `song` and `track` are the sounds that were evaluated, at the same rate. The same evaluation of the same sounds
    gives the same page.
    """
    seconds = evaluation.song_seconds + evaluation.track_seconds
    kilobits = int(np.clip(AUDIO_KILOBITS / max(seconds, 1), LEAST_KILOBITS, MOST_KILOBITS))
    with ThreadPoolExecutor() as pool:
        sounds = [pool.submit(_base64_opus, sound, kilobits) for sound in (song, track)]
        drawn = _pictures(evaluation, song, track)
        analysis = Analysis(song)
        played = stretches(evaluation.joins, head_seconds=evaluation.head_seconds, track_seconds=track.seconds)
        drawn["found"] = found(analysis, played)
        drawn["new"] = new_bars(analysis, evaluation.joins, track.seconds)
    has_bars = analysis.beats.has_pulse
    data = {
        "headline": headline(evaluation),
        "song": {"name": evaluation.song, "seconds": song.seconds, "audio": sounds[0].result()},
        "track": {"name": evaluation.track, "seconds": track.seconds, "audio": sounds[1].result()},
        "head": evaluation.head_seconds,
        "joins": [
            _join(join, k, len(evaluation.joins), has_bars=has_bars) for k, join in enumerate(evaluation.joins, 1)
        ],
        "waveform": pictures.waveform(track.samples),
        "loudness": _loudness(evaluation),
        "mood": _mood(evaluation.mood, evaluation.track_seconds) if evaluation.mood else None,
        **drawn,
        "controls": CONTROLS,
        "groups": [
            {"name": name, "rows": [_row(result) for result in group]}
            for name, group in groupby(evaluation.measures.values(), lambda result: result.measure.group)
        ],
        "versions": ", ".join(f"{name} {version}" for name, version in evaluation.versions.items()),
    }
    parts = {"style": _part("page.css"), "script": _part("page.js"), "data": _embedded(data)}
    return re.sub("{{(.*?)}}", lambda place: parts[place[1]], _part("page.html"))


def headline(evaluation: Evaluation) -> str:
    """Describe the track in plain words."""
    track, song, head = map(clock, (evaluation.track_seconds, evaluation.song_seconds, evaluation.head_seconds))
    made = f"A track of {track} made from a song of {song}. Its first {head} are the song itself"
    joins = len(evaluation.joins)
    if not joins:
        return f"{made}, and there are no joins."
    outstanding = sum(join.stands_out for join in evaluation.joins)
    stand = {0: "none stands out", 1: "1 stands out"}.get(outstanding, f"{outstanding} stand out")
    return f"{made}; from there on it has {count(joins, 'join')}, of which {stand}."


def clock(seconds: float, decimals: int = 0) -> str:
    """Write a time as 0:32.4 or 1:02:03."""
    whole, _, rest = f"{seconds:.{decimals}f}".partition(".")
    minutes, left = divmod(int(whole), 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{start}:{left:02}" + (f".{rest}" if rest else "")


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _embedded(data: dict[str, Any]) -> str:
    """Write JSON that no text in it can break out of."""
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c")


def _base64_opus(song: Song, kilobits: int) -> str:
    return base64.b64encode(encode_opus(song.samples, song.sample_rate, kilobits=kilobits)).decode()


def _join(join: MeasuredJoin, number: int, of: int, *, has_bars: bool) -> dict[str, Any]:
    at = clock(join.seconds, 1)
    if join.level_percentile is None:
        ranks = "Nothing sounds there."
    else:
        ranks = (
            f"Its sharpness is at percentile {join.sharpness_percentile:.1f} of the song's own moments, its change "
            f"of timbre at {join.flux_percentile:.1f}, its change of level at {join.level_percentile:.1f}."
        )
    beat = "" if join.beat_error is None else f" The beat is off by {join.beat_error:.2f}."
    name = f"Join {number} of {of} at {at}, a crossfade of {1000 * join.fade_seconds:.0f} ms."
    made = {"seconds": join.seconds, "at": at, "reason": _reason(join)}
    if join.sounds:
        way = "new" if join.is_new else f"the song from {clock(join.sounds[0].song_seconds, 1)}"
        return {**made, "text": f"{name} {_made_of(join)} {ranks}{beat}", "way": way}
    if join.jump is None:
        return {**made, "text": f"{name} {ranks}{beat}"}
    leaves, enters = _places(join.jump, has_bars=has_bars)
    what = "The song" if join.jump.layer == "all" else f"The {join.jump.layer} layer"
    return {
        **made,
        "text": f"{name} {what} jumps from {leaves} to {enters}. {ranks}{beat}",
        "layer": join.jump.layer,
        "way": f"{leaves} → {enters}",
        "places": (join.jump.from_seconds, join.jump.to_seconds),
    }


def _made_of(join: MeasuredJoin) -> str:
    """Say which moments of the song follow a join, in a new bar layer by layer."""
    if not join.is_new:
        return f"The song plays from {clock(join.sounds[0].song_seconds, 1)}."
    parts = [
        f"the {layer} of {listed((clock(sound.song_seconds, 1) for sound in of), most=MOST_MOMENTS)}"
        for layer, of in _by_layer(join.sounds).items()
    ]
    return f"The song never played what follows. It is put together from {listed(parts, most=len(parts))}."


def _by_layer(sounds: Sequence[Sound]) -> dict[str, list[Sound]]:
    """Sort sounds by their layers, from the lowest to the highest."""
    return {layer: [one for one in sounds if one.layer == layer] for layer in sorted({one.layer for one in sounds})}


def _places(jump: Jump, *, has_bars: bool) -> tuple[str, str]:
    """Name where in the song a jump leaves and where it goes: by bar and beat if there are any, else by the clock."""
    if has_bars and jump.from_beat and jump.to_beat:
        return _bar(jump.from_beat), _bar(jump.to_beat)
    return clock(jump.from_seconds, 1), clock(jump.to_seconds, 1)


def _bar(place: BarBeat) -> str:
    return f"bar {place.bar}, beat {place.beat}" if place.bar else f"upbeat, beat {place.beat}"


def _reason(join: MeasuredJoin) -> str | None:
    """Say why a join stands out; None where it doesn't."""
    if not join.stands_out:
        return None
    worst = max(REASONS, key=lambda name: getattr(join, name) or 0)
    percentile = getattr(join, worst)
    return REASONS[worst].format("all" if percentile == 100 else f"{percentile:.1f} %")


def _row(result: MeasureResult) -> dict[str, Any]:
    measure = result.measure
    return {
        "title": measure.title,
        "value": measure.format(result.value),
        "better": BETTER.get(measure.better, f"best near {measure.format(measure.ideal)}"),
        "sentence": measure.explain(result.value),
        "controls": [measure.format(result.controls.get(control)) for control in CONTROLS],
    }


def _loudness(evaluation: Evaluation) -> dict[str, Any]:
    """Draw the short-term loudness on a scale of up to 36 LU below the loudest."""
    values = evaluation.short_term_loudness
    levels = [value for value in [*values, evaluation.song_loudness] if value is not None]
    high = LUFS_STEP * int(np.ceil(max(levels) / LUFS_STEP))
    low = LUFS_STEP * int(np.floor(max(min(levels), high - LUFS_RANGE) / LUFS_STEP))
    low = min(low, high - 2 * LUFS_STEP)
    step = 2 * LUFS_STEP if high - low > 3 * LUFS_STEP else LUFS_STEP
    return {
        "path": pictures.curve(values, low=low, high=high, seconds=evaluation.track_seconds),
        "song": (evaluation.song_loudness - low) / (high - low),
        "text": f"{evaluation.song_loudness:.1f} LUFS",
        "ticks": [(str(tick), (tick - low) / (high - low)) for tick in range(high, low - 1, -step)],
    }


def _mood(mood: Mood, seconds: float) -> dict[str, Any]:
    """Draw the mood that was wanted and the one that was reached, from calm to lively and a little beyond."""
    low, high = MOOD_RANGE
    before: list[float | None] = [None] * mood.from_seconds
    wanted, reached = (
        pictures.curve([*before, *levels], low=low, high=high, seconds=seconds)
        for levels in (mood.wanted, mood.reached)
    )
    ticks = [(word, (level - low) / (high - low)) for word, level in (("lively", 1), ("calm", 0))]
    return {"wanted": wanted, "reached": reached, "ticks": ticks}


def _pictures(evaluation: Evaluation, song: Song, track: Song) -> dict[str, Any]:
    """Draw the whole track, its self-similarity, and up to a minute each of the song and of what follows it."""
    head, rate = evaluation.head_seconds, track.sample_rate
    follows = track.seconds - head
    span = min(COMPARED_SECONDS, song.seconds, follows if follows >= 1 else song.seconds)
    begin = min(max(head - span, 0.0), song.seconds - span)
    stretches = [("the song", song, begin)] + ([("the continuation", track, head)] if follows >= 1 else [])
    compared = []
    for title, sound, start in stretches:
        samples = sound.samples[round(start * rate) : round((start + span) * rate)]
        compared.append((title, start, pictures.mel_power(samples, rate, per_second=COMPARED_PER_SECOND)))
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
