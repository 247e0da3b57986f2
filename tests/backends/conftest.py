import sys
from pathlib import Path

import pytest

from tests.conftest import install

PACKAGE = Path(__file__).parent / "thirdparty"


@pytest.fixture(scope="session")
def third_backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds an installed package with a backend of its own; on the path, it is seen."""
    return install(PACKAGE, tmp_path_factory.mktemp("site"))


@pytest.fixture
def installed(third_backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(third_backend)
    monkeypatch.setenv("PYTHONPATH", str(third_backend))
    monkeypatch.delitem(sys.modules, "extrap_repeat", raising=False)
