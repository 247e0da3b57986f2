"""The pages are true: links lead somewhere, clips play, generated pages are fresh, the Makefile names what exists."""

import ast
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from extrapcli.audio.decode import decode

ROOT = Path(__file__).parents[1]
PAGES = [
    path
    for path in sorted(ROOT.glob("[!.]*/**/*.md")) + sorted(ROOT.glob("*.md")) + sorted(ROOT.glob(".github/**/*.md"))
    if path.relative_to(ROOT).parts[0] in {"docs", "training", "tests", "benchmarks", ".github", path.name}
]
DOCS = ROOT / "docs"
LISTEN = DOCS / "listen.html"
MAKEFILE = (ROOT / "Makefile").read_text()
SONG_SECONDS = 30


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), link


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, DOCS / "generate.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("page", ["api.md", "cli.md"])
def test_generated_pages_are_not_stale(page: str, generated: Path) -> None:
    assert (DOCS / page).read_text() == (generated / page).read_text(), "run make docs"


@pytest.mark.parametrize(("title", "folder"), [("Which folder does what", "."), ("Inside audio", "audio")])
def test_the_map_of_the_source_is_complete(title: str, folder: str) -> None:
    _, _, section = (DOCS / "how-it-works.md").read_text().partition(f"## {title}")
    rows = re.findall(r"^\| (`[^|]+) \|", section.partition("\n## ")[0], re.MULTILINE)
    told = {name.rstrip("/") for row in rows for name in re.findall(r"`([\w./]+)`", row)}
    source = ROOT / "src" / "extrapcli" / folder
    here = {path.name for path in source.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert here - {"__init__.py", "__pycache__"} == told


class Links(HTMLParser):
    """What a page of HTML links to or plays."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.paths += [value for name, value in attrs if name in ("src", "href") and value]


def links_of(page: Path) -> list[Path]:
    parser = Links()
    parser.feed(page.read_text(encoding="utf-8"))
    return [page.parent / path for path in parser.paths if not path.startswith("http")]


def test_the_page_with_sounds_plays_all_of_them_and_no_others() -> None:
    links = links_of(LISTEN)
    assert all(path.exists() for path in links)
    clips = {path for path in links if path.suffix == ".opus"}
    assert clips == set((DOCS / "sounds").iterdir())
    assert len(clips) >= 4


BEFORE = sorted((DOCS / "sounds").glob("*-before.opus"))


@pytest.mark.parametrize("kind", ["after", "new"])
@pytest.mark.parametrize("before", BEFORE, ids=lambda path: path.name)
def test_each_track_begins_with_its_song_and_goes_on(before: Path, kind: str) -> None:
    after = before.with_name(before.name.replace("before", kind))
    assert max(path.stat().st_size for path in (before, after)) < 300_000
    song, track = decode(before), decode(after)
    assert song.seconds == SONG_SECONDS
    assert 2 * SONG_SECONDS <= track.seconds <= 60
    head = slice(0, (SONG_SECONDS - 1) * song.sample_rate)
    likeness = np.corrcoef(song.samples[head].ravel(), track.samples[head].ravel())[0, 1]
    assert likeness > 0.93  # the two are encoded at different rates; other music has about 0
    added = track.samples[SONG_SECONDS * track.sample_rate :]
    assert added.std() > 0.5 * song.samples.std()


def test_the_makefile_names_tests_that_exist() -> None:
    named = re.findall(r"\btests/[\w/.-]+", MAKEFILE)
    assert len(named) >= 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_make_help_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: ((?:\\\n|.)+)$", MAKEFILE, re.MULTILINE)
    assert phony
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert sorted(re.findall(r"^  make ([\w-]+) +\w", told, re.MULTILINE)) == sorted(re.findall(r"[\w-]+", phony[1]))


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^    |`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, page


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert citation
    assert citation[1] == version
    pinned = re.findall(r"extrapcli(?:\[\w+\])?==([\d.]+\d)", (DOCS / "cluster.md").read_text())
    assert set(pinned) == {version}


SCRIPTS = [path for folder in ("docs", "benchmarks", "training") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_import_what_there_is(script: Path) -> None:
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "extrapcli":
            exec(compile(ast.Module([node], []), script, "exec"), {})
