"""Extrapolators are found by name, whoever wrote them: a complete package from outside, and what can be wrong."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile
from onnx import TensorProto, helper

import extrapcli
from extrapcli.backends import open_model
from extrapcli.errors import UnusableModel
from extrapcli.extrapolators import extrapolator_for, registered
from extrapcli.extrapolators.base import Style
from extrapcli.models import find_model
from extrapcli.spec import METADATA_KEY, EncoderSpec
from tests.conftest import Extrap, chord, install, lay_package

PACKAGE = Path(__file__).parent / "thirdparty"
RATE, MODEL_RATE = 22050, 4000


def write_model(path: Path, *, extrapolator: str = "boomerang", output: str = "gain") -> Path:
    """A model that gives the mean absolute value of its context."""
    context = helper.make_tensor_value_info("context", TensorProto.FLOAT, ["batch", "n", MODEL_RATE])
    gain = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 1])
    nodes = [
        helper.make_node("Abs", ["context"], ["absolute"]),
        helper.make_node("ReduceMean", ["absolute"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("ReduceMean", ["mean"], [output], axes=[1], keepdims=1),
    ]
    graph = helper.make_graph(nodes, "toy", [context], [gain])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    spec = EncoderSpec("toy", extrapolator, MODEL_RATE, {output: (1,)})
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed package; on the path, it is seen."""
    return install(PACKAGE, tmp_path_factory.mktemp("site"))


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.delitem(sys.modules, "extrap_boomerang", raising=False)


@pytest.mark.usefixtures("installed")
def test_the_command_continues_with_it(extrap: Extrap, song_wav: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    extrap("continue", song_wav, "--minutes", "0:15", "--ending", "cut", "--model", model, "-o", "track.wav")
    song, _ = soundfile.read(song_wav, dtype="float32")
    track, rate = soundfile.read(tmp_path / "track.wav", dtype="float32")
    assert (len(track), rate) == (15 * RATE, RATE)
    np.testing.assert_array_equal(track[: len(song)], song)
    gain = np.abs(song[-RATE:].mean(axis=1)).mean()
    for begin, sound in ((6, song[::-1]), (12, song[: 3 * RATE])):
        np.testing.assert_allclose(track[begin * RATE :][: len(sound)], gain * sound, atol=0.01 * gain)


@pytest.mark.usefixtures("installed")
def test_the_api_streams_with_it(tmp_path: Path) -> None:
    model = extrapcli.load(str(write_model(tmp_path / "model.onnx")))
    song = chord(2, RATE, 1)[:, 0]
    stream = np.concatenate(list(islice(model.stream(song, RATE), 50)))
    assert len(stream) > 60 * RATE
    np.testing.assert_allclose(stream[4 * RATE : 6 * RATE], stream[8 * RATE : 10 * RATE])


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
def test_styles_and_models_that_it_cannot_work_with_are_refused(
    extrap: Extrap, song_wav: Path, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model.onnx")
    asked = ("continue", song_wav, "--minutes", "0:15", "--model", model)
    assert "a boomerang has no ending of its own" in extrap(*asked, "--ending", "song", status=2).stderr
    write_model(model, output="loudness")
    needs = "model toy does not give gain, which the extrapolator 'boomerang' needs; export it again"
    assert needs in extrap(*asked, status=4).stderr


@pytest.mark.usefixtures("installed")
def test_it_is_registered_beside_ours() -> None:
    assert set(registered()) == {"amplitude", "boomerang", "compose", "recall", "waveform"}


def test_one_that_is_not_installed_is_named_with_those_that_are(
    extrap: Extrap, song_wav: Path, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "model.onnx")
    told = extrap("continue", song_wav, "--minutes", "0:15", "--model", model, status=4).stderr
    assert "model toy needs the extrapolator 'boomerang', which is not installed" in told
    assert "there are amplitude, compose, recall, waveform" in told


BROKEN = "[extrap.extrapolators]\nbroken = extrap_broken:Broken\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import a_package_that_is_absent", "No module named 'a_package_that_is_absent'"),
        ("raise RuntimeError('wrong\\nphase of the moon')", "wrong; install extrap-broken again"),
        ("", "has no attribute 'Broken'"),
        ("Broken = int", "has no attribute 'needs'; tell its authors"),
        ("class Broken:\n    needs = frozenset()", "takes no arguments; tell its authors"),
        (
            "class Broken:\n    needs = frozenset()\n    def __init__(self, *_): raise OSError('no licence')",
            "no licence; tell its authors",
        ),
    ],
)
def test_one_that_can_t_be_used_is_named_with_its_package(
    code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_package(tmp_path, "extrap_broken", code, BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "extrap_broken", raising=False)
    backend = open_model(write_model(tmp_path / "model.onnx", extrapolator="broken"))
    with pytest.raises(UnusableModel, match="the extrapolator 'broken'") as error:
        extrapolator_for(backend, Style())
    assert told in str(error.value)
    assert "extrap-broken" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ("raise KeyError('a\\nkey')", "Broken fails: 'a\\nkey'; tell its authors"),
        ("yield None", "gives None, which is no Block; tell its authors"),
        ("yield Block(len(song.samples), np.zeros(9999999), 0)", "(9999999,), not (n, 2); tell its authors"),
        ("yield Block(len(song.samples), np.full((9999999, 2), np.nan), 0)", "not a number; tell its authors"),
        ("yield Block(9999999, np.zeros((9999999, 2)), 0)", "not within the one before it; tell its authors"),
        ("yield from ()", "stopped after"),
    ],
)
def test_one_that_fails_at_work_is_not_called_our_bug(
    blocks: str, told: str, extrap: Extrap, song_wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import numpy as np\nfrom extrapcli.extrapolators.base import Block\n"
        "class Broken:\n    needs = frozenset()\n    def __init__(self, *_): pass\n"
        f"    def blocks(self, song, analysis, wanted):\n        {blocks}\n"
    )
    (tmp_path / "site").mkdir()
    lay_package(tmp_path / "site", "extrap_broken", code, BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    model = write_model(tmp_path / "model.onnx", extrapolator="broken")
    said = extrap("continue", song_wav, "--minutes", "0:15", "--model", model, "-q", "-o", "t.wav", status=4).stderr
    assert told in said
    assert "song.wav: " in said
    assert said.count("\n") == 1
    assert not (tmp_path / "t.wav").exists()


def test_a_package_cannot_replace_one_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_package(tmp_path, "extrap_thief", "", "[extrap.extrapolators]\nrecall = extrap_thief:Recall\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert registered()["recall"].value == "extrapcli.extrapolators.recall:Recall"


def test_only_the_one_that_is_used_is_imported() -> None:
    script = (
        "import sys, pathlib; from extrapcli.backends import open_model; "
        "from extrapcli.extrapolators import extrapolator_for; from extrapcli.extrapolators.base import Style; "
        "extrapolator_for(open_model(pathlib.Path(sys.argv[1])), Style()); "
        "print(*(name for name in sys.modules if name.startswith('extrapcli.extrapolators.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, find_model("amplitude")], capture_output=True, text=True, check=True
    )
    needed = ("amplitude", "base", "fading")
    assert set(done.stdout.split()) == {f"extrapcli.extrapolators.{name}" for name in needed}
