"""Evaluating a track: what is found in any sound, and where its song ends."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import extrapcli
from extrapcli import evaluation
from extrapcli.analysis.beats import BarBeat
from extrapcli.audio.decode import decode
from extrapcli.audio.encode import write_song
from extrapcli.audio.resample import resample
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.errors import MissingDependency, UsageError
from extrapcli.evaluation.head import head_seconds, match_format
from extrapcli.evaluation.report import read_joins
from extrapcli.evaluation.results import Evaluation, MeasuredJoin
from extrapcli.evaluation.track import evaluate_track
from extrapcli.extrapolators.base import Jump
from tests.evaluation.sounds import Sound

RATE = 22050

Samples = NDArray[np.floating]


def song_of(samples: NDArray[np.floating], rate: int = RATE, name: str = "song.wav") -> Song:
    columns = samples[:, None] if samples.ndim == 1 else samples
    return Song(name, np.ascontiguousarray(columns, dtype=np.float32), rate, "s16", "wav")


def evaluated(song: Samples, *follows: Samples, rate: int = RATE, **options: Any) -> Evaluation:
    """Evaluate a track made of the song and what follows; warnings are errors."""
    track = song_of(np.concatenate([song, *follows]), rate, "track.wav")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate_track(track, song_of(song, rate), **options)
    found.to_json()
    return found


def test_the_squared_error_is_against_what_followed_the_head(music: Sound) -> None:
    """Even if the track leaves the song before the song's end."""
    whole = song_of(music[: 7 * RATE], name="track.wav")
    found = evaluate_track(whole, song_of(music[: 4 * RATE]), joins=[Join(2.5, 0.0)], truth=whole)
    assert found.measures["mean_squared_error"].value == 0


@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3", "m4a"])
def test_the_head_is_found_in_every_format(format: str, music: Sound, other: Sound, tmp_path: Path) -> None:
    head = 3.33
    song = resample(music[: 5 * RATE, None], from_rate=RATE, to_rate=48000)
    follows = resample(other[: 3 * RATE, None], from_rate=RATE, to_rate=48000)
    samples = np.concatenate([song[: round(head * 48000)], follows])
    path = tmp_path / f"track.{format}"
    write_song(path, song_of(samples, 48000), format=format)
    assert head_seconds(decode(path), song_of(song, 48000)) == pytest.approx(head, abs=0.2)


@pytest.mark.parametrize("change", ["48 kHz", "mono", "stereo", "20 dB softer", "40 ms later", "40 ms earlier"])
def test_the_head_is_found_despite_changes(change: str, music: Sound, other: Sound) -> None:
    late = 40 * RATE // 1000
    song, track = song_of(music[: 5 * RATE]), np.concatenate([music[: 4 * RATE], other[: 3 * RATE]])[:, None]
    rate = 48000 if change == "48 kHz" else RATE
    if change == "48 kHz":
        track = resample(track, from_rate=RATE, to_rate=rate)
    elif change == "mono":
        song = song_of(song.samples * [0.8, 1.2])
    elif change == "stereo":
        track = track * np.array([0.8, 1.2], np.float32)
    elif change == "20 dB softer":
        track = track * np.float32(0.1)
    elif change == "40 ms later":
        track = np.concatenate([np.zeros((late, 1), np.float32), track])
    else:
        track = track[late:]
    assert head_seconds(match_format(song_of(track, rate), song), song) == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("left", [1.1, 2.5, 4.4, 4.65, 4.95, 5.0])
def test_a_head_may_end_anywhere(left: float, music: Sound, other: Sound) -> None:
    track = np.concatenate([music[: round(left * RATE)], other[: 3 * RATE]])
    assert head_seconds(song_of(track), song_of(music[: 5 * RATE])) == pytest.approx(left, abs=0.2)


def test_silence_in_a_song_does_not_mislead(music: Sound, other: Sound) -> None:
    """A song begins with silence; another ends in it, and its track goes on before or after the silence."""
    silence = np.zeros(12 * RATE, np.float32)
    begun, ended = (
        np.concatenate([silence, music[: 3 * RATE]]),
        np.concatenate([music[: 3 * RATE], silence[: 2 * RATE]]),
    )
    for song, head, seconds in ((begun, begun, 15), (ended, music[: 3 * RATE], 3), (ended, ended, 5)):
        track = song_of(np.concatenate([head, other[: 4 * RATE]]))
        assert head_seconds(track, song_of(song)) == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("seconds", [0.01, 0.9])
