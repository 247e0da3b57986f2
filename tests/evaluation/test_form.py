"""The analysis on the page of a report: where bars, sections and jumps are drawn, and that they can be read."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from extrapcli.analysis import Analysis
from extrapcli.analysis.beats import BarBeat
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.evaluation.drawing import outline
from extrapcli.evaluation.report.form import Stretch, found, new_bars, stretches
from extrapcli.evaluation.results import MeasuredJoin
from extrapcli.extrapolators.base import Jump, Sound
from tests.browsing import needs_chromium
from tests.conftest import SONG
from tests.evaluation.pages import Example, Open, Opened, example

BEATEN = SONG.parent / "clips" / "ivory-tower.opus"  # has a clear pulse
HEAD, FADE, LENGTH = 30.0, 0.1, 60.0  # seconds


def join(at: float, left: float, to: float, layer: str = "all", *beats: BarBeat, sharp: float = 50) -> MeasuredJoin:
    """Jump at second `at` of the track, where the crossfade ends."""
    return MeasuredJoin(at - FADE, FADE, sharp, 40.0, 12.0, None, Jump(layer, left, to, 0.0, 40.0, 12.0, *beats))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis(decode(BEATEN))


@pytest.fixture(scope="module")
def beaten(analysis: Analysis) -> Example:
    """A minute of a song with a pulse, that jumps from its second 30 back to a bar line, and then once more."""
    song, downbeats = analysis.song, analysis.beats.downbeats
    samples = np.concatenate([song.samples, song.samples])[: round(LENGTH * song.sample_rate)]
    joins = [
        join(HEAD, HEAD, float(downbeats[4]), "all", analysis.beats.place(HEAD), BarBeat(5, 1)),
        join(45.0, 24.0, float(downbeats[1]), "percussive", BarBeat(0, 4), BarBeat(2, 1), sharp=99.8),
    ]
    return example(song, replace(song, name="track.opus", samples=samples), HEAD, joins)


@pytest.fixture(scope="module")
def drone() -> Example:
    """A tone without a pulse, whose jump claims beats all the same."""
    rate = 22050
    t = np.arange(12 * rate) / rate
    tone = (0.2 * np.sin(2 * np.pi * 110 * t) * np.minimum(1, t))[:, None].astype(np.float32)
    song = Song("drone.wav", tone, rate, "s16", "wav")
    track = replace(song, name="long.wav", samples=np.tile(tone, (2, 1)))
    return example(song, track, 11.0, [join(11.0, 11.0, 3.5, "all", BarBeat(6, 1), BarBeat(2, 1))])


@pytest.fixture(scope="module")
def composed(analysis: Analysis) -> Example:
    """The same minute, with a new bar."""
    song = analysis.song
    samples = np.concatenate([song.samples, song.samples])[: round(LENGTH * song.sample_rate)]
    return example(song, replace(song, name="new.opus", samples=samples), HEAD, NEW)


@pytest.fixture(scope="module")
def files(
    beaten: Example, drone: Example, composed: Example, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("form")
    examples = {"beaten": beaten, "drone": drone, "composed": composed}
    paths = {name: folder / f"{name}.html" for name in examples}
    for name, made in examples.items():
        paths[name].write_text(made.html(), encoding="utf-8")
    return paths


def starts(shown: Opened, selector: str) -> list[float]:
    """Return where each piece of a drawn path begins, in seconds."""
    path = shown.page.locator(selector).get_attribute("d") or ""
    return [float(x) for x in re.findall(r"M([\d.]+),", path)]


def left(shown: Opened, selector: str) -> float:
    """Return how far to the right of the song's beginning something is drawn, as a share."""
    x, begin, width = shown.page.evaluate(
        "selector => { const plot = document.getElementById('song-plot').getBoundingClientRect();"
        " return [document.querySelector(selector).getBoundingClientRect().x, plot.x, plot.width]; }",
        selector,
    )
    return float((x - begin) / width)


@pytest.mark.parametrize("layer", ["all", "harmonic"])
def test_a_track_plays_its_head_and_then_as_it_jumps(layer: str) -> None:
    joins = [join(30.0, 30.0, 4.0, layer), join(35.0, 12.0, 20.0, "percussive"), join(50.0, 24.0, 10.0, layer)]
    assert stretches(joins, head_seconds=29.9, track_seconds=60.0) == [
        Stretch(0.0, 30.0, 0.0),
        Stretch(30.0, 50.0, 4.0),
        Stretch(50.0, 60.0, 10.0),
    ]


