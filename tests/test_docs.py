"""The generated pages of docs are those that the code gives; `make docs` writes them anew."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, DOCS / "generate.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("page", ["api.md", "cli.md"])
def test_generated_pages_are_not_stale(page: str, generated: Path) -> None:
    assert (DOCS / page).read_text() == (generated / page).read_text(), "run make docs"
