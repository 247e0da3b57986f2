"""What other packages register, and what of it is broken: it is named, and the rest goes on."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import Extrap, chord, lay_package
from tests.extrapolators.test_thirdparty import write_model

SOUND = """
from extrapcli.backends.base import Backend, LoadedModel
from extrapcli.spec import WaveformSpec

class Sound(Backend):
    name, suffixes = "sound", (".sound",)
    def load(self, path, *, device, threads):
        spec = WaveformSpec("sound", "waveform", sample_rate=2000, context_frames=2, horizon_frames=1)
        return LoadedModel(spec.to_json(), lambda inputs: {"frames": inputs["context"][:, -1:]})

class Abstract(Backend):
    name, suffixes = "abstract", (".sound",)

class Nameless(Backend):
    def load(self, path, *, device, threads):
        raise SystemExit(3)

class Leaves(Sound):
    def load(self, path, *, device, threads):
        raise SystemExit("it leaves")

class Tells(Sound):
    def load(self, path, *, device, threads):
        return "a model"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.mark.slow
def test_doctor_goes_on_whatever_is_registered(
    extrap: Extrap, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "sound Sound, abstract Abstract, nameless Nameless, leaves Leaves, tells Tells, absent Absent, onnx Sound"
    points = "\n".join(f"{name} = sounds:{of}" for name, of in (pair.split() for pair in names.split(", ")))
    lay_package(
        site, "sounds", SOUND, f"[extrap.backends]\n{points}\nwrong = 1:2:3\n[extrap.extrapolators]\nno = sounds:No"
    )
    lay_package(site, "zleaving", "raise SystemExit(0)", "[extrap.backends]\nends = zleaving:It\nsound = sounds:No\n")
    lay_package(site, "nameless", "import nothing_of_this_name", "[extrap.backends]\nunnamed = nameless:It\n")
    lay_package(site, "unreadable", "", "[extrap.backends]\nno equals sign\n")
    (site / "nameless-1.0.dist-info" / "METADATA").unlink()
    for model in ("first", "second"):
        (tmp_path / "models" / model).mkdir(parents=True)
        (tmp_path / "models" / model / "model.sound").write_text("")
        (tmp_path / "models" / model / "card.json").write_text("{")
    monkeypatch.setenv("EXTRAP_MODELS", f"{tmp_path / 'models'}:{tmp_path / 'gone'}")
    told = extrap("doctor").stdout.decode()
    for part in (
        "backend onnx on cpu: works",
        "backend sound on cpu: works",
        'backend unnamed: no: the unnamed backend needs nothing_of_this_name: pip install "nothing_of_this_name"',
        "backend abstract: no: the abstract backend has no method load",
        "backend nameless: no: the nameless backend must have a tuple of texts as its suffixes",
        "backend leaves on cpu: no: ",
        "it leaves",
        "gives no LoadedModel; tell its authors",
        "backend absent: no: the absent backend does not load",
        "backend wrong: no: the wrong backend does not load",
        "backend ends: no: the ends backend does not load",
        "backend onnx of the package sounds: no: the name is taken",
        "backend sound of the package zleaving: no: the name is taken",
        "extrapolator no: no: the extrapolator 'no' does not load",
        "extrapolator recall: loads",
        "format flac: reads and writes",
        "EXTRAP_MODELS: ",
        "there is no such folder",
    ):
        assert part in told


FAILS = """
class Fails:
    needs = frozenset()
    def __init__(self, backend, style): {begin}
    def blocks(self, song, analysis, wanted): {blocks}
"""


@pytest.mark.parametrize(
    ("begin", "blocks", "told"),
    [
        ("raise ValueError('no luck')", "", "can't be used: no luck; tell its authors"),
        ("pass", "raise ZeroDivisionError('by nothing')", "fails: by nothing; tell its authors"),
        ("pass", "raise SystemExit(0)", "fails: 0; tell its authors"),
        ("pass", "return iter(['sound'])", "fails: it gives 'sound', which is no Block"),
    ],
)
def test_an_extrapolator_that_fails_is_not_our_bug(
    begin: str, blocks: str, told: str, extrap: Extrap, site: Path, tmp_path: Path
) -> None:
    lay_package(
        site, "fails", FAILS.format(begin=begin, blocks=blocks or "pass"), "[extrap.extrapolators]\nf = fails:Fails"
    )
    model = write_model(tmp_path / "model.onnx", extrapolator="f")
    soundfile.write(tmp_path / "song.wav", chord(2, 8000, 1).astype(np.float32), 8000)
    ran = extrap("continue", "song.wav", "--minutes", "0:05", "--model", model, "-q", "-o", "t.wav", status=4)
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "t.wav").exists()