def test_of_joins_that_say_nothing_only_the_head_is_known() -> None:
    joins = [MeasuredJoin(29.9, 0.1, 50.0, 40.0, 12.0, None)]
    assert stretches(joins, head_seconds=29.9, track_seconds=60.0) == [Stretch(0.0, 29.9, 0.0)]


NEW = [
    MeasuredJoin(29.9, 0.1, 50.0, 40.0, 12.0, None, None, (Sound("all", 30.0, 4.0),)),
    MeasuredJoin(
        34.9,
        0.1,
        50.0,
        40.0,
        12.0,
        None,
        None,
        (
            Sound("bass", 35.0, 20.0),
            Sound("middle", 35.0, 8.0),
            Sound("treble", 35.0, 12.0),
            Sound("bass", 36.0, 2.0),
        ),
    ),
    MeasuredJoin(39.9, 0.1, 50.0, 40.0, 12.0, None, None, (Sound("all", 40.0, 10.0),)),
]
"""A track that goes back to an old bar, then has a new one, then an old one."""


def test_new_bars_play_no_stretch_of_the_song() -> None:
    assert stretches(NEW, head_seconds=29.9, track_seconds=60.0) == [
        Stretch(0.0, 30.0, 0.0),
        Stretch(30.0, 34.9, 4.0),
        Stretch(40.0, 60.0, 10.0),
    ]


def test_each_layer_of_new_bars_has_the_sections_that_it_is_from(analysis: Analysis) -> None:
    drawn = new_bars(analysis, NEW, 60.0)
    assert drawn
    assert drawn["spans"] == [[34.9, 39.9]]
    assert [layer["name"] for layer in drawn["layers"]] == ["treble", "middle", "bass"]
    begins = {"treble": (35.0, 12.0), "middle": (35.0, 8.0), "bass": (36.0, 2.0)}
    for layer in drawn["layers"]:
        begin, position = begins[layer["name"]]
        for time in np.arange(begin + 0.1, 40, 0.5):
            (name,) = (one["name"] for one in layer["sections"] if one["begin"] <= time < one["end"])
            there = time - begin + position
            assert [one.label for one in analysis.sections if one.begin <= there < one.end] == [name]
    assert new_bars(analysis, [join(30.0, 30.0, 4.0)], 60.0) is None


def test_bars_of_the_track_are_those_of_the_song_that_it_plays(analysis: Analysis) -> None:
    """Asked of the song itself, at the position that is played there, each has the number that is drawn."""
    played = [Stretch(0.0, 21.3, 0.0), Stretch(21.3, 40.0, 3.3), Stretch(40.0, 52.0, 26.0)]
    drawn = found(analysis, played)["track"]
    assert len(drawn["bars"]) > 20
    for time, number in drawn["bars"]:
        (stretch,) = (one for one in played if one.begin - 1e-3 <= time < one.end)
        assert analysis.beats.place(time - stretch.begin + stretch.position) == BarBeat(number, 1)
    for section in drawn["sections"]:
        middle = (section["begin"] + section["end"]) / 2
        (stretch,) = (one for one in played if one.begin <= middle < one.end)
        position = middle - stretch.begin + stretch.position
        assert [one.label for one in analysis.sections if one.begin <= position < one.end] == [section["name"]]


def test_an_outline_holds_every_sample(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(997, 2))
    low, high = outline(samples, 100)
    assert len(low) == len(high) == 100
    assert (low < high).all()
    assert max(-low.min(), high.max()) == 1
    assert low.min() / high.max() == pytest.approx(samples.min() / samples.max())


@needs_chromium
def test_every_bar_line_is_drawn_where_there_is_room(
    open_file: Open, files: dict[str, Path], analysis: Analysis
) -> None:
    shown, downbeats = open_file(files["beaten"], 1280), analysis.beats.downbeats
    assert shown.complaints == []
    assert starts(shown, "#song-form .bars path:last-of-type") == pytest.approx(downbeats, abs=1e-3)
    assert starts(shown, "#song-form .bars path:first-of-type") == pytest.approx(analysis.beats.times, abs=1e-3)
    numbers = shown.page.locator("#song-form .bars i").all()
    assert len(numbers) > 5
    for number in numbers:
        box, plot = number.bounding_box(), shown.page.locator("#song-plot").bounding_box()
        assert box
        assert plot
        middle = (box["x"] + box["width"] / 2 - plot["x"]) / plot["width"] * analysis.song.seconds
        assert middle == pytest.approx(downbeats[int(number.inner_text()) - 1], abs=0.5)


