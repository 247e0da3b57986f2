"""Judge one track as a continuation of its song, beside controls made from the same song."""

import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.resample import resample
from extrapcli.audio.song import Samples, Song
from extrapcli.errors import UsageError
from extrapcli.evaluation import controls
from extrapcli.evaluation.circles import RATE
from extrapcli.evaluation.evaluation import CONTROLS, Evaluation, Reading
from extrapcli.evaluation.judge import Joins, Judge, Values, mono
from extrapcli.evaluation.level import Levels, course, short_term
from extrapcli.evaluation.measures import MEASURES
from extrapcli.evaluation.tagger import Tagger

CONTROL_SECONDS, HEAD_SECONDS = 15, 5  # of a control, and of the song before it
LOOP_SECONDS = 25  # of the song's end go round in the loop: more would not be heard as one
MUSIC_SECONDS = 60  # of the song's first half, at the most, stand for it where its second half is a control
MUSIC_JOIN_SECONDS, MUSIC_FADE_SECONDS = 5, 0.05  # music has no joins: moments so far apart stand for them
LEAST_SECONDS = 1
ALIKE = 0.8  # of the correlation of a tenth of a second in song and track, for the track to be the song
QUIET = 1e-3  # of the mean power
MISSES = 3  # tenths of a second that may differ by chance, in a lossy track
MAX_OFFSET_SECONDS = 0.1
WORKERS = 2
PACKAGES = ("extrapcli", "numpy", "scipy", "onnxruntime", "av")


def evaluate(track: Song, song: Song, *, joins: Joins | None = None, truth: Song | None = None) -> Evaluation:
    """Take every measure of a track, and of the controls.

    Without `joins` the track has one: where it stops being the song. `truth` is the whole of which the song is the
    beginning; with it the true continuation is a control, and the squared error is measured; without it the song's
    second half stands for the true continuation of its first.

    Raises UsageError where the song lasts less than a second, where the track does not begin with it, as far as no
    `joins` say that it does, goes on for less than a second, or has joins after its end or
    first after the song's, and where the truth does not begin with it, or is hardly longer.
    """
    if song.seconds < LEAST_SECONDS:
        raise UsageError(f"{song.name}: lasts less than a second, which is too little to compare; give a longer song")
    track = matched(track, song)
    if joins is None:
        end = head_seconds(track, song)
        if end is None:
            raise UsageError(f"{track.name}: does not begin with {song.name}; say where it goes on with --joins FILE")
        joins = [(end, 0.0)]
    elif joins and joins[0][0] > song.seconds:
        raise UsageError(f"{track.name}: its first join is at {joins[0][0]:.1f} s, after the end of {song.name}")
    rate, head = song.sample_rate, round(min((seconds for seconds, _ in joins), default=0) * song.sample_rate)
    if len(track.samples) - head < LEAST_SECONDS * rate:
        raise UsageError(f"{track.name}: does not go on for a second after its song; give a track and its song")
    if (last := max(joins, default=(0.0, 0.0))[0]) >= track.seconds:
        raise UsageError(f"{track.name}: ends before its join at {last:g} seconds; give the joins of this track")
    whole = None if truth is None else _whole(truth, song)
    follows = None if whole is None else whole[len(song.samples) :]

    judge = Judge(song.samples, rate, Tagger())
    with ThreadPoolExecutor(WORKERS) as pool:
        made = pool.submit(judge.judge, track.samples, head, joins, None if whole is None else whole[head:])
        tried = _controls(judge, song.samples, len(track.samples) - head, follows)
        beside = {name: pool.submit(control) for name, control in tried.items()}
        values, join_readings = made.result()
        others = {name: control.result() for name, control in beside.items()}
    return Evaluation(
        song=Path(song.name).name,
        track=Path(track.name).name,
        sample_rate=rate,
        song_seconds=song.seconds,
        track_seconds=track.seconds,
        head_seconds=head / rate,
        song_loudness=judge.ways.levels.whole,
        loudness=short_term(track.samples, rate).round(2).tolist(),
        tens=_tens(judge.ways.levels, Levels.of(track.samples[head:], rate)),
        joins=join_readings,
        readings=[
            Reading(measure, values[measure.name], {name: others[name][measure.name] for name in CONTROLS})
            for measure in MEASURES
            if measure.name != "squared_error" or follows is not None
        ],
        versions={package: version(package) for package in PACKAGES},
    )


def _tens(song: Levels, continuation: Levels) -> list[dict[str, float | None]]:
    rows = zip(*course(song, continuation), strict=True)
    names = ("loudness", "flatness", "bandwidth")
    return [
        {name: None if np.isnan(value) else round(float(value), 2) for name, value in zip(names, row, strict=True)}
        for row in rows
    ]