def test_less_than_a_second_is_no_head(seconds: float, music: Sound, other: Sound) -> None:
    begun = np.concatenate([music[: round(seconds * RATE)], other[: 3 * RATE]])
    assert head_seconds(song_of(begun), song_of(music[: 5 * RATE])) is None
    assert head_seconds(song_of(music[: round(seconds * RATE)]), song_of(music)) is None


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ('{"joins": [{"seconds": 3}]}', [Join(3, 0)]),
        (
            '{"joins": [{"seconds": 5.5, "fade_seconds": 0.1}, {"seconds": 3, "fade_seconds": 0}]}',
            [Join(3, 0), Join(5.5, 0.1)],
        ),
        (
            '{"joins": [{"seconds": 3, "jump": {"layer": "all", "from_seconds": 3, "to_seconds": 1, "score": 0.5, '
            '"flux_percentile": 40, "level_percentile": 60, "from_beat": {"bar": 0, "beat": 4}, "to_beat": null}}]}',
            [Join(3, 0, Jump("all", 3, 1, 0.5, 40, 60, BarBeat(0, 4)))],
        ),
        ('{"joins": [{"seconds": 3, "jump": {"layer": "all", "from_seconds": 3}}]}', [Join(3, 0)]),
        (
            '{"joins": [{"seconds": 3, "sounds": [{"layer": "bass", "seconds": 3.5, "song_seconds": 1}, 7, '
            '{"layer": "middle", "seconds": 3, "song_seconds": NaN}, {"layer": 2}]}]}',
            [Join(3, 0, None, (extrapcli.Sound("bass", 3.5, 1),))],
        ),
        ('{"joins": [{"seconds": 3, "sounds": "loud"}]}', [Join(3, 0)]),
        (
            '{"joins": [{"seconds": 3, "jump": {"layer": "all", "from_seconds": 3, "to_seconds": 1, "score": NaN, '
            '"flux_percentile": 40, "level_percentile": 60}}]}',
            [Join(3, 0)],
        ),
    ],
)
def test_joins_are_read_in_order(text: str, joins: list[Join], tmp_path: Path) -> None:
    path = tmp_path / "joins.json"
    path.write_text(text)
    assert read_joins(path) == joins


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "3", "null", '{"joins": []}', '{"joins": [3]}', '{"joins": [{"seconds": -1}]}',
     '{"joins": [{"fade_seconds": 1}]}', '{"joins": [{"seconds": "soon"}]}', '{"joins": [{"seconds": 1e999}]}',
     '{"joins": [{"seconds": NaN}]}', f'{{"joins": [{{"seconds": 1{400 * "0"}}}]}}',
     '{"joins": {"seconds": 3}}', '{"joins": [{"seconds": null}]}'],
)  # fmt: skip
def test_json_without_joins_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "joins.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="lists no joins"):
        read_joins(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="lists no joins"):
        read_joins(path)


@pytest.mark.parametrize(("song", "follows"), [(2, 1.5), (1, 1)])
def test_little_sound_is_evaluated(song: float, follows: float, music: Sound, other: Sound) -> None:
    found = evaluated(music[5 * RATE :][: round(song * RATE)], other[: round(follows * RATE)])
    assert found.head_seconds == pytest.approx(song, abs=0.1)
    for result in found.measures.values():
        assert result.value is None or np.isfinite(result.value)


@pytest.mark.parametrize("rate", [8000, 96000])
def test_every_rate_is_evaluated(rate: int, music: Sound, other: Sound) -> None:
    song, follows = (resample(sound[: 2 * RATE, None], from_rate=RATE, to_rate=rate) for sound in (music, other))
    assert evaluated(song, follows, rate=rate).head_seconds == pytest.approx(2, abs=0.1)


def test_eight_channels_are_evaluated(music: Sound, other: Sound) -> None:
    song, follows = (np.outer(sound[: 2 * RATE], np.linspace(0.5, 1, 8)) for sound in (music, other))
    assert evaluated(song, follows).head_seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("kind", ["silence", "an impulse", "a constant"])
def test_degenerate_sound_is_evaluated(kind: str) -> None:
    """Sound that a decoder would refuse; all values are numbers, and there is no warning."""
    song = np.full(3 * RATE, 0.3 if kind == "a constant" else 0, np.float32)
    song[1000] += kind == "an impulse"
    evaluated(song, song if kind == "a constant" else 0 * song, joins=[Join(3, 0.1)])


SELF_REPETITION = {"repeated_within_minute", "median_return_seconds", "loop_share", "longest_loop_seconds"}
HEARD_IN_SILENCE = {
    "join_sharpness", "join_flux", "join_level_step", "max_loudness_difference", "loudness_drift", "collapsed_share",
}  # fmt: skip


@pytest.mark.parametrize("rate", [22050, 44100])
def test_silence_after_a_song_has_no_values_but_that_it_is_silent(rate: int, music: Sound) -> None:
    """Neither has the control; although resampling lets a millisecond of the song ring on."""
    song = resample(music[: 3 * RATE, None], from_rate=RATE, to_rate=rate)
    found = evaluated(song, np.zeros((4 * rate, 1), np.float32), rate=rate).measures
    for values in (
        {name: result.value for name, result in found.items()},
        {name: result.controls["silence"] for name, result in found.items()},
    ):
        assert values["collapsed_share"] == 100
        assert {name for name, value in values.items() if value is not None} == HEARD_IN_SILENCE


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "PACKAGES", ("numpy", "no_such_package"))
    with pytest.raises(MissingDependency, match=r"^measuring a track needs no_such_package: pip install"):
        evaluation.evaluate(np.zeros(2), RATE, head=1)


