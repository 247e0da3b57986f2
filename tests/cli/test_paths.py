"""Every place that a path can lead to: links, pipes, devices, odd names, closed streams, readers that leave."""

import json
import os
import shlex
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.batch.soak import RATE, song
from tests.conftest import EXTRAP, Extrap

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such paths there")
LENGTH = ("--minutes", "0:05", "-q")


@pytest.fixture(autouse=True)
def short(tmp_path: Path, rng: np.random.Generator) -> Path:
    soundfile.write(tmp_path / "s.wav", song(rng, 2.0), RATE)
    return tmp_path / "s.wav"


def shell(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script of bash, in which `extrap` is the command and $LENGTH the usual options."""
    begin = (
        f'set -o pipefail; LENGTH={shlex.quote(" ".join(LENGTH))}; extrap() {{ {shlex.quote(str(EXTRAP))} "$@"; }}\n'
    )
    done = subprocess.run(
        ["bash", "-c", begin + script],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done


def frames(path: Path) -> int:
    with path.open("rb") as file:  # whose name libsndfile need not be able to write
        counted: int = soundfile.info(file).frames
    return counted


@pytest.mark.slow
def test_a_track_is_written_through_links(extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "link.flac").symlink_to("real.flac")
    extrap("continue", "s.wav", *LENGTH, "-o", "link.flac")
    assert (tmp_path / "link.flac").is_symlink()
    assert frames(tmp_path / "real.flac") == 5 * RATE
    (tmp_path / "real.flac").write_bytes(b"precious")
    assert "exists already" in extrap("continue", "s.wav", *LENGTH, "-o", "link.flac", status=6).stderr
    assert (tmp_path / "real.flac").read_bytes() == b"precious"
    extrap("predict", "s.wav", "-q", "-o", "link.flac", "--overwrite")
    assert (tmp_path / "link.flac").is_symlink()
    assert frames(tmp_path / "real.flac") > 2 * RATE


@pytest.mark.slow
def test_a_pipe_takes_the_track_and_gives_the_song(extrap: Extrap, tmp_path: Path) -> None:
    extrap("continue", "s.wav", *LENGTH, "-o", "track.wav")
    for name in ("in", "out"):
        os.mkfifo(tmp_path / name)
    read: list[bytes] = []
    ends = [
        threading.Thread(target=lambda: (tmp_path / "in").write_bytes((tmp_path / "s.wav").read_bytes())),
        threading.Thread(target=lambda: read.append((tmp_path / "out").read_bytes())),
    ]
    for end in ends:
        end.start()
    extrap("continue", "in", *LENGTH, "-o", "out")
    for end in ends:
        end.join(60)
    assert read == [(tmp_path / "track.wav").read_bytes()]
    assert stat.S_ISFIFO((tmp_path / "out").stat().st_mode)


def test_process_substitution(tmp_path: Path) -> None:
    done = shell("extrap continue <(cat s.wav) $LENGTH -o >(cat > track.wav) && wait $!", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert frames(tmp_path / "track.wav") == 5 * RATE


def test_a_pipe_has_no_place_beside_it(tmp_path: Path) -> None:
    done = shell("extrap continue <(cat s.wav) $LENGTH", tmp_path)
    assert done.returncode == 2
    assert b"-o PATH" in done.stderr


@pytest.mark.slow
def test_standard_output_by_its_other_names_gets_nothing_but_the_track(extrap: Extrap, tmp_path: Path) -> None:
    extrap("continue", "s.wav", *LENGTH, "-o", "track.wav")
    done = shell("(printf before; extrap continue s.wav $LENGTH -o /dev/stdout; printf after) > both", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "both").read_bytes() == b"before" + (tmp_path / "track.wav").read_bytes() + b"after"
    assert "both want" in extrap("continue", "s.wav", "-o", "/dev/stdout", "--json", status=2).stderr


@pytest.mark.slow
def test_a_tune_goes_to_pipes_and_devices(tmp_path: Path) -> None:
    seed = '--seed "67 _ 67 _ 65 _ 64 _" -q'
    done = shell(f"extrap melody {seed} -o /dev/stdout --audio /dev/null | head -c 4", tmp_path)
    assert done.stdout == b"MThd"
    assert done.returncode in (0, 141)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.wav"]


@pytest.mark.parametrize(
    "command", ["models", "--help", "continue s.wav --minutes 0:05 -q -o -", "info s.wav", "continue gone.wav"]
)
def test_a_reader_that_has_left_ends_the_command_quietly(command: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [EXTRAP, *command.split()], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    os.close(writing)
    if "gone" in command:
        assert done.returncode == 3  # nothing was to be written there
    else:
        assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["models", "--help", "continue s.wav --minutes 0:05 -q -o -"])
def test_standard_output_without_room_is_said(command: str, tmp_path: Path) -> None:
    done = shell(f"extrap {command} > /dev/full", tmp_path)
    assert done.returncode == 6
    assert b"No space left" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.slow
def test_closed_streams_are_done_without(tmp_path: Path) -> None:
    done = shell("extrap continue s.wav $LENGTH -o all.flac <&- >&- 2>&-", tmp_path)
    assert done.returncode == 0
    assert frames(tmp_path / "all.flac") == 5 * RATE
    done = shell("extrap continue s.wav $LENGTH -o - >&-", tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    done = shell("extrap continue - $LENGTH -o new.flac <&-", tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert shell("extrap continue gone.wav 2>&-", tmp_path).returncode == 3


@pytest.mark.slow
def test_a_terminal_is_neither_song_nor_track(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    for args in (("-", "-o", "t.flac"), ("s.wav", "-o", "-"), ("s.wav", "-o", "/dev/stdout")):
        done = subprocess.run(
            [EXTRAP, "continue", *args, *LENGTH], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE
        )
        assert done.returncode == 2
        assert b"is a terminal" in done.stderr
    os.close(theirs)
    os.close(ours)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_no_song(device: str, extrap: Extrap) -> None:
    assert "a device, not a file" in extrap("continue", device, *LENGTH, "-o", "t.flac", status=3).stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("Mr. Bungle - 01", "Mr. Bungle - 01-0m05s.wav"),
        ("vol.2", "vol.2-0m05s.wav"),
        ("dots. . .wav", "dots. . -0m05s.wav"),
        ("space .wav ", "space .wav -0m05s.wav"),
        ("two\nlines.wav", "two\nlines-0m05s.wav"),
        ("-q.wav", "-q-0m05s.wav"),
        (os.fsdecode(b"\xff\xfe.wav"), os.fsdecode(b"\xff\xfe-0m05s.wav")),
    ],
)
def test_tracks_of_songs_with_odd_names(name: str, track: str, short: Path) -> None:
    short.rename(short.with_name(name))
    done = subprocess.run([EXTRAP, "continue", *LENGTH, "--", name], cwd=short.parent, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, os.fsencode(track) + b"\n", b"")
    assert frames(short.with_name(track)) == 5 * RATE


@pytest.mark.slow
def test_a_name_with_dots_is_no_format(extrap: Extrap, tmp_path: Path) -> None:
    for name in ("track.v2", "No. 5", "end."):
        assert extrap("continue", "s.wav", *LENGTH, "-o", name).lines == [name]
        assert soundfile.info(tmp_path / name).format == "WAV"
    assert "no format is called '.wma'" in extrap("continue", "s.wav", *LENGTH, "-o", "t.wma", status=2).stderr


@pytest.mark.slow
def test_a_long_name_is_shortened_in_its_middle(extrap: Extrap, short: Path) -> None:
    begin, end = "é" * 60, "x" * 125 + "1"
    short.rename(short.with_name(f"{begin}{end}.wav"))
    (line,) = extrap("continue", f"{begin}{end}.wav", *LENGTH).lines
    assert len(line.encode()) == 250
    assert line.startswith("é" * 50)
    assert line.endswith("x1-0m05s.wav")
    assert frames(short.with_name(line)) == 5 * RATE
    assert "too long" in extrap("continue", f"{begin}{end}.wav", *LENGTH, "-o", "y" * 256, status=6).stderr
    assert "too long" in extrap("continue", "y" * 256, *LENGTH, status=3).stderr


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_streams_of_other_encodings_take_every_name(encoding: str, short: Path) -> None:
    name = "é😀" + os.fsdecode(b"\xff") + ".wav"
    short.rename(short.with_name(name))
    for args in (("info", name), ("continue", name, *LENGTH, "--overwrite"), ("info", f"no {name}")):
        done = subprocess.run(
            [EXTRAP, *args], cwd=short.parent, env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True
        )
        assert done.returncode == (3 if "no " in args[1] else 0), done.stderr
        assert b"bug" not in done.stderr
        assert done.stdout if done.returncode == 0 else done.stderr


def test_the_json_of_any_name_is_ascii(extrap: Extrap, short: Path) -> None:
    name = os.fsdecode(b"\xff.wav")
    short.rename(short.with_name(name))
    facts = json.loads(extrap("continue", name, *LENGTH, "--json").stdout)
    assert facts["track"] == os.fsdecode(b"\xff-0m05s.wav")


def test_only_a_dash_itself_is_a_standard_stream(extrap: Extrap, short: Path) -> None:
    short.rename(short.with_name("-"))
    extrap("continue", "./-", *LENGTH, "--format", "flac")
    assert frames(short.with_name("--0m05s.flac")) == 5 * RATE
    extrap("continue", "./--0m05s.flac", "--minutes", "0:06", "-q", "--format", "wav", "-o", "./-", "--overwrite")
    assert frames(short.with_name("-")) == 6 * RATE


@pytest.mark.parametrize("arguments", [("", "-o", "x.wav"), ("s.wav", "-o", "")])
def test_an_empty_name_is_no_path(arguments: tuple[str, ...], extrap: Extrap) -> None:
    assert "the name of a file is empty" in extrap("continue", *arguments, status=2).stderr


def test_an_address_is_no_file(extrap: Extrap) -> None:
    assert "extrap downloads nothing" in extrap("continue", "https://example.com/a.mp3", "-o", "x", status=3).stderr


def test_a_track_goes_into_no_descriptor_that_a_library_opens(tmp_path: Path) -> None:
    done = shell("for n in {3..8}; do extrap continue s.wav $LENGTH --format wav -o /dev/fd/$n; done", tmp_path)
    assert done.stderr.count(b"nothing is open there") == 6


def test_a_folder_that_was_removed_is_said(tmp_path: Path) -> None:
    done = shell("mkdir gone; cd gone; rmdir ../gone; extrap batch . out", tmp_path)
    assert (done.returncode, done.stderr) == (2, b"extrap: the current folder was removed; change to another one\n")


@pytest.mark.skipif(hasattr(os, "getuid") and not os.getuid(), reason="root may enter everything")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("continue locked/s.wav -o x.wav", 3),
        ("continue s.wav -o locked/x/", 6),
        ("continue s.wav --model locked/model -o x.wav", 4),
        ("batch . locked/out", 2),
        ("info locked/model", 4),
        ("info locked/s.wav", 3),
        ("export locked/run", 2),
    ],
)
def test_what_may_not_be_entered_is_said(command: str, status: int, extrap: Extrap, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o000)
    assert extrap(*command.split(), status=status).stderr.startswith("extrap: locked")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are not listed")
def test_the_runtime_keeps_nothing_of_its_own(
    extrap: Extrap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    for name in ("HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    extrap("continue", "s.wav", *LENGTH, "-o", "x.wav")
    assert list((tmp_path / "home").iterdir()) == []
