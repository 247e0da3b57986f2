import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "thirdparty"


@pytest.fixture(scope="session")
def third_backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds an installed package with a backend of its own; on the path, it is seen."""
    site = tmp_path_factory.mktemp("site")
    uv = Path(sys.executable).with_name("uv")
    options = f"--quiet --python {sys.executable} --target {site} --no-deps --no-build-isolation"
    subprocess.run([uv, "pip", "install", *options.split(), PACKAGE], check=True)
    return site


@pytest.fixture
def installed(third_backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(third_backend)
    monkeypatch.setenv("PYTHONPATH", str(third_backend))
    monkeypatch.delitem(sys.modules, "extrap_repeat", raising=False)
