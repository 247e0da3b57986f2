"""The page of a report: what it shows, plays and draws, alone and at any width."""

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from extrapcli.audio.decode import decode
from extrapcli.audio.preview import encode_opus
from extrapcli.audio.song import Song
from extrapcli.evaluation.measures import CONTROLS
from extrapcli.evaluation.report import pictures
from extrapcli.evaluation.report.page import clock, headline
from extrapcli.evaluation.results import MeasuredJoin
from extrapcli.mood.meter import Mood
from tests.browsing import needs_chromium
from tests.conftest import SONG
from tests.evaluation.pages import MEASURES, Example, Open, example

JOINS = [
    MeasuredJoin(9.9, 0.1, 12.0, 40.0, 71.5, 0.04),
    MeasuredJoin(19.8, 0.1, 99.6, 40.0, 12.0, None),
]


@pytest.fixture(scope="module")
def thrice() -> Example:
    """Ten seconds of a real song, three times, with crossfades of 0.1 s."""
    whole = decode(SONG)
    song = replace(whole, samples=whole.samples[: 10 * whole.sample_rate])
    fade = whole.sample_rate // 10
    rise = np.linspace(0, 1, fade)[:, None]
    samples = song.samples
    for _ in range(2):
        crossed = samples[-fade:] * (1 - rise) + song.samples[:fade] * rise
        samples = np.concatenate([samples[:-fade], crossed, song.samples[fade:]])
    track = replace(song, name="thrice.flac", samples=samples.astype(np.float32))
    return example(song, track, 9.9, JOINS)


