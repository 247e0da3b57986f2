"""The memory of a worker with a long song."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.batch.processes import EXTRAP, workers
from tests.batch.rays import linux_only
from tests.conftest import chord

RATE = 44100
MOST = 300  # MB


@linux_only
@pytest.mark.slow
def test_ten_minutes_of_stereo(tmp_path: Path, rng: np.random.Generator) -> None:
    song = np.tile(chord(20, RATE, 2), (30, 1)).astype(np.float32)
    song *= rng.uniform(0.2, 1, 300).repeat(2 * RATE)[:, None].astype(np.float32)
    (tmp_path / "songs").mkdir()
    soundfile.write(tmp_path / "songs" / "song.flac", song, RATE)
    command = [EXTRAP, "batch", "songs", "tracks", "--minutes", "11", "--jobs", "1"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    peak = 0
    while running.poll() is None:
        for worker in workers(running.pid):
            try:
                status = Path(f"/proc/{worker}/status").read_text()
            except OSError:
                continue
            peak = max([peak, *(int(found) for found in re.findall(r"VmHWM:\s+(\d+) kB", status))])
        try:
            running.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    assert running.returncode == 0
    assert 100 < peak / 1024 < MOST
