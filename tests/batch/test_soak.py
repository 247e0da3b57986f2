from pathlib import Path

import pytest

from tests.batch.soak import check, soak, write_songs


@pytest.mark.slow
def test_every_good_song_is_done_and_every_bad_one_named(tmp_path: Path) -> None:
    """The short form of `make soak`."""
    broken = write_songs(tmp_path / "songs", 60, 6)
    check(soak(tmp_path / "songs", tmp_path / "tracks", 2), tmp_path / "songs", 60, broken)
