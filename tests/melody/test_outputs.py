"""The sound and scores that `extrap melody` writes, and what it refuses to write."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from extrapcli.audio.decode import decode
from extrapcli.errors import MissingDependency, UsageError
from extrapcli.melody.encoding import Note, Tune
from extrapcli.melody.keys import Key
from extrapcli.melody.outputs import Outputs, prepare, write
from tests.conftest import EXTRAP, Extrap
from tests.melody.tunes import only_tune, read_tune

SEED = "67 _ 67 _ 65 _ 64 _"
TUNE = Tune("", (Note(67, 4), Note(64, 4)), "4/4")


@pytest.fixture
def melody(extrap: Extrap, tune_model: Path) -> Extrap:
    """`extrap melody` with the arguments that all tests share."""
    return partial(extrap, "melody", "--seed", SEED, "--model", tune_model, "--bars", "4", "-q")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_one_tune_is_midi_sound_and_score(melody: Extrap, tmp_path: Path) -> None:
    ran = melody("-o", "t.mid", "--score", "t.musicxml", "--audio", "t.flac", "--key", "Eb", "--tempo", "90")
    assert ran.lines == ["t.mid", "t.flac", "t.musicxml"]
    assert ran.stderr == ""
    midi, score = only_tune(tmp_path / "t.mid"), read_tune(tmp_path / "t.musicxml")
    assert isinstance(midi, Tune)
    assert (score.notes, score.metre) == (midi.notes, "4/4")
    assert ET.parse(tmp_path / "t.musicxml").findtext(".//fifths") == "-3"
    song = decode(tmp_path / "t.flac")
    assert midi.steps / 4 * 60 / 90 <= song.seconds <= midi.steps / 4 * 60 / 90 + 6
    assert 0.5 < np.abs(song.samples).max() < 0.8
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    melody("-o", "t.mid", "--score", "t.musicxml", "--audio", "t.flac", "--key", "Eb", "--tempo", "90", "--overwrite")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.slow
def test_midi_on_standard_output_goes_with_other_files(melody: Extrap, tmp_path: Path) -> None:
    ran = melody("-o", "-", "--score", "T.SVG", "--audio", "t.ogg")
    assert ran.stdout.startswith(b"MThd")
    assert ran.stdout.endswith(b"\xff\x2f\x00")
    assert names(tmp_path) == ["T.SVG", "t.ogg"]
    assert ET.parse(tmp_path / "T.SVG").getroot().tag.endswith("svg")


@pytest.mark.slow
def test_a_score_has_the_title_and_the_upbeat_of_its_seed(extrap: Extrap, tune_model: Path, tmp_path: Path) -> None:
    (tmp_path / "waltz.abc").write_text("X:1\nT: A Waltz\nM: 3/4\nL: 1/8\nK: G\nD2 | G2B2d2 | d2B2G2 |\n")
    extrap("melody", "--seed", "waltz.abc", "--model", tune_model, "--score", "w.musicxml", "-o", "w.mid", "-q")
    score = ET.parse(tmp_path / "w.musicxml")
    assert score.findtext(".//work-title") == "A Waltz"
    assert score.findtext(".//beats") == "3"
    assert [measure.get("number") for measure in score.iter("measure")][:2] == ["0", "1"]
    assert read_tune(tmp_path / "w.musicxml").upbeat == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("--audio", "t.xyz"), 2, "t.xyz: sound is written as .wav, .wave, .flac"),
        (("--audio", "track"), 2, "a name without a suffix"),
        (("--audio", "-"), 2, "sound is written as"),
        (("--score", "t.pdf"), 2, "t.pdf: a score is written as .svg, .musicxml, not '.pdf'"),
        (("-o", "t.wav"), 2, "t.wav: MIDI is written as .mid, .midi, not '.wav'"),
        (("--soundfont", "font.sf2"), 2, "; name a file for it with --audio PATH"),
        (("--audio", "t.wav", "--soundfont", "gone.sf2"), 3, "gone.sf2: cannot be read"),
        (("--audio", "t.wav", "--soundfont", "old.svg"), 3, "old.svg: not an .sf2 sound font"),
        (("--audio", "old.wav"), 6, "old.wav: exists already"),
        (("--score", "old.svg"), 6, "old.svg: exists already"),
        (("--score", "folder.svg", "--overwrite"), 6, "folder.svg: is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    args: tuple[str, ...], status: int, says: str, extrap: Extrap, tmp_path: Path
) -> None:
    """The model does not exist either, which would be the error if it were looked for first."""
    (tmp_path / "old.wav").write_text("precious")
    (tmp_path / "old.svg").write_text("precious")
    (tmp_path / "folder.svg").mkdir()
    before = names(tmp_path)
    ran = extrap("melody", "--seed", SEED, "--model", "nowhere/model.onnx", *args, status=status)
    assert says in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stdout == b""
    assert names(tmp_path) == before
    assert (tmp_path / "old.wav").read_text() == (tmp_path / "old.svg").read_text() == "precious"


@pytest.mark.parametrize("name", ["t.musicxml", "./t.musicxml", "sub/../t.musicxml"])
def test_two_outputs_of_one_name_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    both = Outputs(tmp_path / "t.mid", audio=tmp_path / "t.mp4", score=tmp_path / name)
    assert prepare(both)
    (tmp_path / "t.mp4").symlink_to("t.musicxml")
    with pytest.raises(UsageError, match="is named for two outputs"):
        prepare(both)


@pytest.mark.slow
@pytest.mark.parametrize(
    "args",
    [("-o", "no/t.mid"), ("-o", "t.mid", "--audio", "no/t.wav"), ("--audio", "t.wav", "--score", "no/t.svg")],
)
def test_a_missing_folder_leaves_nothing_written(args: tuple[str, ...], melody: Extrap, tmp_path: Path) -> None:
    ran = melody(*args, status=6)
    assert f"{args[-1]}: cannot be written: No such file or directory" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert names(tmp_path) == []


def test_a_folder_without_permission_exits_6(melody: Extrap, tmp_path: Path) -> None:
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("folders can't be closed to this user")
    (tmp_path / "closed").mkdir(mode=0o500)
    ran = melody("-o", "closed/t.mid", status=6)
    assert "closed/t.mid: cannot be written: Permission denied" in ran.stderr
    assert names(tmp_path) == ["closed"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "room", "fails"),
    [((), 100, "t.mid"), (("--audio", "t.flac"), 5000, "t.flac"), (("--score", "t.svg"), 5000, "t.svg")],
)
def test_a_full_disk_exits_6_and_leaves_nothing(
    args: tuple[str, ...], room: int, fails: str, tune_model: Path, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    done = subprocess.run(
        [EXTRAP, "melody", "--seed", SEED, "--model", tune_model, "--bars", "4", "-q", "-o", "t.mid", *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert done.returncode == 6, done.stderr
    assert f"{fails}: cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == []


def test_a_tune_too_long_for_sound_leaves_nothing_written(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path / "t.mid", audio=tmp_path / "t.wav", score=tmp_path / "t.svg")
    long = Tune("", (Note(67, 16),) * 800, "4/4")
    with pytest.raises(UsageError, match="lasts 320 minutes"):
        write(outputs, long, Key(0), tempo=10, font=prepare(outputs), source=tmp_path / "seed.mid")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("package", "wanted"),
    [("music21", "t.musicxml"), ("verovio", "t.svg"), ("midirenderer", "t.wav"), ("pretty_midi", "t.wav")],
)
def test_a_missing_package_is_named_with_the_pip_command(
    package: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / wanted
    outputs = Outputs(tmp_path / "t.mid", **{"audio" if wanted == "t.wav" else "score": path})  # type: ignore[arg-type]
    with pytest.raises(MissingDependency, match=rf'{package}: pip install "extrapcli\[melody\]"'):
        prepare(outputs)


def test_libraries_for_sound_and_scores_are_loaded_only_when_needed(tune_model: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from extrapcli.melody.pipeline import MelodyOptions, write_tune;"
        "from extrapcli.melody.outputs import Outputs;"
        f"outputs = Outputs(Path({str(tmp_path / 't.mid')!r}));"
        f"write_tune({SEED!r}, outputs, MelodyOptions(bars=2, model={str(tune_model)!r}));"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"music21", "verovio", "midirenderer", "pretty_midi", "soundfile", "av"} & set(done.stdout.split())
    write(Outputs(tmp_path / "u.mid"), TUNE, Key(0), tempo=100, font=b"", source=tmp_path / "seed.mid")
