"""The page in a real browser: a song is dropped, continued, heard, changed, compared and downloaded."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browsing import browsing, needs_chromium
from tests.serve.browsers import LISTEN, NARROW, SECONDS, WIDE, Tab, tab
from tests.serve.servers import Server, extrap

pytestmark = [pytest.mark.slow, needs_chromium]
DATA = Path(__file__).parents[1] / "data"
BALLAD = DATA / "clips" / "credits-ballad.opus"
MOST_BYTES = 400_000
AXE_STYLE = "Applying inline style violates"  # of axe itself, which the page's policy forbids


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return (str(DATA), "--jobs", "2")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(browser: Browser, the_server: Server) -> Iterator[Tab]:
    """A page with a song that was dropped, and a track that is done."""
    with tab(browser, the_server) as opened:
        opened.drop(BALLAD)
        expect(opened.page.get_by_text("C major, 140 beats a minute")).to_be_visible()
        take = opened.continued("1:30")
        expect(take.get_by_role("button", name="Download")).to_be_visible()
        yield opened


def joins(take: Locator) -> Locator:
    return take.get_by_role("button", name=re.compile(r"^Join \d+ at "))


def clock(take: Locator) -> float:
    return float(take.locator("audio").evaluate("audio => audio.currentTime"))


def test_the_song_is_drawn_with_sections_bars_and_energy(shared: Tab) -> None:
    song = shared.page.locator("#chosen")
    expect(song.get_by_text("sections A at 0:00, B at 0:11, C at 0:24")).to_be_visible()
    expect(song.locator("svg, canvas").first).to_be_visible()


def test_it_is_heard_while_it_is_made(browser: Browser, the_server: Server) -> None:
    with tab(browser, the_server) as opened:
        opened.page.locator("#file").set_input_files(BALLAD)
        expect(opened.page.get_by_text("C major")).to_be_visible()
        take = opened.continued("50:00")
        audio = take.locator("audio")
        audio.wait_for(state="attached")
        opened.page.wait_for_function(
            "() => [...document.querySelectorAll('article audio')].at(-1)?.currentTime > 0.2"
        )
        assert audio.evaluate(LISTEN) > 0.01
        assert audio.evaluate("audio => audio.duration") == 3000
        expect(take.get_by_text(re.compile("^Making it"))).to_be_visible()
        before = joins(take).count()
        expect.soft(joins(take).nth(before)).to_be_attached()
        deleted = str(audio.evaluate("audio => audio.src")).rpartition("/")[0]
        take.get_by_role("button", name=re.compile("^Cancel")).click()
        expect(take).to_have_count(0)
        opened.complaints = [complaint for complaint in opened.complaints if deleted not in complaint]


def test_new_bars_are_listed_as_such(browser: Browser, the_server: Server) -> None:
    with tab(browser, the_server) as opened:
        opened.page.locator("#file").set_input_files(BALLAD)
        expect(opened.page.get_by_text("C major")).to_be_visible()
        opened.page.locator("summary", has_text="More").click()
        opened.page.get_by_role("slider", name="New bars").fill("1")
        take = opened.continued("0:50")
        expect(take.get_by_role("button", name="Download")).to_be_visible()
        expect(take).to_contain_text("new bars: all")
        expect(joins(take).nth(1)).to_have_accessible_name(re.compile("a new bar"))


def test_a_join_is_heard_with_three_seconds_on_each_side(shared: Tab) -> None:
    take = shared.take(1)
    join = joins(take).nth(2)
    at = sum(
        60**power * int(part)
        for power, part in enumerate(
            reversed(re.findall(r"at (\d+):(\d+)", join.get_attribute("aria-label") or "")[0])
        )
    )
    join.click()
    shared.page.wait_for_function("() => !document.querySelector('article audio').paused")
    assert -3.5 < clock(take) - at < 1
    shared.page.wait_for_function("() => document.querySelector('article audio').paused")
    assert 2 < clock(take) - at < 4.5


def test_another_way_keeps_all_before_the_join(shared: Tab) -> None:
    take = shared.take(1)
    joins(take).nth(3).click()
    take.get_by_role("button", name="Another way from here").click()
    other = shared.take(2)
    expect(other.get_by_text(re.compile("the same as Take 1 up to join 4"))).to_be_visible()
    expect(other.get_by_role("button", name="Download")).to_be_visible()
    sounds = [
        shared.page.request.get(str(one.locator("audio").evaluate("audio => audio.src"))).body()
        for one in (take, other)
    ]
    assert len(sounds[0]) == len(sounds[1])
    same = next(k for k, (a, b) in enumerate(zip(*sounds, strict=True)) if a != b)
    label = joins(take).nth(3).get_attribute("aria-label") or ""
    minutes, seconds = map(int, re.findall(r"at (\d+):(\d+)", label)[0])
    assert -1 < same / (4 * 48000) - (60 * minutes + seconds) < 1.5


def test_joins_are_one_stop_of_the_tab_key_each_way(shared: Tab) -> None:
    marks = shared.take(1).locator(".mark")
    for buttons in (marks, shared.take(1).locator(".joins button")):
        assert buttons.evaluate_all("all => all.filter((button) => button.tabIndex === 0).length") == 1
    marks.first.focus()
    shared.page.keyboard.press("ArrowRight")
    expect(marks.nth(1)).to_be_focused()
    shared.page.keyboard.press("End")
    expect(marks.last).to_be_focused()
    shared.page.keyboard.press("Enter")
    expect(marks.last).to_have_attribute("aria-pressed", "true")


def test_keys_press_a_delete_button_and_leave_it(shared: Tab) -> None:
    away = shared.take(1).get_by_role("button", name="Delete Take 1")
    away.focus()
    shared.page.keyboard.press("Tab")
    expect(away).not_to_be_focused()
    away.focus()
    shared.page.keyboard.press("Enter")
    expect(away).to_have_text("Delete: sure?")
    shared.page.keyboard.press("Shift+Tab")
    expect(away).to_have_text("Delete")
    expect(shared.take(1)).to_be_visible()


def test_escape_takes_a_question_back(shared: Tab) -> None:
    away = shared.take(1).get_by_role("button", name="Delete Take 1")
    away.click()
    expect(away).to_have_text("Delete: sure?")
    away.press("Escape")
    expect(away).to_have_text("Delete")
    expect(shared.take(1)).to_be_visible()


def test_how_many_bars_are_new_is_said_in_words(shared: Tab) -> None:
    words, more = shared.page.locator("#new-word"), shared.page.locator("summary", has_text="More")
    more.click()
    expect(words).to_have_text("none")
    for share, says in (("0.5", "half of them"), ("1", "all"), ("0", "none")):
        shared.page.get_by_role("slider", name="New bars").fill(share)
        expect(words).to_have_text(says)
    more.click()


def test_what_does_not_go_with_new_bars_is_not_offered(shared: Tab) -> None:
    page, more = shared.page, shared.page.locator("summary", has_text="More")
    energy, ending, back = (page.locator(name) for name in ("#energy", "#ending", "#back"))
    energy.select_option("calm")
    ending.select_option("loop")
    more.click()
    page.get_by_role("slider", name="New bars").fill("0.5")
    expect(energy).to_be_disabled()
    expect(energy).to_have_value("")
    expect(ending).to_have_value("auto")
    expect(back).to_be_disabled()
    page.locator("#model").select_option("seq2seq")
    expect(page.locator("#new-word")).to_have_text("none")
    expect(energy).to_be_enabled()
    expect(back).to_be_enabled()
    page.locator("#model").select_option("recall")
    more.click()


def test_a_length_that_cannot_be_is_refused_beside_its_field(shared: Tab) -> None:
    takes = shared.page.get_by_role("article").count()
    problem = shared.page.locator("#length-problem")
    cases = (("0:10", "lasts 0:38 already"), ("1000", "up to 60:00"), ("long", "like 3:30"), ("3:75", "like 3:30"))
    for length, says in cases:
        shared.page.locator("#length").fill(length)
        shared.page.get_by_role("button", name="Continue the song").click()
        expect(problem).to_contain_text(says)
        expect(shared.page.locator("#length")).to_be_focused()
    shared.page.locator("#length").fill("1:30")
    shared.page.locator("summary", has_text="More").click()
    shared.page.locator("#seed").fill("1.5")
    shared.page.get_by_role("button", name="Continue the song").click()
    expect(problem).to_have_text("")
    expect(shared.page.locator("#seed-problem")).to_contain_text("whole number")
    expect(shared.page.locator("#seed")).to_be_focused()
    shared.page.locator("#seed").fill("")
    assert shared.page.get_by_role("article").count() == takes


def test_a_page_that_is_opened_again_shows_the_same(browser: Browser, the_server: Server) -> None:
    with tab(browser, the_server) as opened:
        page = opened.page
        for name in ("credits-ballad.opus", "contemplation.opus"):
            page.locator("#library-song").select_option(f"clips/{name}")
            page.get_by_role("button", name="Use it").click()
            expect(page.locator("#chosen-name")).to_have_text(name)
            expect(page.locator("#options")).to_be_visible()
        page.locator("#songs").get_by_role("button", name="credits-ballad.opus", exact=True).click()
        for number in (1, 2, 3):
            page.locator("#length").fill("0:55")
            page.get_by_role("button", name="Continue the song").click()
            expect(opened.take(number).get_by_role("button", name="Download")).to_be_visible()
        away = opened.take(2).get_by_role("button", name="Delete Take 2")
        away.click()
        away.click()
        expect(opened.take(2)).to_have_count(0)
        page.reload()
        expect(page.locator("#chosen-name")).to_have_text("credits-ballad.opus")
        expect(opened.take(3)).to_be_visible()
        expect(opened.take(1)).to_be_visible()
        expect(opened.take(2)).to_have_count(0)


def test_a_song_that_cannot_be_read_is_marked(browser: Browser, the_server: Server, tmp_path: Path) -> None:
    (tmp_path / "letter.mp3").write_text("Dear all")
    with tab(browser, the_server) as opened:
        opened.drop(tmp_path / "letter.mp3")
        expect(opened.page.locator("#chosen-notes.problem")).to_contain_text("letter.mp3: ")
        expect(opened.page.locator("#songs .problem")).to_have_text(": failed")
        opened.page.reload()
        expect(opened.page.locator("#songs .problem")).to_have_text(": failed")


def test_takes_are_compared_blindly(shared: Tab) -> None:
    shared.page.get_by_label("Compare blindly").check()
    expect(shared.take(1)).to_have_count(0)
    for letter in "AB":
        take = shared.page.get_by_role("article", name=letter, exact=True)
        expect(take).to_be_visible()
        expect(joins(take)).to_have_count(0)
    shared.page.get_by_role("button", name="Reveal").click()
    expect(shared.take(1)).to_be_visible()
    shared.page.get_by_label("Compare blindly").uncheck()


def test_a_download_is_what_the_command_writes(shared: Tab, tmp_path: Path) -> None:
    take = shared.take(1)
    take.get_by_role("combobox").select_option("flac")
    with shared.page.expect_download() as download:
        take.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "credits-ballad-1m30s.flac"
    (job,) = [job for job in shared.page.request.get(f"{shared.server.address}api/jobs").json() if is_first(job)]
    seed = job["request"]["seed"]
    extrap("continue", BALLAD, "--minutes", "1:30", "--seed", str(seed), "-o", "track.flac", cwd=tmp_path)
    assert download.value.path().read_bytes() == (tmp_path / "track.flac").read_bytes()


def is_first(job: dict[str, object]) -> bool:
    request = job["request"]
    return (
        job["kind"] == "track"
        and isinstance(request, dict)
        and request == request | {"length": "1:30", "another": []}
    )


def test_a_report_opens_beside_it(shared: Tab) -> None:
    take = shared.take(1)
    take.get_by_role("button", name="Report").click()
    link = take.get_by_role("link", name=re.compile("report", re.IGNORECASE))
    link.wait_for(timeout=3 * SECONDS)
    with shared.page.expect_popup() as popup:
        link.click()
    expect(popup.value.get_by_role("heading").first).to_be_visible()
    popup.value.close()


def test_loops_are_found_heard_moved_and_downloaded(browser: Browser, the_server: Server, tmp_path: Path) -> None:
    with tab(browser, the_server) as opened:
        page = opened.page
        page.get_by_role("tab", name="Loop").click()
        page.locator("#library-song").select_option("clips/credits-ballad.opus")
        page.get_by_role("button", name="Use it").click()
        page.get_by_role("button", name="Find loops").click()
        found = page.locator("#loop-list").get_by_role("radio")
        found.first.wait_for()
        count = found.count()
        page.get_by_role("button", name="Hear the wrap").click()
        expect(page.get_by_role("button", name="Stop")).to_be_enabled()
        page.get_by_role("button", name="Stop").click()
        with page.expect_download() as download:
            page.locator("#loop-download").get_by_role("button").click()
        extrap("loop", BALLAD, "-o", "loop.wav", cwd=tmp_path)
        assert download.value.path().read_bytes() == (tmp_path / "loop.wav").read_bytes()
        end = page.get_by_role("slider", name=re.compile("end", re.IGNORECASE)).last
        end.focus()
        page.keyboard.press("ArrowLeft")
        expect(found).to_have_count(count + 1)


def test_a_tune_is_played_by_the_keyboard_and_written(browser: Browser, the_server: Server) -> None:
    with tab(browser, the_server) as opened:
        page = opened.page
        page.get_by_role("tab", name="Melody").click()
        page.locator("#piano").get_by_role("button").first.focus()
        for key in "gfdsd":
            page.keyboard.press(key)
        expect(page.locator("#seed-words")).to_contain_text("quarter")
        page.get_by_role("button", name="Write the rest").click()
        score = page.locator("#tunes img")
        score.wait_for(timeout=2 * SECONDS)
        page.wait_for_function("() => document.querySelector('#tunes img').naturalWidth > 100")
        audio = page.locator("#tunes audio")
        audio.evaluate("audio => audio.play()")
        assert audio.evaluate(LISTEN) > 0.01
        with page.expect_download() as download:
            page.locator("#tunes").get_by_role("button", name=re.compile("^Download")).first.click()
        assert download.value.path().read_bytes().startswith(b"MThd")


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_anyone_can_use_it(browser: Browser, the_server: Server, width: int, dark: bool) -> None:
    with tab(browser, the_server, width=width, dark=dark) as opened:
        opened.page.locator("#library-song").select_option("clips/credits-ballad.opus")
        opened.page.get_by_role("button", name="Use it").click()
        expect(opened.page.get_by_text("C major")).to_be_visible()
        expect(opened.continued("1:00").get_by_role("button", name="Download")).to_be_visible()
        for view in ("Continue", "Loop", "Melody"):
            opened.page.get_by_role("tab", name=view).click()
            assert not opened.is_too_wide()
            assert opened.violations() == []
        opened.complaints = [complaint for complaint in opened.complaints if AXE_STYLE not in complaint]


def test_the_page_is_light(browser: Browser, the_server: Server) -> None:
    with tab(browser, the_server) as opened:
        opened.page.wait_for_load_state("networkidle")
        sizes = [len(opened.page.request.get(url).body()) for url in opened.requests if url.startswith("http")]
    assert len(sizes) > 10
    assert sum(sizes) < MOST_BYTES