def read_joins(path: Path) -> Joins:
    """The joins that a JSON file lists as `{"joins": [{"seconds": 30, "fade_seconds": 0.1}, ...]}`.

    A fade that is not given is none. Raises UsageError for anything else.
    """
    try:
        joins = [
            (float(join["seconds"]), float(join.get("fade_seconds", 0)))
            for join in json.loads(path.read_text(encoding="utf-8"))["joins"]
        ]
        if not joins or not all(0 <= value < math.inf for join in joins for value in join):
            raise ValueError("joins must be listed, each at 0 seconds or later")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: lists no joins ({reason}); give what extrap continue --json printed") from None
    return sorted(joins)


def _controls(judge: Judge, song: Samples, wanted: int, follows: Samples | None) -> dict[str, Callable[[], Values]]:
    """What takes the measures of each control, on fifteen seconds of it at the most."""
    rate = judge.sample_rate
    size = min(wanted, CONTROL_SECONDS * rate)

    def music() -> Values:
        if follows is None:
            half = len(song) // 2
            before, after = song[max(0, half - MUSIC_SECONDS * rate) : half], song[half:]
            true = Judge(before, rate, judge.tagger)
        else:
            true, before, after = judge, song, follows
        past, joins = before[-HEAD_SECONDS * rate :], []
        for moment in range(0, min(len(after), size), MUSIC_JOIN_SECONDS * rate):
            joins.append(((len(past) + moment) / rate, MUSIC_FADE_SECONDS))
        return true.judge(np.concatenate([past, after[:size]]), len(past), joins, follows)[0]

    def made(control: Callable[[NDArray[np.floating], int], NDArray[np.float32]], head_seconds: int) -> Values:
        past = song[-head_seconds * rate :]
        every = len(past) if control is controls.loop else size
        joins = [((len(past) + k) / rate, 0.0) for k in range(0, size, every)]
        return judge.judge(np.concatenate([past, control(past, size)]), len(past), joins, follows)[0]

    return {
        "true continuation": music,
        "loop": lambda: made(controls.loop, LOOP_SECONDS),
        "silence": lambda: made(controls.silence, HEAD_SECONDS),
        "noise": lambda: made(controls.noise, HEAD_SECONDS),
    }


def matched(track: Song, song: Song) -> Song:
    """The track at the song's rate and with its channels; other numbers of channels are mixed to one and spread."""
    samples = track.samples.astype(np.float32, copy=False)
    if track.channels != song.channels:
        samples = np.repeat(samples.mean(axis=1, keepdims=True), song.channels, axis=1)
    if track.sample_rate != song.sample_rate:
        samples = resample(samples, from_rate=track.sample_rate, to_rate=song.sample_rate)
    return replace(track, samples=samples, sample_rate=song.sample_rate)


def _whole(truth: Song, song: Song) -> Samples:
    """The samples of what the song was cut from, at its rate and with its channels."""
    truth = matched(truth, song)
    if truth.seconds - song.seconds < LEAST_SECONDS:
        raise UsageError(f"{truth.name}: is not a second longer than {song.name}; give what it was cut from")
    if head_seconds(truth, song) is None:
        raise UsageError(f"{truth.name}: does not begin with {song.name}; give what it was cut from")
    return truth.samples


def head_seconds(track: Song, song: Song) -> float | None:
    """Up to where the track is its song: tenths of a second that correlate, after the offset of an encoder.

    None where it does not begin with a second of the song.
    """
    ours, theirs = (mono(sound.samples, sound.sample_rate) for sound in (song, track))
    size = min(len(ours), len(theirs))
    offset = _offset(ours[: 10 * RATE], theirs[: 10 * RATE])
    ours, theirs = (sound[max(0, shift) : size] for sound, shift in ((ours, -offset), (theirs, offset)))
    step = RATE // 10
    count = min(len(ours), len(theirs)) // step
    if count < 10 * LEAST_SECONDS:
        return None
    here, there = (sound[: count * step].reshape(count, step).astype(np.float64) for sound in (ours, theirs))
    energies = np.array([np.square(sound).sum(axis=1) for sound in (here, there)])
    floors = energies.mean(axis=1, keepdims=True) * QUIET + 1e-9  # what is quieter in both is the same
    same = ((here * there).sum(axis=1) + np.sqrt(floors.prod())) / np.sqrt((energies + floors).prod(axis=0)) >= ALIKE
    misses = np.convolve(np.append(~same, np.ones(MISSES)), np.ones(MISSES + 1), "valid")
    tenths = int(np.argmax(misses > MISSES)) if (misses > MISSES).any() else count
    return (tenths * step + max(0, offset)) / RATE if tenths >= 10 * LEAST_SECONDS else None


def _offset(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> int:
    """How many samples later the track is, as encoders make it."""
    reach = round(MAX_OFFSET_SECONDS * RATE)
    size = 2 ** int(np.ceil(np.log2(len(ours) + len(theirs))))
    products = np.fft.irfft(np.fft.rfft(theirs, size) * np.conj(np.fft.rfft(ours, size)), size)
    lags = np.array(sorted(range(-reach, reach + 1), key=abs))  # none where one is as good as another
    return int(lags[np.argmax(products[lags])])
