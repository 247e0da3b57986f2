"""Somebody listens: a track on its way to the speakers, paused, turned, saved and ended."""

import threading

from extrapcli.play.live_track import LiveTrack
from extrapcli.play.speakers import Speakers

PIECE_SECONDS = 0.05


class Session:
    """Plays a track in a thread of its own, until it ends or is stopped.

    Attributes:
        ended: set when nothing is played any more.
        error: what ended it, if something failed.
    """

    def __init__(self, track: LiveTrack, speakers: Speakers) -> None:
        self.track, self.speakers = track, speakers
        self.ended = threading.Event()
        self.error: Exception | None = None
        self._plays, self._stopped, self._finishing = threading.Event(), False, False
        self._plays.set()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    @property
    def paused(self) -> bool:
        return not self._plays.is_set()

    def pause(self) -> None:
        """Pause, or go on."""
        if self.paused:
            self._plays.set()
        elif not self._finishing:
            self._plays.clear()

    def finish(self) -> None:
        """Fade out and end."""
        self._finishing = True
        self.track.finish()
        self._plays.set()

    def stop(self) -> None:
        """End at once."""
        self._stopped = True
        self._plays.set()

    def close(self) -> None:
        """End at once, and wait until nothing is played any more."""
        self.stop()
        if self._thread.ident:
            self._thread.join()
        self.track.close()

    def _run(self) -> None:
        try:
            self._play()
        except Exception as error:  # raised again where the session is watched
            self.error = error
        finally:
            self.ended.set()

    def _play(self) -> None:
        size = max(1, round(PIECE_SECONDS * self.track.song.sample_rate))
        while not self._stopped:
            if self.paused:
                self.speakers.drain()
                self._plays.wait()
                continue
            piece = self.track.take(size, self.speakers.spare)
            if piece is None:
                break
            if len(piece):
                self.speakers.write(piece)
        self.speakers.drain()
