"""The blind listening page: it tells nothing, its votes arrive, and they are counted right."""

import base64
import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
import soundfile
from scipy.stats import binomtest

from extrapcli.audio.decode import decode

LISTEN = Path(__file__).parents[2] / "benchmarks" / "listen"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAYS = ["a hard loop", "recall-way", "the song itself"]
RATE = 8000
ENTRY = re.compile(r"(\d+) % \| (\d+) to (\d+) %")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"listen_{name}", LISTEN / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


make, count = script("make"), script("count")


class Ran(NamedTuple):
    stdout: str
    stderr: str


def run(script: ModuleType, *args: str | Path, status: int = 0) -> Ran:
    """Run a script in this process; fail on another exit status than the expected one."""
    ended: object = 0
    with (
        patch.object(sys, "argv", [script.__name__, *map(str, args)]),
        contextlib.redirect_stdout(io.StringIO()) as stdout,
        contextlib.redirect_stderr(io.StringIO()) as stderr,
    ):
        try:
            script.main()
        except SystemExit as exit:
            ended = exit.code
    assert ended == status, stderr.getvalue()
    return Ran(stdout.getvalue(), stderr.getvalue())


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four songs, each continued in three ways, which differ in format, length, channels and loudness."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(3)
    for way, (ending, seconds, channels, level) in zip(
        WAYS, [("wav", 4, 2, 0.05), ("flac", 5, 2, 0.3), ("wav", 2.5, 1, 0.1)], strict=True
    ):
        (folder / way).mkdir()
        for song in range(4):
            noise = level * rng.standard_normal((round(seconds * RATE), channels)).clip(-3, 3)
            soundfile.write(folder / way / f"tune-{song}.{ending}", noise, RATE)
    return folder


def made(tracks: Path, out: Path, *, pairs: int, seed: int = 0) -> Path:
    options = f"--pairs {pairs} --seed {seed} --head 2 --lead 0.2 --seconds 0.8".split()
    run(make, tracks, out, *options)
    return out


@pytest.fixture(scope="module")
def test(tracks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tracks, tmp_path_factory.mktemp("test") / "out", pairs=12)


