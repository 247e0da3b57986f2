"""`extrap continue` as a user runs it."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import mutagen
import mutagen.id3
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from extrapcli.analysis import Analysis
from extrapcli.analysis.beats import BarBeat
from extrapcli.audio.decode import decode
from tests.conftest import EXTRAP, SONG, Extrap, chord

pytestmark = pytest.mark.usefixtures("song_wav")

BEATEN = SONG.parent / "clips" / "ivory-tower.opus"  # has a clear pulse


def samples(path: Path) -> NDArray[np.int16]:
    read: NDArray[np.int16] = soundfile.read(path, dtype="int16", always_2d=True)[0]
    return read


@pytest.mark.slow
def test_a_real_song_with_the_shipped_model(extrap: Extrap, tmp_path: Path) -> None:
    ran = extrap("continue", SONG, "--minutes", "1", "-o", tmp_path / "track.flac")
    assert ran.lines == [str(tmp_path / "track.flac")]
    song, rate = soundfile.read(SONG, dtype="float32")
    track, track_rate = soundfile.read(tmp_path / "track.flac", dtype="float32")
    assert track_rate == rate
    assert len(track) == 60 * rate
    head = len(song) - round(0.5 * rate)
    np.testing.assert_allclose(track[:head], song[:head], atol=1e-5)  # two MP3 decoders differ by rounding
    assert np.isfinite(track).all()
    assert track[len(song) :].std() > 0.1 * song.std()


def test_the_head_is_bit_exact_and_the_rest_is_new_sound(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    extrap("continue", "song.wav", "--minutes", "0:20", "--model", tiny_model, "--crossfade", "0.25")
    song, track = samples(tmp_path / "song.wav"), samples(tmp_path / "song-0m20s.wav")
    assert len(track) == 20 * 22050
    head = len(song) - round(0.25 * 22050)
    np.testing.assert_array_equal(track[:head], song[:head])
    assert track[len(song) :].any()


@pytest.mark.slow
@pytest.mark.parametrize("format", ["wav", "flac", "ogg", "opus", "mp3", "m4a"])
def test_every_format_beside_the_song(format: str, extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", chord(5, 48000, 2), 48000)
    ran = extrap("continue", "s.wav", "--minutes", "0:12", "--model", tiny_model, "--format", format)
    assert ran.lines == [f"s-0m12s.{format}"]
    described = extrap("info", f"s-0m12s.{format}").stdout.decode()
    assert f"length: 12.000 s ({12 * 48000} samples)" in described
    assert "channels: 2" in described


def test_tags_are_kept_and_what_cannot_be_is_said(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    extrap("continue", "song.wav", "--minutes", "0:15", "--model", tiny_model, "-o", "song.mp3")
    tag = mutagen.id3.ID3()
    for frame in (
        mutagen.id3.TIT2(3, ["Tune"]),
        mutagen.id3.TSOP(3, ["The"]),
        mutagen.id3.COMM(0, "eng", "iTunNORM", [" 0000045E 000003B1 00003A5C 00003D1B"]),
        mutagen.id3.PRIV("someone", b"1"),
        mutagen.id3.APIC(0, "JPG", 3, "", b"\xff\xd8\xff" + bytes(2**24)),
    ):
        tag.add(frame)
    tag.save(tmp_path / "song.mp3", v2_version=3)
    ran = extrap("continue", "song.mp3", "--minutes", "0:20", "--model", tiny_model, "-o", "track.flac")
    assert ran.stderr.splitlines() == [
        "extrap: song.mp3: a picture of 16.8 MB was left out: flac holds at most 16.8 MB",
        "extrap: song.mp3: tags that flac has no place for were left out: PRIV",
    ]
    assert dict(mutagen.File(tmp_path / "track.flac").tags) == {"title": ["Tune (continued)"], "artistsort": ["The"]}
    ran = extrap("continue", "song.mp3", "--minutes", "0:20", "--model", tiny_model, "-o", "track.mp3")
    assert not ran.stderr
    assert sorted(mutagen.File(tmp_path / "track.mp3").tags) == ["APIC:", "PRIV:someone:1", "TIT2", "TSOP"]


def test_several_songs_don_t_go_into_one_track(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    ran = extrap(
        "continue", "song.wav", "song.wav", "--add", "0:05", "-o", "track.mp3", "--model", tiny_model, status=2
    )
    assert "track.mp3: is named like one track" in ran.stderr
    assert not (tmp_path / "track.mp3").exists()


def test_add_counts_from_the_end_of_the_song(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    extrap("continue", "song.wav", "--add", "0:05", "--model", tiny_model)
    assert len(samples(tmp_path / "song-0m11s.wav")) == 11 * 22050


def test_a_song_long_enough_already_is_a_usage_error(extrap: Extrap, tiny_model: Path) -> None:
    ran = extrap("continue", "song.wav", "--minutes", "0:05", "--model", tiny_model, status=2)
    assert "lasts 0m06s already" in ran.stderr
    assert "--add" in ran.stderr


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "nan", "inf", "1:60", "1:2:3:4", "3:-1"])
def test_lengths_that_are_none(text: str, extrap: Extrap) -> None:
    extrap("continue", "song.wav", f"--minutes={text}", status=2)


def test_minutes_and_add_exclude_each_other(extrap: Extrap) -> None:
    assert "exclude" in extrap("continue", "song.wav", "--minutes", "3", "--add", "2", status=2).stderr


def test_json_and_sound_do_not_mix_on_standard_output(extrap: Extrap) -> None:
    assert "both want" in extrap("continue", "song.wav", "-o", "-", "--json", status=2).stderr


@pytest.mark.slow
def test_json_has_the_bar_and_the_beat_of_every_jump(extrap: Extrap) -> None:
    beats = Analysis(decode(BEATEN)).beats
    ran = extrap("continue", BEATEN, "--minutes", "1:20", "-o", "track.wav", "--device", "cpu", "--json")
    jumps = [join["jump"] for join in json.loads(ran.stdout)["joins"]]
    assert len(jumps) > 2
    for jump in jumps:
        for end in ("from", "to"):
            assert beats.place(jump[f"{end}_seconds"]) == BarBeat(**jump[f"{end}_beat"])


def test_json_tells_how_the_track_was_made(extrap: Extrap, tiny_model: Path) -> None:
    ran = extrap("continue", "song.wav", "--minutes", "0:12", "--model", tiny_model, "--json", "--seed", "3")
    facts = json.loads(ran.stdout)
    assert facts["track"] == "song-0m12s.wav"
    assert facts["samples"] == 12 * 22050
    assert facts["seconds"] == 12
    assert facts["song_samples"] == 6 * 22050
    assert (facts["model"], facts["backend"], facts["device"], facts["seed"]) == ("tiny", "onnx", "cpu", 3)
    assert [j["seconds"] for j in facts["joins"]] == pytest.approx([5.5, 8.0, 10.5], abs=1e-3)


def test_the_same_command_gives_the_same_bytes(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a.flac", "b.flac"):
        extrap("continue", "song.wav", "--minutes", "0:20", "--model", tiny_model, "-o", name)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


@pytest.mark.slow
def test_both_backends_by_name(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    for backend in ("onnx", "tensorflow"):
        ran = extrap(
            "continue", "song.wav", "--minutes", "0:09", "--model", tiny_model, "--backend", backend,
            "-o", f"{backend}.wav", "--json", "--threads", "1", "--device", "cpu",
        )  # fmt: skip
        assert json.loads(ran.stdout)["backend"] == backend
        assert ran.stderr == ""
    one, two = samples(tmp_path / "onnx.wav"), samples(tmp_path / "tensorflow.wav")
    assert np.abs(one.astype(int) - two).max() <= 32


@pytest.mark.slow
def test_standard_input_to_standard_output(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    extrap("continue", "song.wav", "--minutes", "0:12", "--model", tiny_model)
    song = (tmp_path / "song.wav").read_bytes()
    ran = extrap("continue", "-", "-o", "-", "--minutes", "0:12", "--model", tiny_model, stdin=song)
    assert ran.stdout == (tmp_path / "song-0m12s.wav").read_bytes()


def test_standard_input_without_a_place_for_the_track(extrap: Extrap) -> None:
    assert "-o" in extrap("continue", "-", stdin=b"", status=2).stderr


@pytest.mark.slow
def test_a_while_read_loop_loses_no_characters(tiny_model: Path, song_wav: Path) -> None:
    for name in ("one", "two", "three"):
        shutil.copy(song_wav, song_wav.with_name(f"{name}.wav"))
    script = f'while read -r name; do "{EXTRAP}" continue "$name" --minutes 0:09 --model "{tiny_model}"; done'
    done = subprocess.run(
        ["bash", "-c", script], input=b"one.wav\ntwo.wav\nthree.wav\n", cwd=song_wav.parent, capture_output=True
    )
    assert done.stdout.decode().split() == ["one-0m09s.wav", "two-0m09s.wav", "three-0m09s.wav"]


@pytest.mark.slow
def test_a_folder_and_again(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    (album / "disc 2").mkdir(parents=True)
    (album / "notes.txt").write_text("not a song")
    for name in ("a.wav", "disc 2/b.wav"):
        shutil.copy(tmp_path / "song.wav", album / name)
    command = ("continue", "album", "--minutes", "0:09", "--model", tiny_model)
    assert extrap(*command).lines == ["album/a-0m09s.wav", "album/disc 2/b-0m09s.wav"]
    assert extrap(*command, "--overwrite").lines == ["album/a-0m09s.wav", "album/disc 2/b-0m09s.wav"]
    assert extrap(*command, "-o", "out").lines == ["out/a-0m09s.wav", "out/disc 2/b-0m09s.wav"]


@pytest.mark.slow
def test_a_folder_keeps_its_subfolders_and_says_what_it_leaves_out(
    extrap: Extrap, tiny_model: Path, tmp_path: Path
) -> None:
    for name in ("album/one/song.wav", "album/two/song", "elsewhere/song.wav"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(tmp_path / "song.wav", tmp_path / name)
    (tmp_path / "album" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "album" / "two" / "up").symlink_to("..")
    (tmp_path / "album" / "gone").symlink_to("nowhere")
    command = ("continue", "album", "--minutes", "0:09", "--model", tiny_model)
    ran = extrap(*command)
    assert ran.lines == [f"album/{name}/song-0m09s.wav" for name in ("linked", "one", "two")]
    assert ran.stderr == "extrap: album: 1 left out: 1 broken link (gone)\n"
    for overwrite in ((), ("--overwrite",)):
        ran = extrap(*command, "-o", "album/out/", *overwrite)
        assert ran.lines == [f"album/out/{name}/song-0m09s.wav" for name in ("linked", "one", "two")]
        assert ran.stderr == "extrap: album: 4 left out: 3 made before, 1 broken link (gone)\n"
    assert extrap(*command, "--overwrite", "-o", "album/out/", "-q").stderr == ""


@pytest.mark.slow
def test_a_pipe_or_a_lost_song_in_a_folder_fails_alone(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "album").mkdir()
    shutil.copy(tmp_path / "song.wav", tmp_path / "album")
    os.mkfifo(tmp_path / "album" / "pipe.wav")
    (tmp_path / "album" / "lost.mp3").symlink_to("nowhere")
    ran = extrap("continue", "album", "--minutes", "0:09", "--model", tiny_model, status=7)
    assert ran.lines == ["album/song-0m09s.wav"]
    assert "album/pipe.wav: not a regular file" in ran.stderr
    assert "album/lost.mp3: cannot be read: No such file" in ran.stderr


def test_a_name_with_a_slash_is_a_folder(extrap: Extrap, tiny_model: Path) -> None:
    command = ("continue", "song.wav", "--minutes", "0:09", "--model", tiny_model, "-o", "new/folder/")
    assert extrap(*command).lines == ["new/folder/song-0m09s.wav"]


@pytest.mark.slow
def test_one_bad_song_of_several_fails_alone(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp3").write_text("no music")
    ran = extrap("continue", "bad.mp3", "song.wav", "gone.wav", "--minutes", "0:09", "--model", tiny_model, status=7)
    assert ran.lines == ["song-0m09s.wav"]
    assert "bad.mp3" in ran.stderr
    assert "gone.wav" in ran.stderr
    assert "2 of 3 songs failed" in ran.stderr


def test_two_songs_that_would_get_one_name(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path, tmp_path / "other")
    ran = extrap(
        "continue", "song.wav", "other/song.wav", "-o", "out", "--minutes", "0:09", "--model", tiny_model,
        "--overwrite", status=7,
    )  # fmt: skip
    assert len(ran.lines) == 1
    assert "was just written" in ran.stderr


@pytest.mark.slow
@pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="there is a GPU here")
def test_a_gpu_that_is_not_used_is_mentioned_once(
    extrap: Extrap, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = ("song.wav", "song.wav")
    command = ("continue", *songs, "--add", "0:03", "--model", tiny_model, "--overwrite", "-o", "out/")
    assert "CPU" not in extrap(*command, status=7).stderr
    driver = tmp_path / "driver" / "nvidia-smi"
    driver.parent.mkdir()
    driver.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(driver.parent), prepend=os.pathsep)
    assert extrap(*command, status=7).stderr.count("the model ran on the CPU") == 1
    for options in (("--quiet",), ("--device", "cpu")):
        assert "CPU" not in extrap(*command, *options, status=7).stderr


@pytest.mark.slow
def test_tags_are_kept_and_the_title_says_more(extrap: Extrap, tiny_model: Path, tmp_path: Path) -> None:
    extrap("continue", SONG, "--minutes", "0:40", "--model", tiny_model, "-o", "track.flac")
    before, after = (extrap("info", f).lines for f in (SONG, tmp_path / "track.flac"))
    title = next(line for line in before if line.startswith("title: "))
    assert f"{title} (continued)" in after
    for name in ("artist: ", "pictures: "):
        assert next(line for line in before if line.startswith(name)) in after


@pytest.mark.slow
def test_progress_on_a_terminal_only(extrap: Extrap, tiny_model: Path, song_wav: Path) -> None:
    command = ("continue", "song.wav", "--minutes", "5", "--overwrite", "--device", "cpu", "--model", tiny_model)
    shown = subprocess.run(
        ["script", "-qec", shlex.join(map(str, (EXTRAP, *command))), "/dev/null"],
        cwd=song_wav.parent,
        capture_output=True,
        check=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
    ).stdout.decode()
    assert "6 s decoded" in shown
    assert "blocks" in shown
    assert extrap(*command).stderr == ""
