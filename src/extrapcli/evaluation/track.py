"""Measure one track as a continuation of its song, beside controls made from the same song."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from extrapcli.audio.loudness import SILENT as SILENT_LUFS
from extrapcli.audio.offset import without_offset
from extrapcli.audio.silence import is_silent, level_of
from extrapcli.audio.song import Samples, Song
from extrapcli.continuation import Join
from extrapcli.errors import UsageError
from extrapcli.evaluation import controls
from extrapcli.evaluation.head import head_seconds, match_format
from extrapcli.evaluation.level import Differences, short_term
from extrapcli.evaluation.measures import MEASURES
from extrapcli.evaluation.reference import Reference
from extrapcli.evaluation.results import Evaluation, MeasureResult
from extrapcli.evaluation.tagger import Tagger
from extrapcli.ranges import check_threads

LEAST_SECONDS = 1
SOFT_DBFS, LOUD_DBFS = -50.0, -20.0  # a softer song is brought to about the other level
WORKERS = 2
PACKAGES = ("extrapcli", "numpy", "scipy", "librosa", "onnxruntime", "av")


def evaluate_track(
    track: Song,
    song: Song,
    *,
    joins: Sequence[Join] | None = None,
    truth: Song | None = None,
    device: str = "cpu",
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Take every measure of a track that begins with a song, and of the controls.

    Without `joins` the track has one, where it stops being the song. `truth` is the whole music that the song was cut
    from: with it the true continuation is a control and the squared error is measured; without it, the second half of
    the song stands for the true continuation of its first. `device` and `threads` are for the network that tags
    music; `progress` is called with a few words on each step as it begins.

    Offsets (DC) are taken away first, and a very soft song is measured as if it were louder.

    Raises UsageError where the song is shorter than a second; where the track does not begin with it (unless `joins`
    say where it ends) or goes on for less than a second; where the first join is after the song's end or the last
    after the track's; and where the truth does not begin with the song or is hardly longer.
    """
    check_threads(threads)
    tell = progress or (lambda step: None)
    if song.seconds < LEAST_SECONDS:
        raise UsageError(f"{song.name}: lasts less than a second, which is too short to compare; give a longer song")
    song = _heard(song)
    gain = _gain(song)
    decibels = 20 * float(np.log10(gain))
    song = _louder(song, gain)
    track = match_format(_louder(_heard(track), gain), song)
    if joins is None:
        end = head_seconds(track, song)
        if end is None:
            raise UsageError(f"{track.name}: does not begin with {song.name}", hint="joins")
        joins = [Join(end, 0.0)]
    rate = song.sample_rate
    first, last = (choose((join.seconds for join in joins), default=0.0) for choose in (min, max))
    if first > song.seconds:
        raise UsageError(f"{track.name}: its first join is at {first:.1f} s, after the end of {song.name}")
    head = round(first * rate)
    if len(track.samples) - head < LEAST_SECONDS * rate:
        raise UsageError(f"{track.name}: does not go on for a second after its song; give a track and its song")
    if last >= track.seconds:
        raise UsageError(f"{track.name}: ends before its join at {last:g} seconds; give the joins of this track")
    whole = None if truth is None else _whole(_louder(_heard(truth), gain), song)
    follows = None if whole is None else whole[len(song.samples) :]

    tell("analysing the song (on first use, librosa compiles for up to 30 s)")
    reference = Reference(song.samples, rate, Tagger(device=device, threads=threads), layout=song.layout)
    tell("measuring the track and its controls")
    with ThreadPoolExecutor(WORKERS) as pool:
        measuring = pool.submit(
            reference.measure, track.samples, head, joins, None if whole is None else whole[head:]
        )
        made = controls.measurements(reference, song.samples, len(track.samples) - head, follows)
        futures = {name: pool.submit(measure) for name, measure in made.items()}
        measured, beside = measuring.result(), {name: future.result() for name, future in futures.items()}
    return Evaluation(
        song=Path(song.name).name,
        track=Path(track.name).name,
        sample_rate=rate,
        song_seconds=song.seconds,
        track_seconds=track.seconds,
        head_seconds=head / rate,
        song_loudness=reference.levels.integrated - decibels,
        short_term_loudness=_loudness(track, decibels),
        windows=_rows(measured.windows),
        joins=measured.joins,
        measures={
            measure.name: MeasureResult(
                measure,
                measured.values[measure.name],
                {name: values[measure.name] for name, values in beside.items()},
            )
            for measure in MEASURES
            if measure.name != "mean_squared_error" or follows is not None
        },
        versions={package: version(package) for package in PACKAGES},
    )


def _whole(truth: Song, song: Song) -> Samples:
    """Return the samples of the music that the song was cut from, at its rate and with its channels."""
    truth = match_format(truth, song)
    if truth.seconds - song.seconds < LEAST_SECONDS:
        raise UsageError(f"{truth.name}: is not a second longer than {song.name}; give what it was cut from")
    if head_seconds(truth, song) is None:
        raise UsageError(f"{truth.name}: does not begin with {song.name}; give what it was cut from")
    return truth.samples


def _heard(sound: Song) -> Song:
    """Take the offset away, but keep the clicks where it jumps: they are heard in the track, too."""
    samples = without_offset(sound.samples, sound.steps, jumps=False)
    return sound if samples is sound.samples else replace(sound, samples=samples)


def _gain(song: Song) -> np.float32:
    """Return what brings a very soft song to about -20 dBFS, so that no gate closes on it; else 1."""
    power = song.steps.power
    if is_silent(power):
        return np.float32(1)
    level = 10 * np.log10(level_of(power))
    return np.float32(2.0 ** round((LOUD_DBFS - level) / 6.02) if level < SOFT_DBFS else 1)


def _louder(sound: Song, gain: np.float32) -> Song:
    return sound if gain == 1 else replace(sound, samples=sound.samples * gain)


def _loudness(track: Song, gain: float) -> list[float | None]:
    """Measure the loudness of each second of a track made `gain` decibels louder; None where it is silent."""
    values = short_term(track.samples, track.sample_rate, layout=track.layout)
    return [round(value - gain, 2) if value > SILENT_LUFS else None for value in values.tolist()]


def _rows(windows: Differences) -> list[dict[str, float | None]]:
    """Turn differences into a row for each window, with None for NaN."""
    return [
        {
            name: None if np.isnan(value) else round(float(value), 2)
            for name, value in zip(windows._fields, row, strict=True)
        }
        for row in zip(*windows, strict=True)
    ]