def heard(page: Path) -> dict[str, list[str]]:
    found = re.search(r'type="application/json">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    pairs: dict[str, list[str]] = json.loads(found[1])["pairs"]
    return pairs


def test_the_other_question_is_about_the_ends_of_tracks(tracks: Path, tmp_path: Path) -> None:
    run(make, tracks, tmp_path / "calm", *["--pairs", "3", "--seconds", "1", "--calmer"])
    page = tmp_path / "calm" / "listen.html"
    text = page.read_text(encoding="utf-8")
    assert text.count("Which is calmer?") == 2
    assert "A is calmer" in text
    assert "{{" not in text
    assert "better" not in text
    lengths = [len(decode(path).samples) for path in sorted(tracks.glob("*/tune-0.*"))]
    assert len(set(lengths)) == 3
    path = next(tracks.glob("recall-way/tune-0.*"))
    (end,) = make.Excerpts(head_seconds=None, lead_seconds=0, seconds=1).of([path])
    np.testing.assert_array_equal(end.samples, decode(path).samples[-RATE:])
    assert all(len(sounds) == 2 for sounds in heard(page).values())


@pytest.mark.parametrize("name", ["make", "count"])
def test_both_are_scripts(name: str) -> None:
    done = subprocess.run([sys.executable, LISTEN / f"{name}.py", "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{name}.py" in done.stdout


# The page as it is made


def test_the_same_seed_gives_the_same_test(tracks: Path, test: Path, tmp_path: Path) -> None:
    again = made(tracks, tmp_path / "again", pairs=12)
    other = made(tracks, tmp_path / "other", pairs=12, seed=1)
    for name in ("key.json", "listen.html"):
        assert (again / name).read_bytes() == (test / name).read_bytes()
        assert (other / name).read_bytes() != (test / name).read_bytes()


def test_ways_sides_and_songs_are_balanced(rng: np.random.Generator) -> None:
    songs = {f"song {i}": Path() for i in range(10)}
    pairs = make.draw(dict.fromkeys("abcd", songs), 40, rng)
    assert len({(pair.song, frozenset(pair[1:])) for pair in pairs}) == 40
    meetings = Counter(frozenset(pair[1:]) for pair in pairs)
    assert len(meetings) == 6
    assert set(meetings.values()) == {6, 7}
    for ways in meetings:
        as_a = Counter(pair.a for pair in pairs if set(pair[1:]) == ways)
        assert {as_a[way] for way in ways} <= {3, 4}
    assert set(Counter(pair.song for pair in pairs).values()) <= {3, 4, 5}


def test_the_page_names_no_way_and_no_song(test: Path) -> None:
    page = (test / "listen.html").read_text(encoding="utf-8")
    key = json.loads((test / "key.json").read_text(encoding="utf-8"))
    assert heard(test / "listen.html").keys() == key["pairs"].keys()
    for name in [*WAYS, "tune", "seed", "key.json", str(test)]:
        assert name not in page


def test_the_excerpts_of_a_pair_are_equally_long_and_loud(test: Path) -> None:
    for pair in heard(test / "listen.html").values():
        a, b = (decode(io.BytesIO(base64.b64decode(sound))) for sound in pair)
        assert len(a.samples) == len(b.samples) in (0.7 * a.sample_rate, 0.8 * a.sample_rate)
        levels = [20 * np.log10(np.sqrt(np.mean(np.square(sound.samples)))) for sound in (a, b)]
        assert levels == pytest.approx([-20, -20], abs=0.5)


def test_an_excerpt_begins_before_the_song_ends(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.arange(10 * RATE) % 100 / 100, RATE, subtype="FLOAT")
    whole = decode(path).samples
    excerpts = make.Excerpts(head_seconds=6, lead_seconds=1, seconds=3)
    np.testing.assert_array_equal(excerpts.of([path])[0].samples, whole[5 * RATE : 8 * RATE])
    (tmp_path / "song.json").write_text('{"head_seconds": 3.5}')
    np.testing.assert_array_equal(excerpts.of([path])[0].samples, whole[round(2.5 * RATE) : round(5.5 * RATE)])


def test_peaks_limit_the_level_of_both() -> None:
    clip = decode(LISTEN.parents[1] / "tests" / "data" / "song.mp3")
    spiky = np.zeros_like(clip.samples[:RATE])
    spiky[4000] = 1
    sounds = [make.replace(clip, samples=samples) for samples in (spiky, clip.samples[:RATE])]
    one, other = (sound.samples for sound in make.equalise(sounds))
    assert np.abs(one).max() == pytest.approx(make.PEAK)
    assert np.square(one).mean() == pytest.approx(np.square(other).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--pairs 13", "only 12 different pairs can be drawn; give --pairs 12, or more songs"),
        ("--head 0.3 --lead 0.4", "give a smaller --lead"),
        ("--head 3 --lead 0.4", "too little follows the song's end"),
        ("--lead 2 --seconds 1", "more --seconds than --lead"),
    ],
)
def test_what_makes_no_test_is_refused(options: str, said: str, tracks: Path, tmp_path: Path) -> None:
    done = run(make, tracks, tmp_path / "out", "--pairs", "2", *options.split(), status=2)
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_key_is_not_replaced(tracks: Path, test: Path) -> None:
    assert "choose another folder" in run(make, tracks, test, status=2).stderr


# Votes counted


def key_of(excerpts: int) -> dict[str, Any]:
    """`better` against `worse`, in turns as A."""
    sides = [("better", "worse"), ("worse", "better")]
    pairs = {f"{i:012x}": {"song": str(i), "A": sides[i % 2][0], "B": sides[i % 2][1]} for i in range(excerpts)}
    return {"seed": 0, "ways": ["better", "worse"], "pairs": pairs}


def counted(folder: Path, key: dict[str, Any], choices: dict[str, list[str]]) -> list[tuple[int, int, int]]:
    """Share and interval of each row that `count.py` prints for these choices of listeners, in the pairs' order."""
    (folder / "key.json").write_text(json.dumps(key))
    files = []
    for listener, made in choices.items():
        cast = [{"pair": pair, "choice": choice} for pair, choice in zip(key["pairs"], made, strict=False)]
        files.append(folder / f"votes-{listener}.json")
        files[-1].write_text(json.dumps({"listener": listener, "votes": cast}))
    printed = run(count, folder / "key.json", *files).stdout
    return [(int(share), int(low), int(high)) for share, low, high in ENTRY.findall(printed)]


def preferring(key: dict[str, Any], wins: list[bool]) -> list[str]:
    """Choices by which `better` wins so."""
    sides = [pair["A"] == "better" for pair in key["pairs"].values()]
    return ["A" if win == is_a else "B" for win, is_a in zip(wins, sides, strict=True)]


def test_a_known_preference_lies_in_the_interval(tmp_path: Path, rng: np.random.Generator) -> None:
    key = key_of(20)
    choices = {f"{i}": preferring(key, list(rng.random(20) < 0.7)) for i in range(5)}
    (share, low, high), *ranks = counted(tmp_path, key, choices)
    assert 50 < low < 70 < high < 90
    assert ranks[0] == pytest.approx((share, low, high), abs=5)
    assert [100 - value for value in ranks[1]] == pytest.approx([share, high, low], abs=5)


def test_always_the_same_choice_excludes_half(tmp_path: Path) -> None:
    key = key_of(20)
    (share, low, high), *ranks = counted(tmp_path, key, {"one": preferring(key, [True] * 20)})
    assert (share, high) == (100, 100)
    assert low > 80
    assert ranks[0][1] > 75
    assert ranks[1][2] < 25


def test_no_difference_is_half_a_vote_for_each(tmp_path: Path) -> None:
    for share, low, high in counted(tmp_path, key_of(20), {"one": ["="] * 20, "two": ["="] * 20}):
        assert share == 50
        assert low < 50 < high


def test_one_listener_gets_wilsons_interval() -> None:
    excerpts = [count.Excerpt(1, won) for won in [1] * 14 + [0] * 6]
    exact = binomtest(14, 20).proportion_ci(method="wilson")
    assert count.preference(excerpts) == pytest.approx((0.7, exact.low, exact.high), abs=1e-12)


def test_intervals_hold_the_truth_though_listeners_hear_the_same_excerpts(rng: np.random.Generator) -> None:
    held = 0
    for _ in range(300):
        taste = rng.beta(2, 1, size=12)  # of an excerpt; 2/3 on average
        excerpts = [count.Excerpt(6, int(first)) for first in rng.binomial(6, taste)]
        _, low, high = count.preference(excerpts)
        held += low < 2 / 3 < high
    assert 0.91 < held / 300 < 0.98


def test_strengths_explain_the_votes(rng: np.random.Generator) -> None:
    wins = rng.integers(1, 30, size=(4, 4)).astype(float) * (1 - np.eye(4))
    p = count.strengths(wins)
    expected = (wins + wins.T) * p[:, None] / (p[:, None] + p)
    np.testing.assert_allclose(expected.sum(axis=1), wins.sum(axis=1), rtol=1e-9)


VOTE = {"pair": "000000000000", "choice": "A"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ([], "neither a key nor votes"),
        ({"listener": "x", "votes": []}, "holds no votes"),
        ({"votes": [VOTE]}, "holds no votes"),
        ({"listener": "x", "votes": [VOTE, {"pair": "elsewhere", "choice": "A"}]}, "of another test"),
        ({"listener": "x", "votes": [VOTE | {"pair": []}]}, "of another test"),
        ({"listener": "x", "votes": [VOTE | {"choice": "C"}]}, "'C' is no choice"),
        ({"listener": "x", "votes": [VOTE | {"choice": None}]}, "None is no choice"),
        ({"listener": "x", "votes": [VOTE, VOTE]}, "votes twice"),
        ({"listener": "good", "votes": [VOTE]}, "same listener as"),
        (None, "cannot be read"),
    ],
)
def test_broken_votes_are_named_and_nothing_is_counted(content: Any, said: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps(key_of(2)))
    (tmp_path / "good.json").write_text(json.dumps({"listener": "good", "votes": [VOTE]}))
    if content is not None:
        data = content if isinstance(content, str | bytes) else json.dumps(content)
        (tmp_path / "bad.json").write_bytes(data.encode() if isinstance(data, str) else data)
    done = run(count, *(tmp_path / name for name in ("key.json", "good.json", "bad.json")), status=2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"{tmp_path / 'bad.json'}: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_votes_given_as_the_key_are_refused(tmp_path: Path) -> None:
    (tmp_path / "votes.json").write_text(json.dumps({"listener": "x", "votes": [VOTE]}))
    done = run(count, tmp_path / "votes.json", tmp_path / "votes.json", status=2)
    assert "votes.json: not a key" in done.stderr


# The page in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, test: Path) -> Iterator[Any]:
    """The page, offline; no error in it, and no request but for itself and for what it holds."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    strangers: list[str] = []
    page.on("request", lambda request: strangers.append(request.url))
    page.on("pageerror", lambda error: strangers.append(str(error)))
    page.on("console", lambda message: strangers.append(message.text))
    page.goto((test / "listen.html").as_uri())
    yield page
    context.close()
    assert [s for s in strangers if not s.startswith(((test / "listen.html").as_uri(), "blob:", "data:"))] == []


def play_both(page: Any) -> None:
    page.keyboard.press("1")
    page.wait_for_selector("[data-side=A].heard")
    page.keyboard.press("2")
    page.wait_for_selector("[data-choice=A]:enabled")


def saved(page: Any, tmp_path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("save", re.IGNORECASE)).click()
    path: Path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.slow
def test_votes_by_click_and_by_key_are_saved(page: Any, test: Path, tmp_path: Path) -> None:
    order = page.evaluate("state.order")
    page.get_by_label("Play A").click()
    page.wait_for_selector("[data-side=A].heard")
    page.get_by_label("Play B").click()
    page.get_by_role("button", name="B is better").click()
    for key in ("=", "a"):
        play_both(page)
        page.keyboard.press(key)
    assert page.get_by_text("Pair 4 of 12").is_visible()
    page.reload()
    assert page.get_by_text("Pair 4 of 12").is_visible()
    path = saved(page, tmp_path)
    votes = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == f"votes-{votes['listener']}.json"
    assert [(vote["pair"], vote["choice"]) for vote in votes["votes"]] == list(zip(order, "B=A", strict=False))
    for vote in votes["votes"]:
        assert all(seconds > 0.2 for seconds in vote["seconds"].values())
    assert "Listeners: 1, votes: 3" in run(count, test / "key.json", path).stdout


def test_no_vote_before_both_were_heard(page: Any) -> None:
    page.keyboard.press("1")
    page.wait_for_selector("[data-side=A].heard")
    page.keyboard.press("a")
    assert page.locator("[data-choice]:enabled").count() == 0
    assert page.get_by_text("Before you vote, play B past the mark.").is_visible()
    assert page.get_by_text("Pair 1 of 12").is_visible()


def test_only_one_side_plays(page: Any) -> None:
    playing = "Object.values(sides).map((side) => !side.audio.paused)"
    for key, expected in [("1", [True, False]), ("2", [False, True]), ("2", [False, False])]:
        page.keyboard.press(key)
        assert page.evaluate(playing) == expected


@pytest.mark.slow
def test_the_last_vote_can_be_undone(page: Any) -> None:
    play_both(page)
    page.keyboard.press("b")
    page.get_by_role("button", name="Undo").click()
    assert page.get_by_text("Pair 1 of 12").is_visible()
    assert page.evaluate("state.votes") == []
    assert page.get_by_role("button", name="Save").is_disabled()


def test_each_listener_has_an_order_of_their_own(browser: Any, page: Any, test: Path) -> None:
    other = browser.new_context().new_page()
    other.goto((test / "listen.html").as_uri())
    mine, theirs = (someone.evaluate("[state.listener, ...state.order]") for someone in (page, other))
    assert sorted(mine[1:]) == sorted(theirs[1:])
    assert mine[0] != theirs[0]
    assert mine[1:] != theirs[1:]


@pytest.mark.slow
def test_the_end_thanks_and_lets_another_listener_begin(page: Any, tmp_path: Path) -> None:
    page.evaluate("change({ ...state, votes: state.order.slice(1).map((pair) => ({ pair, choice: 'A' })) })")
    play_both(page)
    page.keyboard.press("=")
    assert page.get_by_text("Thank you").is_visible()
    assert not page.get_by_text("Which continues better?").is_visible()
    path = saved(page, tmp_path)
    assert len(json.loads(path.read_text(encoding="utf-8"))["votes"]) == 12
    page.get_by_role("button", name="Another listener").click()
    assert page.get_by_text("Pair 1 of 12").is_visible()
    assert page.evaluate("state.listener") not in path.name


@pytest.mark.slow
def test_it_goes_on_where_nothing_may_be_stored(page: Any, tmp_path: Path) -> None:
    forbidden = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } })"
    page.add_init_script(forbidden)
    page.reload()
    assert page.get_by_text("Votes are lost when this page is closed").is_visible()
    play_both(page)
    page.keyboard.press("a")
    assert len(json.loads(saved(page, tmp_path).read_text(encoding="utf-8"))["votes"]) == 1
