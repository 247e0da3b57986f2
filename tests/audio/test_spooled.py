"""Long songs are spooled to a file: the same samples, few of them in memory."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from extrapcli.audio import spooled as spooled_module
from extrapcli.audio.decode import decode
from extrapcli.audio.spooled import chunks, release, spooled
from extrapcli.continuation import Length
from extrapcli.errors import CannotWrite
from extrapcli.pipeline import Options, Pipeline
from extrapcli.progress import NoProgress
from tests.audio.test_decode import with_ffmpeg
from tests.audio.test_round_trip import bursts
from tests.conftest import SONG

ALL_IN_MEMORY = 2**40


def resident() -> float:
    """Return the resident memory of this process in megabytes."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


@pytest.fixture(params=[0, 20_000, ALL_IN_MEMORY], ids=["in a file", "in a file in the end", "in memory"])
def bound(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled_module, "MAX_BYTES_IN_MEMORY", request.param)
    monkeypatch.setattr(spooled_module, "CHUNK_BYTES", 4000)


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("shape", [(0, 2), (1, 1), (777, 2), (5000,), (12_345, 6)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_blocks_and_chunks_add_up_to_the_array(shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> None:
    sound = (1000 * rng.normal(size=shape)).astype(dtype)
    cuts = np.sort(rng.integers(0, len(sound) + 1, 5))
    array = spooled(iter(np.split(sound, cuts)))
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, sound)
    np.testing.assert_array_equal(np.concatenate(list(chunks(array))), sound)
    part = array[len(sound) // 3 :]
    np.testing.assert_array_equal(np.concatenate(list(chunks(part))), sound[len(sound) // 3 :])


@pytest.mark.parametrize("codec", ["alac", "flac", "pcm_u8", "pcm_s32le", "pcm_f64le", "wavpack", "vorbis", "mp3"])
def test_a_song_is_the_same_in_a_file_and_in_memory(
    codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = tmp_path / "song"
    if codec == "vorbis":
        soundfile.write(song, bursts(44100, 6, 44100), 44100, format="OGG")  # whose channels are reordered
    else:
        with_ffmpeg(song, "matroska", codec)
    songs = {}
    for bound in (0, ALL_IN_MEMORY):
        monkeypatch.setattr(spooled_module, "MAX_BYTES_IN_MEMORY", bound)
        songs[bound] = decode(song)
    one, other = songs.values()
    np.testing.assert_array_equal(one.samples, other.samples)
    assert (one.samples.dtype, one.depth, one.sample_rate) == (other.samples.dtype, other.depth, other.sample_rate)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["recall", "study", "seq2seq", "amplitude"])
def test_a_track_is_the_same_in_a_file_and_in_memory(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = []
    for bound in (0, ALL_IN_MEMORY):
        monkeypatch.setattr(spooled_module, "MAX_BYTES_IN_MEMORY", bound)
        song, track = decode(SONG), tmp_path / f"{bound}.flac"
        Pipeline(Options(Length(0.02, beyond=True), model)).write(song, SONG, track, "flac", NoProgress())
        tracks.append(track.read_bytes())
    assert tracks[0] == tracks[1]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_released_after_reading() -> None:
    def blocks() -> Iterator[np.ndarray]:
        for _ in range(100):
            yield np.ones((2**18, 2), np.float32)

    before = resident()
    array = spooled(blocks())
    assert array.nbytes == 200 * 2**20
    assert sum(float(chunk.sum()) for chunk in chunks(array)) == 100 * 2**19
    assert resident() < before + 30
    assert array.max() == 1
    assert resident() > before + 190
    release(array[5:, :1])
    assert resident() < before + 30


def test_no_room_for_a_long_song(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(spooled_module, "MAX_BYTES_IN_MEMORY", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(CannotWrite, match=r"no room for the samples of a long song \(File too large\)"):
            spooled(iter([np.zeros(10_000), np.zeros(10_000)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
