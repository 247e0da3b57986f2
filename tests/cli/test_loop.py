"""`extrap loop`."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from mutagen.oggopus import OggOpus
from numpy.typing import NDArray

import extrapcli
from tests.analysis.band import RATE, band
from tests.conftest import Extrap

BAR = 2.0  # seconds


@pytest.fixture
def song(tmp_path: Path) -> Path:
    sound, _ = band(np.full(80, 0.5), 4)
    path = tmp_path / "song.flac"
    soundfile.write(path, sound, RATE)
    return path


def read(path: Path | str) -> NDArray[np.floating]:
    samples: NDArray[np.floating] = soundfile.read(path)[0]
    return samples


def test_the_best_loop_is_written_beside_the_song(extrap: Extrap, song: Path) -> None:
    (line,) = extrap("loop", song, "--json").lines
    made = json.loads(line)
    loop = made["loop"]
    assert made["paths"] == [str(song.with_name("song-loop.flac"))]
    turn = read(made["paths"][0])
    assert len(turn) == loop["end"] - loop["begin"] == made["samples"][0] == made["loop_samples"]
    assert abs(loop["seconds"] - loop["bars"] * BAR) < 0.05
    assert "song-loop.flac" in extrap("loop", song, status=6).stderr


def test_loops_are_listed(extrap: Extrap, song: Path) -> None:
    header, *lines = extrap("loop", song, "--list").lines
    assert header.split()[:4] == ["begin", "length", "bars", "audible"]
    facts = [json.loads(line) for line in extrap("loop", song, "--list", "--json").lines]
    assert [fact["number"] for fact in facts] == [int(line.split()[0]) for line in lines]
    assert [fact["bars"] for fact in facts] == [int(line.split()[3]) for line in lines]
    assert [path.name for path in song.parent.iterdir()] == ["song.flac"]
    (line,) = extrap("loop", song, "--pick", "2", "--json").lines
    assert json.loads(line)["loop"]["begin"] == facts[1]["begin"]


@pytest.mark.parametrize(
    ("options", "least", "most"), [(("--bars", "4"), 7.9, 8.1), (("--min", "0:10", "--max", "0:13"), 9.9, 13.1)]
)
def test_its_length_can_be_chosen(
    extrap: Extrap, song: Path, options: tuple[str, ...], least: float, most: float
) -> None:
    extrap("loop", song, *options, "-o", "loop.wav")
    assert least < soundfile.info(song.with_name("loop.wav")).duration < most


def test_the_whole_song_is_written_with_loops(extrap: Extrap, song: Path) -> None:
    once, thrice = (
        json.loads(extrap("loop", song, "--times", str(n), "-o", f"{n}.wav", "--json").lines[0]) for n in (1, 3)
    )
    turn = thrice["loop_samples"]
    np.testing.assert_array_equal(read(song.parent / once["paths"][0]), read(song))
    assert thrice["samples"][0] == once["samples"][0] + 2 * turn
    (line,) = extrap("loop", song, "--minutes", "2", "--json").lines
    seconds = json.loads(line)["samples"][0] / RATE
    assert abs(seconds - 120) <= turn / RATE / 2 + 0.1


def test_the_parts_make_a_song_that_is_as_good_as_the_whole(extrap: Extrap, song: Path) -> None:
    lines = extrap("loop", song, "--split", "-o", "parts/").lines
    assert [Path(line).name for line in lines] == ["song-intro.flac", "song-loop.flac", "song-outro.flac"]
    intro, turn, outro = (read(song.parent / line) for line in lines)
    whole = read(song)
    assert len(intro) + len(turn) + len(outro) == len(whole)
    extrap("loop", song, "--times", "2", "-o", "twice.flac")
    twice = read(song.with_name("twice.flac"))
    np.testing.assert_array_equal(np.concatenate([intro, turn]), twice[: len(intro) + len(turn)])
    assert np.abs(np.concatenate([intro, turn, outro]) - whole).max() < 0.3, (
        "but for the crossfades they are the song"
    )


@pytest.mark.parametrize("name", ["song.flac", "song.wav", "song.ogg", "song.opus"])
def test_the_loop_is_marked_in_the_file(extrap: Extrap, song: Path, name: str) -> None:
    (line,) = extrap("loop", song, "--tag", "-o", f"out-{name}", "--json").lines
    made = json.loads(line)
    path = song.parent / made["paths"][0]
    assert soundfile.info(path).frames == made["samples"][0] == made["loop_begin"] + made["loop_samples"]
    assert made["loop_begin"] == round(made["loop"]["begin"] * made["sample_rate"] / RATE)
    if name.endswith(("flac", "opus")):
        tags = FLAC(path) if name.endswith("flac") else OggOpus(path)
        scale = 2 if name.endswith("opus") else 1  # players count at 48,000 Hz
        assert tags["LOOPSTART"] == [str(scale * made["loop_begin"])]
        assert tags["LOOPLENGTH"] == [str(scale * made["loop_samples"])]


def test_a_loop_at_another_rate_has_no_seam_either(extrap: Extrap, song: Path) -> None:
    """Opus holds 24,000 Hz: the samples around the wrap are those that are there without one."""
    (line,) = extrap("loop", song, "-o", "loop.opus", "--json").lines
    made = json.loads(line)
    assert made["sample_rate"] == 24000
    turn = np.tile(read(song.parent / made["paths"][0]), 2)
    at = made["samples"][0]
    change = np.abs(np.diff(turn))
    assert change[at - 24 : at + 24].max() < np.percentile(change, 99.9)


def test_a_song_in_mp3_gives_a_loop_without_a_gap(extrap: Extrap, song: Path) -> None:
    mp3 = song.with_name("song.mp3")
    soundfile.write(mp3, read(song), RATE)
    assert extrap("loop", mp3).lines == [str(song.with_name("song-loop.wav"))]
    assert extrap("loop", mp3, "--times", "2").lines[0].endswith(".mp3")


def test_the_songs_of_a_folder_all_get_loops(extrap: Extrap, song: Path) -> None:
    songs = song.with_name("songs")
    songs.mkdir()
    for name in ("a.flac", "b.flac"):
        (songs / name).write_bytes(song.read_bytes())
    lines = extrap("loop", songs, "-o", "loops/").lines
    assert [Path(line).name for line in lines] == ["a-loop.flac", "b-loop.flac"]


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (("--bars", "100"), 2, "has no loop of 100 bars"),
        (("--min", "0:50"), 2, "has no loop of 50 s or more"),
        (("--pick", "999"), 2, "has only"),
        (("--bars", "0"), 2, "number of bars of 0 is out of range"),
        (("--min", "0:20", "--max", "0:10"), 2, "at least 20 s can't be at most 10 s long"),
        (("--times", "2", "--split"), 2, "ask for one of these"),
        (("--times", "2", "--minutes", "2"), 2, "ask for one of these"),
        (("--minutes", "0:10"), 2, "extrap fit can make it 0:10.0, loops can't"),
        (("--list", "--tag"), 2, "writes no file"),
        (("--tag", "--format", "mp3"), 2, "mp3 can't say where a loop is; wav, flac, ogg, opus can"),
        (("--list", "-o", "x.wav"), 2, "--list takes one song, and writes no file"),
        (("--model", "seq2seq"), 2, "seq2seq can't find loops; use recall"),
        (("--split", "-o", "-"), 2, "several files"),
    ],
)
def test_what_makes_no_sense_is_refused(
    extrap: Extrap, song: Path, options: tuple[str, ...], status: int, told: str
) -> None:
    stderr = " ".join(extrap("loop", song, *options, status=status).stderr.replace("│", " ").split())
    assert told in stderr
    assert [path.name for path in song.parent.iterdir()] == ["song.flac"]


def test_python_does_the_same(song: Path) -> None:
    samples, rate = soundfile.read(song)
    found = extrapcli.load().find_loops(samples, rate, bars=4)
    assert {loop.bars for loop in found} == {4}
    made = extrapcli.loop_file(song, bars=4)
    assert made.loop == found[0]
    assert made.paths == [song.with_name("song-loop.flac")]
    np.testing.assert_allclose(
        read(made.paths[0])[: -found[0].fade.samples],
        samples[found[0].begin : found[0].end - found[0].fade.samples],
        atol=2**-15,
    )
    with pytest.raises(extrapcli.UsageError, match="has no loop"):
        extrapcli.loop_file(song, bars=99, overwrite=True)


@pytest.mark.parametrize("name", ["out.flac", "out.wav", "out.mp3"])
def test_a_continued_song_may_lead_back(extrap: Extrap, song: Path, name: str) -> None:
    ran = extrap("continue", song, "--minutes", "1:00", "--loopable", "-o", name, "--json")
    track = json.loads(ran.lines[0])
    begin = track["loop_begin"]
    assert 0 < begin < 20 * RATE
    if name.endswith("flac"):
        tags = FLAC(song.with_name(name))
        assert (tags["LOOPSTART"], tags["LOOPLENGTH"]) == ([str(begin)], [str(60 * RATE - begin)])
    assert ("mp3 has no place to say so" in ran.stderr) == name.endswith("mp3")
    extrap("continue", song, "--minutes", "1:00", "--ending", "loop", "-o", f"again-{name}")
    assert song.with_name(name).read_bytes() == song.with_name(f"again-{name}").read_bytes()


def test_a_track_that_leads_back_has_no_other_ending(extrap: Extrap, song: Path) -> None:
    told = extrap("continue", song, "--loopable", "--ending", "fade", status=2).stderr
    assert "--loopable and --ending exclude each other" in told


def test_python_tells_where_a_track_leads_back_to(song: Path) -> None:
    samples, rate = soundfile.read(song)
    track = extrapcli.load().continue_song(samples, rate, minutes=1, ending="loop")
    assert track.loop_begin
    np.testing.assert_array_equal(track.samples[track.loop_begin - 100 : track.loop_begin], track.samples[-100:])


def test_a_loop_near_two_times_is_written_and_listed(extrap: Extrap, song: Path) -> None:
    (made,) = extrap("loop", song, "--near", "0:02-0:08", "--json").lines
    assert abs(json.loads(made)["loop"]["begin_seconds"] - 2) < 1.5
    listed = extrap("loop", song, "--near", "0:02-0:08", "--list", "--json").lines
    assert len(listed) == 1
