"""`--new`, and `extrap predict --next-bar`."""

import json
from pathlib import Path

import pytest

from extrapcli.errors import UsageError
from extrapcli.extrapolators.base import Style
from extrapcli.wishes import composing
from tests.conftest import SONG, Extrap

BEATEN = SONG.parent / "clips" / "ivory-tower.opus"  # has a clear pulse


@pytest.mark.slow
def test_new_bars_are_composed_and_said(extrap: Extrap, tmp_path: Path) -> None:
    ran = extrap("continue", BEATEN, "--new", "0.5", "--add", "0:30", "-o", "new.flac", "--json", "--report")
    told = json.loads(ran.stdout)
    assert told["model"] == "compose"
    made_of = [join["sounds"] for join in told["joins"]]
    layers = [{sound["layer"] for sound in sounds} for sounds in made_of]
    assert all(of and (of == {"all"} or of <= {"bass", "middle", "treble"}) for of in layers)
    assert 0.3 < sum(of != {"all"} for of in layers) / len(layers) < 0.7
    for sound in (one for sounds in made_of for one in sounds):
        assert 37 < sound["seconds"] < 69
        assert 0 <= sound["song_seconds"] < 38.1
    page = (tmp_path / "new.flac.html").read_text()
    assert "The song never played what follows. It is put together from the bass of " in page
    assert "The song plays from " in page
    assert told["rating"] is None
    again = json.loads((tmp_path / "new.flac.json").read_text())["joins"]
    assert [join["sounds"] for join in again] == made_of


@pytest.mark.slow
def test_takes_with_new_bars_are_not_ranked(extrap: Extrap) -> None:
    ran = extrap("continue", BEATEN, "--new", "1", "--add", "0:10", "--takes", "2", "-o", "takes/", "--json")
    first, second = map(json.loads, ran.lines)
    assert (first["seed"], second["seed"]) == (0, 1)
    assert first["rating"] is second["rating"] is None
    assert "so the takes are in the order of their seeds" in ran.stderr


@pytest.mark.slow
def test_no_new_bars_are_what_the_default_makes(extrap: Extrap, tmp_path: Path) -> None:
    extrap("continue", BEATEN, "--add", "0:10", "-o", "default.wav")
    extrap("continue", BEATEN, "--add", "0:10", "-o", "none.wav", "--new", "0")
    assert (tmp_path / "none.wav").read_bytes() == (tmp_path / "default.wav").read_bytes()


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("--new", "2"), 2, "the share of new bars of 2.0 is out of range; give 0 to 1"),
        (("--new", "0.5", "--model", "seq2seq"), 2, "seq2seq writes no new bars; use compose"),
        (
            ("--new", "1", "--ending", "loop"),
            2,
            "new bars can't make a track whose end leads back; leave out",
        ),
        (("--new", "1", "--mood", "calm"), 2, "new bars can't be steered to a mood; leave out one or the other"),
        (("--model", "compose", "--mood", "calm"), 2, "compose can't be steered to a mood; use recall"),
        (("--new", "1", "--max-audibility", "50"), 2, "how audible the joins of this model are isn't known"),
        (("--new", "1", "--crossfade", "2"), 2, "compose takes 0 to 0.1 s"),
    ],
)
def test_what_can_t_be_composed_is_refused(
    args: tuple[str, ...], status: int, says: str, extrap: Extrap, tmp_path: Path
) -> None:
    assert says in extrap("continue", BEATEN, "-o", "track.wav", *args, status=status).stderr
    assert not (tmp_path / "track.wav").exists()


def test_a_batch_of_songs_that_are_fitted_has_no_new_bars(extrap: Extrap, tmp_path: Path) -> None:
    ran = extrap("batch", BEATEN.parent, tmp_path / "out", "--fit", "--minutes", "1", "--new", "1", status=2)
    assert "leave out --new" in ran.stderr


@pytest.mark.slow
def test_a_batch_writes_new_bars(extrap: Extrap, tmp_path: Path) -> None:
    extrap("batch", BEATEN.parent, tmp_path / "out", "--include", BEATEN.name, "--add", "0:10", "--new", "1")
    extrap("continue", BEATEN, "--add", "0:10", "--new", "1", "-o", tmp_path / "one.opus")
    (made,) = (tmp_path / "out").glob("*.opus")
    assert made.read_bytes() == (tmp_path / "one.opus").read_bytes()


@pytest.mark.parametrize(
    ("model", "new", "chosen"),
    [
        ("recall", None, "recall"),
        ("recall", 0.0, "recall"),
        ("recall", 0.3, "compose"),
        ("compose", None, "compose"),
        ("compose", 0.0, "compose"),
        ("study", 0.0, "study"),
        ("study", 0.5, "study"),
    ],
)
def test_the_default_gives_way_to_compose(model: str, new: float | None, chosen: str) -> None:
    assert composing(model, new) == chosen


def test_a_share_is_between_none_and_all() -> None:
    with pytest.raises(UsageError, match="share of new bars"):
        Style(new=1.5)


@pytest.mark.slow
def test_the_bars_that_may_come_next(extrap: Extrap) -> None:
    told = json.loads(extrap("predict", BEATEN, "--next-bar", "--json").stdout)
    assert told["model"] == "compose"
    assert sum(bar["probability"] for bar in told["bars"]) == pytest.approx(1)
    ran = extrap("predict", BEATEN, "--next-bar")
    lines = ran.lines
    assert f"after bar {told['after']}, at 0:" in ran.stderr
    assert told["after"] == told["bars"][-1]["bar"]
    assert len(lines) == len(told["bars"])
    shares = [float(line.split("\t")[1].removeprefix("below ").removesuffix(" %")) for line in lines]
    assert shares == sorted(shares, reverse=True)
    best = max(told["bars"], key=lambda bar: bar["probability"])
    assert lines[0].startswith(f"bar {best['bar']} at 0:")


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("-o", "x.wav"), 2, "--next-bar writes no file"),
        (("--model", "recall"), 4, "choose one that writes new bars"),
    ],
)
def test_what_can_t_say_which_bar_comes_next(args: tuple[str, ...], status: int, says: str, extrap: Extrap) -> None:
    assert says in extrap("predict", BEATEN, "--next-bar", *args, status=status).stderr