@needs_chromium
@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", ["beaten", "drone", "composed"])
def test_nothing_overlaps_at_any_width(name: str, width: int, open_file: Open, files: dict[str, Path]) -> None:
    shown = open_file(files[name], width)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    for row in ("#song-form .bars", "#track-form .bars", "#chords", "#song-form .sections", "#track-form .sections"):
        places = shown.page.evaluate(
            "row => Array.from(document.querySelectorAll(`${row} i`), name => {"
            " const range = document.createRange(); range.selectNodeContents(name);"
            " const { left, right } = range.getBoundingClientRect(); return [left, right]; })",
            row,
        )
        assert all(one[1] <= other[0] for one, other in pairwise(places)), row


@needs_chromium
def test_new_bars_and_their_layers_are_drawn(open_file: Open, files: dict[str, Path]) -> None:
    shown = open_file(files["composed"], 1280)
    assert shown.complaints == []
    assert starts(shown, "#new-bars path") == pytest.approx([34.9])
    layers = shown.page.locator("#new > .row:has(> i)")
    assert [layer.locator("> i").inner_text() for layer in layers.all()] == ["treble", "middle", "bass"]
    assert all(layer.locator("svg path").count() for layer in layers.all())
    assert not open_file(files["beaten"], 1280).page.locator("#new").is_visible()


@needs_chromium
def test_a_phone_has_no_room_for_beats(open_file: Open, files: dict[str, Path], analysis: Analysis) -> None:
    shown = open_file(files["beaten"], 320)
    assert starts(shown, "#song-form .bars path:first-of-type") == []
    assert 1 < len(starts(shown, "#song-form .bars path:last-of-type")) <= len(analysis.beats.downbeats)


@needs_chromium
def test_the_song_is_described(open_file: Open, files: dict[str, Path], analysis: Analysis) -> None:
    shown = open_file(files["beaten"], 1280)
    assert shown.page.locator("#song-form .sections i").all_inner_texts() == [s.label for s in analysis.sections]
    assert set(shown.page.locator("#chords i").all_inner_texts()) <= set(analysis.chords.names)
    assert starts(shown, "#voice path") == pytest.approx(analysis.voice.phrases[:, 0], abs=1e-3)
    words = shown.page.inner_text("#found")
    assert analysis.key
    assert analysis.key.name in words
    assert f"{analysis.beats.bpm:.0f} beats a minute, {analysis.beats.metre} in a bar" in words


@needs_chromium
def test_a_jump_is_told_by_bar_and_beat_and_shown_in_the_song(
    open_file: Open, files: dict[str, Path], beaten: Example, analysis: Analysis
) -> None:
    shown = open_file(files["beaten"], 1280)
    place = analysis.beats.place(HEAD)
    way = f"bar {place.bar}, beat {place.beat} → bar 5, beat 1"
    assert not shown.page.locator("#leaves").is_visible()
    shown.page.get_by_role("button", name=f"join at 0:29.9, {way}", exact=True).click()
    assert f"The song jumps from {way.replace(' → ', ' to ')}." in shown.page.inner_text("#join-text")
    assert left(shown, "#leaves") == pytest.approx(HEAD / analysis.song.seconds, abs=3e-3)
    assert left(shown, "#enters") == pytest.approx(analysis.beats.downbeats[4] / analysis.song.seconds, abs=3e-3)
    assert "upbeat, beat 4 → bar 2, beat 1: it is sharper" in shown.page.inner_text("#standouts")
    shown.page.get_by_role("button", name="next join").click()
    assert "The percussive layer jumps from upbeat, beat 4 to bar 2, beat 1." in shown.page.inner_text("#join-text")


@needs_chromium
def test_a_song_without_a_pulse_has_no_bar_lines(open_file: Open, files: dict[str, Path]) -> None:
    shown = open_file(files["drone"], 1280)
    assert shown.complaints == []
    assert "no clear pulse. So no bar lines are drawn" in shown.page.inner_text("#found")
    assert shown.page.locator(".bars").count() == 0
    assert shown.page.locator("#song-form .sections i").count() > 0
    shown.page.get_by_role("button", name="next join").click()
    text = shown.page.inner_text("#join-text")
    assert "The song jumps from 0:11.0 to 0:03.5." in text
    assert "bar" not in text


@needs_chromium
def test_a_click_on_the_song_goes_there(open_file: Open, files: dict[str, Path], analysis: Analysis) -> None:
    shown = open_file(files["beaten"], 1280)
    box = shown.page.locator("#song-plot").bounding_box()
    assert box
    shown.page.locator("#song-plot").click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.5})
    time = shown.page.evaluate("document.getElementById('song').currentTime")
    assert time == pytest.approx(analysis.song.seconds / 4, abs=0.2)
