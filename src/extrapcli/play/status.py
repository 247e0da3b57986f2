"""What there is to say of a track while it is played."""

from extrapcli.play.session import Session
from extrapcli.words import count


def status(session: Session) -> str:
    """Say where in the song it plays, when the next jump is, how energetic the song is there, and what went wrong."""
    track, rate = session.track, session.track.song.sample_rate
    at = track.position
    places = " and ".join(_time(seconds) for seconds in track.place.at(at))
    of = f" of {_time(track.song.seconds)}" if track.is_whole else ""
    said = [f"{'paused' if session.paused else 'playing'} {places}{of}"]
    if (join := track.next_join) is not None:
        said.append(f"next jump in {max(0, join - at) / rate:.0f} s")
    if (energy := track.place.energy_at(at)) is not None:
        said.append(f"energy {energy:.0%}")
    said.append(f"heard {_time(at / rate)}")
    if session.speakers.underruns:
        said.append(count(session.speakers.underruns, "underrun"))
    return ", ".join(said)


def summary(session: Session) -> str:
    """Say how long it was played, and how well that worked."""
    track, underruns = session.track, session.speakers.underruns
    said = f"played {_time(track.position / track.song.sample_rate)}"
    return said + (f"; the device had nothing to play {count(underruns, 'time')}" if underruns else "")


def _time(seconds: float) -> str:
    """`3:05` for 185 seconds."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
