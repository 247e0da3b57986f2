import sys
from pathlib import Path

import pytest

PLUGIN = '''
from pathlib import Path

import numpy as np

from extrapcli.backends.base import check_context
from extrapcli.errors import UnusableModel
from extrapcli.spec import ModelSpec


class RepeatBackend:
    """Plays the last horizon of the context again. Its model file is a spec and nothing else."""

    name = "repeat"
    suffixes = (".repeat",)

    def __init__(self, path, *, device, threads):
        try:
            self.spec = ModelSpec.from_json(Path(path).read_text())
        except (UnicodeDecodeError, UnusableModel) as error:
            raise UnusableModel(f"{path}: {error}") from None
        self.device = "cpu"

    def run(self, context):
        check_context(self.spec, context)
        return {"frames": context[:, -self.spec.horizon_frames :].astype(np.float32)}
'''


@pytest.fixture(scope="session")
def third_backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that, on the path, is an installed package with a backend of its own."""
    site = tmp_path_factory.mktemp("site")
    (site / "extrap_repeat.py").write_text(PLUGIN)
    info = site / "extrap_repeat-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extrap-repeat\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[extrap.backends]\nrepeat = extrap_repeat:RepeatBackend\n")
    return site


@pytest.fixture
def installed(third_backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(third_backend)
    monkeypatch.delitem(sys.modules, "extrap_repeat", raising=False)