@pytest.mark.parametrize("seconds", [40, pytest.param(70, marks=pytest.mark.slow)])
def test_controls_of_a_longer_song_have_the_expected_values(seconds: int, music: Sound) -> None:
    """A loop is recognised, and music that continues as loud as its song has not collapsed."""
    rng = np.random.default_rng(1)
    gains = np.repeat(rng.uniform(0.5, 1, seconds), RATE).astype(np.float32)
    song = np.concatenate([np.roll(music, 977 * k)[: 10 * RATE][:: (-1) ** k] for k in range(seconds // 10)]) * gains
    song[-5 * RATE :] *= np.linspace(1, 0, 5 * RATE, dtype=np.float32)
    results = evaluated(song, music[: 12 * RATE]).measures
    found = {name: result.controls for name, result in results.items()}
    for name in ("loop_share", "repeated_within_minute", "copied_share"):
        assert (found[name]["loop"] or 0) > 60
        assert (found[name]["noise"] or 0) < 5
    assert found["collapsed_share"]["true continuation"] == 0
    assert (found["longest_loop_seconds"]["loop"] or 0) > 8


def measured(found: Evaluation) -> dict[str, float | None]:
    return {name: result.value for name, result in found.measures.items()}


def test_a_song_of_silence_has_no_values(music: Sound) -> None:
    """Nor has a track whose song is dither."""
    rng = np.random.default_rng(0)
    for song in (np.zeros(3 * RATE), rng.integers(-1, 2, 3 * RATE) / 32768):
        values = measured(evaluated(song.astype(np.float32), music[: 3 * RATE], joins=[Join(3, 0)]))
        silent = {name for name, value in values.items() if value is None}
        assert silent >= {measure for measure in values if measure not in SELF_REPETITION}


def test_where_half_of_a_song_is_silent_nothing_stands_for_its_true_continuation(music: Sound) -> None:
    song = np.concatenate([np.zeros(4 * RATE, np.float32), music[: 4 * RATE]])
    found = evaluated(song, music[4 * RATE : 8 * RATE]).measures
    assert found["chroma_similarity"].value is not None
    assert found["chroma_similarity"].controls["true continuation"] is None
    assert found["copied_share"].controls["true continuation"] is None


def test_a_join_in_silence_has_no_ranks(music: Sound) -> None:
    quiet = np.zeros(3 * RATE, np.float32)
    joins = [Join(6, 0.1), Join(7.5, 0.1)]
    found = evaluated(music[: 6 * RATE], quiet, music[: 3 * RATE], joins=joins)
    assert found.joins[0].level_percentile is not None
    assert found.joins[1] == MeasuredJoin(7.5, 0.1, None, None, None, None)
    assert not found.joins[1].stands_out


def test_a_very_soft_song_is_measured_as_a_loud_one(music: Sound, other: Sound) -> None:
    """Its peak is near -60 dBFS, and it would lie below the gate of BS.1770."""
    loud, soft = (evaluated(gain * music[: 6 * RATE], gain * other[: 6 * RATE]) for gain in (1, 0.002))
    for name, value in measured(loud).items():
        assert measured(soft)[name] == (None if value is None else pytest.approx(value, abs=1)), name
    assert soft.song_loudness == pytest.approx(loud.song_loudness + 20 * np.log10(0.002), abs=0.2)


def test_an_inverted_channel_changes_no_value(music: Sound) -> None:
    """A track that repeats its song is said to, and silence beside it has no value."""
    sounds = [np.outer(music[: 6 * RATE], [1, sign]) for sign in (1, -1)]
    plain, inverted = (evaluated(sound, sound) for sound in sounds)
    assert inverted.measures["copied_share"].controls["silence"] is None
    values = measured(inverted)
    assert (values["copied_share"] or 0) > 95
    for name, value in measured(plain).items():
        assert values[name] == (None if value is None else pytest.approx(value, abs=1e-3)), name


@pytest.mark.parametrize("offset", [pytest.param((0.2, 0.2), marks=pytest.mark.slow), (0.3, -0.2)])
def test_an_offset_changes_no_value(offset: tuple[float, float], music: Sound, other: Sound) -> None:
    song, follows = (np.outer(sound[: 6 * RATE], [1, 0.8]) for sound in (music, other))
    plain, moved = (measured(evaluated(song + by, follows + by)) for by in (0, np.array(offset)))
    assert moved["copied_share"] == 0
    for name, value in plain.items():
        assert moved[name] == (None if value is None else pytest.approx(value, abs=1, rel=0.05)), name


def test_a_continuation_without_the_offset_of_its_song_clicks(music: Sound) -> None:
    found = evaluated(music[: 4 * RATE] + 0.4, music[4 * RATE : 8 * RATE], joins=[Join(4, 0)])
    assert found.joins[0].sharpness_percentile == 100