@pytest.fixture(scope="module")
def file(thrice: Example, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(thrice.html(), encoding="utf-8")
    return path


@pytest.fixture
def open_page(open_file: Open, file: Path) -> Open:
    return lambda path=file, width=1280: open_file(path, width)


@needs_chromium
def test_it_needs_nothing_but_itself(open_page: Open, file: Path) -> None:
    shown = open_page()
    outside = [url for url in shown.requests if not url.startswith(("data:", "blob:"))]
    assert outside == [file.as_uri()]
    assert shown.complaints == []


@needs_chromium
def test_song_and_track_can_be_played(open_page: Open, thrice: Example) -> None:
    shown = open_page()
    for name, sound in (("song", thrice.song), ("track", thrice.track)):
        shown.page.wait_for_function(f"document.getElementById('{name}').readyState >= 3")
        duration = shown.page.evaluate(f"document.getElementById('{name}').duration")
        assert duration == pytest.approx(sound.seconds, abs=0.05)


@pytest.mark.slow
@needs_chromium
def test_a_click_on_a_join_plays_the_six_seconds_around_it(open_page: Open) -> None:
    shown = open_page()
    shown.note_starts()
    shown.page.get_by_role("button", name="join at 0:09.9", exact=True).click()
    shown.wait("starts.length && track.paused")
    assert shown.starts() == pytest.approx([6.9], abs=0.1)
    assert 12.9 <= shown.time() < 14  # a busy browser stops late
    assert shown.page.evaluate("document.getElementById('track').playbackRate") == 1
    assert "Join 1 of 2 at 0:09.9" in shown.page.inner_text("#join-text")
    assert shown.complaints == []


@needs_chromium
def test_so_does_enter_on_a_join(open_page: Open) -> None:
    shown = open_page()
    shown.page.evaluate("document.getElementById('track').playbackRate = 4")
    shown.note_starts()
    join = shown.page.get_by_role("button", name=re.compile("^join at 0:19.8, stands out: it is sharper than 99.6 %"))
    join.focus()
    shown.page.keyboard.press("Enter")
    shown.wait("starts.length && track.paused")
    assert shown.starts() == pytest.approx([16.8], abs=0.1)
    assert 22.8 <= shown.time() < 26  # a busy browser stops late, at four times the speed


@needs_chromium
def test_joins_can_be_stepped_through(open_page: Open) -> None:
    shown = open_page()
    shown.note_starts()
    for count, button in enumerate(("next join", "next join", "previous join"), 1):
        shown.page.get_by_role("button", name=button).click()
        shown.wait(f"starts.length >= {count}")
    assert shown.starts() == pytest.approx([6.9, 16.8, 6.9], abs=0.1)


@needs_chromium
def test_a_click_on_the_timeline_goes_there_and_stops_nowhere(open_page: Open) -> None:
    shown = open_page()
    shown.page.get_by_role("button", name="join at 0:09.9", exact=True).click()
    plot = shown.page.locator("#track-plot")
    box = plot.bounding_box()
    assert box is not None
    shown.note_starts()
    plot.click(position={"x": box["width"] * 0.4, "y": box["height"] * 0.5})
    shown.page.evaluate("document.getElementById('track').playbackRate = 4")
    shown.wait("starts.length")
    assert shown.starts()[-1] == pytest.approx(29.8 * 0.4, abs=0.1)
    shown.wait("track.currentTime > 14")
    playhead, time = shown.page.evaluate(
        "[parseFloat(document.getElementById('playhead').style.left), document.getElementById('track').currentTime]"
    )
    assert playhead == pytest.approx(100 * time / 29.8, abs=3)


@needs_chromium
def test_song_and_track_do_not_play_at_once(open_page: Open) -> None:
    shown = open_page()
    shown.page.get_by_role("button", name="next join").click()
    shown.wait("!track.paused")
    shown.page.evaluate("document.getElementById('song').play()")
    shown.wait("track.paused")


@needs_chromium
def test_every_measure_is_shown(open_page: Open, thrice: Example) -> None:
    text = open_page().page.inner_text("main")
    assert headline(thrice.evaluation) in text
    for result in MEASURES:
        assert result.measure.title in text
        assert result.measure.explain(result.value) in text
    for part in (*CONTROLS, "The loudness drifts by 1.2 LU.", "40.0 LU", "best near 7 %"):
        assert part in text
    assert "lower is better" in text
    assert "higher is better" in text
    assert "it is sharper than 99.6 % of the song's own moments" in text
    assert "extrap 0.1.0" in text


@needs_chromium
@pytest.mark.parametrize(
    "name", ["</script><script>window.broken = 1</script>", "\"'&lt;{{data}}", "日本 «ü»\u2028.flac"]
)
def test_names_are_text(name: str, open_page: Open, thrice: Example, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(thrice.html(song=name, track=name), encoding="utf-8")
    shown = open_page(path)
    assert shown.page.evaluate("[document.getElementById('title').textContent, window.broken]") == [name, None]
    assert shown.page.evaluate("document.getElementById('song-name').textContent") == name
    assert shown.complaints == []


@needs_chromium
@pytest.mark.parametrize("width", [320, 390, 800])
def test_it_fits_a_phone(width: int, open_page: Open) -> None:
    shown = open_page(width=width)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


@needs_chromium
def test_a_track_without_joins_has_a_page(open_page: Open, thrice: Example, tmp_path: Path) -> None:
    alone = Example(thrice.evaluation, thrice.song, thrice.song)
    path = tmp_path / "page.html"
    path.write_text(alone.html(joins=[], track_seconds=10.0, head_seconds=10.0, short_term_loudness=[None] * 10))
    shown = open_page(path)
    assert "there are no joins" in shown.page.inner_text("#headline")
    assert not shown.page.locator("#step").is_visible()
    assert shown.complaints == []


@needs_chromium
def test_wanted_and_reached_mood_are_drawn_where_there_are_any(
    open_page: Open, thrice: Example, tmp_path: Path
) -> None:
    assert open_page().page.locator("#mood").is_hidden()
    mood = Mood(0.3, 0.7, 10, wanted=[k / 19 for k in range(20)], reached=[0.5] * 20)
    steered = tmp_path / "steered.html"
    steered.write_text(thrice.html(mood=mood), encoding="utf-8")
    shown = open_page(steered)
    row = shown.page.locator("#moods")
    assert row.inner_text().split() == ["lively", "calm"]
    for name, first, last in (("wanted", 1, 0), ("reached", 0.5, 0.5)):
        points = np.array(
            [point.split(",") for point in (row.locator(f"#{name}").get_attribute("d") or "")[1:].split()], float
        )
        height = 1.5 * points[:, 1] / 100 - 0.25  # from lively at 0 to calm at 1
        assert height[[0, -1]] == pytest.approx([first, last], abs=0.01)
        assert points[[0, -1], 0] == pytest.approx(
            [1000 * 10 / thrice.track.seconds, 1000 * 29 / thrice.track.seconds], abs=1
        )
    assert not shown.complaints


def test_the_same_evaluation_gives_the_same_page(thrice: Example) -> None:
    assert thrice.html() == thrice.html()


@pytest.mark.slow
def test_five_minutes_stay_small(rng: np.random.Generator) -> None:
    rate, seconds = 44100, 300
    t = np.arange(rate) / rate
    second = np.sin(2 * np.pi * np.outer([220, 277.2, 329.6], t)).sum(axis=0) / 8 * np.exp(-3 * t)
    music = np.stack([np.tile(second, seconds), 0.8 * np.tile(second, seconds)], axis=1, dtype=np.float32)
    music += rng.normal(0, 0.05, music.shape).astype(np.float32) * np.abs(music)
    track = Song("track", music, rate, "s16", "flac")
    song = replace(track, name="song", samples=music[: 290 * rate])
    joins = [MeasuredJoin(290.0 + k, 0.05, 1, 1, 1, None) for k in range(9)]
    text = example(song, track, 290.0, joins).html()
    assert len(text.encode()) < 10e6
    found = re.search(r'id="data">(.*?)</script>', text)
    assert found is not None
    data = json.loads(found[1])
    assert len(data["song"]["audio"]) + len(data["track"]["audio"]) < 6.5e6


def test_the_headline_is_plain(thrice: Example) -> None:
    assert headline(thrice.evaluation) == (
        "A track of 0:30 made from a song of 0:10. Its first 0:10 are the song itself; "
        "from there on it has 2 joins, of which 1 stands out."
    )


@pytest.mark.parametrize(
    ("seconds", "decimals", "written"), [(32.44, 1, "0:32.4"), (59.96, 1, "1:00.0"), (3723, 0, "1:02:03")]
)
def test_times_are_written_as_on_a_clock(seconds: float, decimals: int, written: str) -> None:
    assert clock(seconds, decimals) == written


@pytest.mark.parametrize(("channels", "kept"), [(1, 1), (2, 2), (6, 1)])
@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_opus_does_not_shift_sound(channels: int, kept: int, rate: int, rng: np.random.Generator) -> None:
    samples = np.cumsum(rng.normal(0, 0.02, (2 * rate + 123, 1)), axis=0)
    samples = (samples - np.convolve(samples[:, 0], np.ones(301) / 301, "same")[:, None]).repeat(channels, axis=1)
    decoded = decode(io.BytesIO(encode_opus(samples, rate, kilobits=96)))
    assert decoded.samples.shape == (round(len(samples) * 48000 / rate), kept)
    at = np.arange(len(samples)) * 48000 / rate
    resampled = np.interp(at, np.arange(len(decoded.samples)), decoded.samples[:, 0])
    lags = range(-3, 4)
    likeness = [np.dot(samples[1000:-1000, 0], resampled[1000 + lag : len(resampled) - 1000 + lag]) for lag in lags]
    assert lags[int(np.argmax(likeness))] == 0


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_tone_is_drawn_beside_its_frequency(hertz: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(44100) / 22050)[:, None]
    power = pictures.mel_power(tone, 22050)
    assert power.shape == (50, pictures.BANDS)
    height = (power.mean(axis=0).argmax() + 1) / (pictures.BANDS + 1)
    ticks = dict(pictures.frequency_ticks(22050))
    assert height == pytest.approx(ticks[f"{hertz // 1000}k" if hertz >= 1000 else str(hertz)], abs=0.01)


def test_a_long_spectrogram_is_as_if_made_in_one_piece(rng: np.random.Generator) -> None:
    sound = rng.normal(size=(22050 * 30, 2)).astype(np.float32)
    whole, later = pictures.mel_power(sound, 22050), pictures.mel_power(sound[22050 * 10 :], 22050)
    np.testing.assert_allclose(whole[255:-5], later[5:-5], rtol=1e-4)


@pytest.mark.parametrize(("seconds", "side"), [(10, 40), (200, 600)])
def test_self_similarity_is_a_limited_square(seconds: int, side: int, rng: np.random.Generator) -> None:
    power = rng.random((seconds * pictures.PER_SECOND, pictures.BANDS)).astype(np.float32)
    picture = pictures.self_similarity(power)
    with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))) as image:
        assert image.size == (side, side)
