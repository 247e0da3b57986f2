"""Takes: how they are rated and ranked, previewed, and refused."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from extrapcli.continuation import Join, Length
from extrapcli.errors import CannotWrite, NotGoodEnough, UsageError
from extrapcli.extrapolators.base import Fit, Jump, Style
from extrapcli.pipeline import Options, Pipeline, Takes
from extrapcli.rating import Rating, repetition
from extrapcli.takes import PREVIEW_SECONDS, Preview
from tests.analysis.band import RATE, band
from tests.conftest import SONG, Extrap


@pytest.fixture
def song(tmp_path: Path) -> Path:
    sound, _ = band(np.full(60, 0.5), 4)
    path = tmp_path / "song.flac"
    soundfile.write(path, sound, RATE)
    return path


def join(seconds: float, to: float, *, layer: str = "all", flux: float = 50, level: float = 50) -> Join:
    return Join(seconds, 0.0, Jump(layer, seconds, to, 0.0, flux, level))


@pytest.mark.parametrize(
    ("joins", "seconds", "share"),
    [
        ([], 100, 0.0),
        ([join(30, 0)], 60, 1.0),  # at once all of it again
        ([join(100, 10)], 150, 0.0),  # what was played more than a minute before
        ([join(30, 0), join(40, 60)], 50, 0.5),
        ([join(30, 0, layer="harmonic"), join(30, 10, layer="percussive")], 60, 0.0),  # a new mix
        ([join(30, 0, layer="harmonic"), join(30, 0, layer="percussive")], 60, 1.0),
    ],
)
def test_repetition_is_what_was_played_in_the_minute_before(joins: list[Join], seconds: float, share: float) -> None:
    assert repetition(joins, seconds) == pytest.approx(share, abs=0.03)


def test_a_rating_comes_from_the_louder_side_of_each_join() -> None:
    rating = Rating.of([join(100, 10, flux=20, level=40), join(130, 50, flux=80, level=10)], 150)
    assert rating == Rating(audibility=60, worst=80, repetition=0)
    assert rating.cost == 30


def test_takes_are_ranked(song: Path) -> None:
    tracks = Takes(Options(Length(1.0), takes=3)).run(song)
    assert [track.path.name for track in tracks] == [f"song-1m00s-take{n}.flac" for n in (1, 2, 3)]
    assert sorted(track.seed for track in tracks) == [0, 1, 2]
    ratings = [track.rating for track in tracks]
    assert all(one and other and one.cost <= other.cost for one, other in pairwise(ratings))
    contents = {track.path.read_bytes() for track in tracks}
    assert len(contents) == 3
    alone = Pipeline(Options(Length(1.0), style=Style(seed=tracks[0].seed))).run(song)
    assert alone.path.read_bytes() in contents


def test_takes_of_two_songs_of_one_name_are_not_mixed(song: Path) -> None:
    other = song.with_name("other") / song.name
    other.parent.mkdir()
    other.write_bytes(song.read_bytes())
    out = song.with_name("out")
    out.mkdir()
    takes = Takes(Options(Length(0.6), takes=2, overwrite=True))
    takes.run(song, out)
    with pytest.raises(CannotWrite, match="was just written for another song of that name"):
        takes.run(other, out)


def test_the_best_of_several_takes_is_written(song: Path) -> None:
    best = Takes(Options(Length(1.0), takes=3)).run(song)[0]
    track = Pipeline(Options(Length(1.0), takes=3)).run(song)
    assert track.seed == best.seed
    assert track.path.read_bytes() == best.path.read_bytes()


def test_takes_of_a_fitted_song_have_other_cuts(song: Path) -> None:
    tracks = Takes(Options(Length(0.3, any=True), style=Style(fit=Fit()), takes=3)).run(song)
    left = sorted(track.joins[0].jump.from_seconds for track in tracks if track.joins[0].jump)
    assert min(np.diff(left)) > 0.5
    assert {track.samples for track in tracks} == {round(18 * RATE)}


def test_a_track_with_a_join_that_is_too_audible_is_refused(song: Path) -> None:
    with pytest.raises(NotGoodEnough, match=r"song.flac: in each of 2 tries a join stands out .* than the 0 %"):
        Pipeline(Options(Length(1.0), max_audibility=0, retries=1)).run(song)
    assert [path.name for path in song.parent.iterdir()] == ["song.flac"]


def test_other_seeds_are_tried(song: Path) -> None:
    worst = {
        seed: rating.worst
        for seed in range(6)
        if (rating := Pipeline(Options(Length(1.0), style=Style(seed=seed), overwrite=True)).run(song).rating)
    }
    seed = min(worst, key=lambda seed: worst[seed])
    wanted = Options(Length(1.0), max_audibility=worst[seed], retries=5, overwrite=True)
    assert Pipeline(wanted).run(song).seed == seed


def test_a_preview_has_the_seconds_around_the_first_joins(song: Path) -> None:
    preview = Pipeline(Options(Length(2.0), preview=True)).run(song)
    track = Pipeline(Options(Length(2.0))).run(song)
    assert preview.path.name == "song-2m00s-preview.flac"
    assert preview.joins == track.joins[:3]
    sound, whole = soundfile.read(preview.path)[0], soundfile.read(track.path)[0]
    begin = round((track.joins[0].seconds - PREVIEW_SECONDS) * RATE)
    size = round(PREVIEW_SECONDS * RATE)
    np.testing.assert_array_equal(sound[:size], whole[begin:][:size])
    end = round((track.joins[2].seconds + track.joins[2].fade_seconds + PREVIEW_SECONDS) * RATE)
    np.testing.assert_array_equal(sound[-size:], whole[end - size : end])
    assert len(sound) < 30 * RATE


def test_stretches_of_a_preview_that_touch_are_one() -> None:
    track = np.arange(100.0)[:, None]
    preview = Preview.of(track, [join(20, 0), join(26, 0), join(60, 0)], 1)
    expected = [*range(16, 30), *range(56, 64)]
    assert [sample for sample in preview.samples[:, 0] if sample] == expected


def test_a_track_without_joins_has_no_preview(song: Path) -> None:
    length = Length(soundfile.info(song).frames / RATE / 60, any=True)
    with pytest.raises(UsageError, match="around joins, and this track has none"):
        Pipeline(Options(length, style=Style(fit=Fit()), preview=True)).run(song)
    assert [path.name for path in song.parent.iterdir()] == ["song.flac"]


def test_a_file_that_exists_is_refused_before_anything_is_made(song: Path) -> None:
    track = song.with_name("song-1m00s.flac")
    track.touch()
    with pytest.raises(CannotWrite, match="exists already"):
        Pipeline(Options(Length(1.0), takes=50)).run(song)


def test_takes_that_sound_alike_count_once(song: Path) -> None:
    (track,) = Takes(Options(Length(1.0), style=Style(variety=0), takes=3)).run(song)
    assert track.path.name == "song-1m00s-take1.flac"
    assert "only 1 take of 3: others are the same" in track.notes


@pytest.mark.slow
def test_of_several_takes_those_that_are_good_enough_count(tmp_path: Path) -> None:
    song = Path(shutil.copy(SONG, tmp_path))
    ratings = [track.rating for track in Takes(Options(Length(2.0), takes=3, overwrite=True)).run(song)]
    worst = sorted(rating.worst for rating in ratings if rating)
    limit = (worst[0] + worst[-1]) / 2
    good = sum(value <= limit for value in worst)
    tracks = Takes(Options(Length(2.0), takes=3, max_audibility=limit, overwrite=True)).run(song)
    assert len(tracks) == good < 3
    assert all(track.rating and track.rating.worst <= limit for track in tracks)
    assert f"only {good} take" in tracks[0].notes[0]


def test_a_preview_alone_has_no_rating(song: Path) -> None:
    assert Pipeline(Options(Length(1.0), preview=True)).run(song).rating is None
    assert Pipeline(Options(Length(1.0), preview=True, takes=2, overwrite=True)).run(song).rating


@pytest.mark.slow
def test_what_is_not_known_of_joins_has_no_limit(song: Path) -> None:
    with pytest.raises(UsageError, match="how audible the joins of this model are isn't known"):
        Pipeline(Options(Length(1.1), model="seq2seq", max_audibility=50)).run(song)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"takes": 0}, "takes"),
        ({"retries": -1}, "retries"),
        ({"retries": 1}, "say what is too much"),
        ({"max_audibility": 101}, "audibility"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, int], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Options(**options)  # type: ignore[arg-type]


def test_the_command_has_it_all(extrap: Extrap, song: Path) -> None:
    lines = extrap("continue", song, "--minutes", "1:00", "--takes", "2").lines
    assert [Path(line).name for line in lines] == ["song-1m00s-take1.flac", "song-1m00s-take2.flac"]
    assert extrap("fit", song, "--minutes", "1:00", "--preview").lines[0].endswith("song-1m00s-preview.flac")
    told = extrap("continue", song, "--minutes", "1:00", "--max-audibility", "0", status=7).stderr
    assert "allow more with --max-audibility, or try other seeds with --retries" in told
    for more, reason in (("--report", "a report measures one track"), ("-o-", "standard output takes one track")):
        assert reason in extrap("continue", song, "--takes", "2", more, status=2).stderr
