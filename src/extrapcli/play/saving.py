"""Save what was heard of a track: it is made again, as it was played."""

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, count
from pathlib import Path

from extrapcli.continuation import clock
from extrapcli.errors import ExtrapError
from extrapcli.naming import track_path
from extrapcli.play.live_track import Heard, LiveTrack
from extrapcli.track_file import held, held_samples, write_track


def save(
    track: LiveTrack,
    heard: Heard,
    path: Path,
    *,
    source: Path,
    format: str,
    overwrite: bool = False,
) -> list[str]:
    """Write what was heard of a track, and return notes. Raises as `write_track`."""
    song = track.song
    return write_track(
        held(track.again(heard), heard.length, song, format),
        held_samples(heard.length, song, format),
        song,
        path,
        source=source,
        format=format,
        overwrite=overwrite,
        clip="clamp",
        version="continued",
    )


class Saves:
    """Saves what was heard so far as WAV files beside the song, which hold it exactly, in a thread of its own."""

    def __init__(self, track: LiveTrack, source: Path) -> None:
        self._track, self._source = track, source
        self._worker = ThreadPoolExecutor(1)
        self._begun: Future[Path] | None = None

    @property
    def pending(self) -> bool:
        """Whether something is being saved."""
        return self._begun is not None

    def begin(self) -> None:
        """Save what was heard up to now, unless something is being saved."""
        if not self._begun:
            self._begun = self._worker.submit(self._save, self._track.heard)

    def ended(self, *, wait: bool = False) -> Path | ExtrapError | None:
        """Return the file of a save that ended since, or why there is none. Raises what else went wrong."""
        if not self._begun or not (wait or self._begun.done()):
            return None
        save, self._begun = self._begun, None
        error = save.exception()
        return error if isinstance(error, ExtrapError) else save.result()

    def _save(self, heard: Heard) -> Path:
        ending = f"-played-{clock(heard.length / self._track.song.sample_rate)}"
        names = chain([ending], (f"{ending}-{number}" for number in count(2)))
        paths = (track_path(self._source, None, f"{name}.wav") for name in names)
        path = next(path for path in paths if not path.exists())
        save(self._track, heard, path, source=self._source, format="wav")
        return path
