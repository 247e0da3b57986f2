"""From a place to a join: bring a jump to the sample, lay its fade, and hear how much it stands out."""

from dataclasses import dataclass

import numpy as np

from extrapcli.crossfade import Fade, join
from extrapcli.extrapolators.recall.analysis import SongMap
from extrapcli.extrapolators.recall.join import (
    LEVEL_SECONDS,
    MAX_FADE_SECONDS,
    MIN_FADE_SECONDS,
    Seam,
    find_seam,
    matching_gain,
)
from extrapcli.extrapolators.recall.playhead import Voice, mix
from extrapcli.extrapolators.recall.texture import PER_SECOND, beat_shift, texture

AROUND_SECONDS = 0.4
QUIET_MOMENTS, FADE_MOMENTS = 8, 4


@dataclass(frozen=True)
class Audition:
    """A jump at sample `leaving` of the track to `seam.place` of the song, and its percentiles among the beats.

    The `gains` bring each moving voice to the level it had.
    """

    leaving: int
    seam: Seam
    gains: tuple[float, ...]
    flux_percentile: float
    level_percentile: float


def audition(
    song_map: SongMap,
    voices: list[Voice],
    moving: list[Voice],
    leaving: int,
    place: int,
    *,
    fixed: bool,
    fade_seconds: float | None,
) -> Audition:
    """Try a jump of the moving voices at a sample of the track to a place, a sample of the song.

    The place is shifted so that the beat goes on, unless it is `fixed` to the moment; both move up to 0.1 s
    ahead to where nothing strikes.
    """
    rate = song_map.song.sample_rate
    whole = len(moving) == len(voices)
    if not fixed:
        place = max(song_map.music.begin, place + _beat_shift(song_map, voices, moving, leaving, place))
    room = leaving - max(voice.since for voice in voices)
    spare = max(0, room - round(MIN_FADE_SECONDS * rate))
    earlier = min(_quiet(song_map, moving[0].at(leaving), place), spare, place)
    leaving, place = leaving - earlier, place - earlier
    longest = round(max(MAX_FADE_SECONDS, fade_seconds or 0) * rate)
    longest = min(longest, room - earlier, *(voice.at(leaving) for voice in voices))
    old = mix([voice.sound(leaving - longest, leaving) for voice in moving])
    new = song_map.song.samples if whole else moving[0].part.sound
    seam = find_seam(old, new, place, rate, fade_seconds=fade_seconds, fixed=fixed)
    before = leaving - round(LEVEL_SECONDS * rate)
    gains = tuple(
        matching_gain(voice.sound(before, leaving), voice.part.sound[seam.place :], rate) for voice in moving
    )
    return Audition(leaving, seam, gains, *_percentiles(song_map, voices, moving, leaving, seam, gains))


def _beat_shift(song_map: SongMap, voices: list[Voice], moving: list[Voice], leaving: int, place: int) -> int:
    """The samples by which to shift a place so that the beat goes on, or agrees with the voices that do."""
    resting = [voice for voice in voices if voice not in moving]
    guide = (resting or moving)[0].at(leaving)
    moments = range(2 * PER_SECOND) if resting else range(-3 * PER_SECOND // 2, PER_SECOND // 2)
    if not resting and guide >= song_map.music.end:
        moments = range(-2 * PER_SECOND, 0)
    per_sample = PER_SECOND / song_map.song.sample_rate
    shift = beat_shift(song_map.texture.flux, round(guide * per_sample), round(place * per_sample), moments)
    return round(shift / per_sample)


def _quiet(song_map: SongMap, left: int, found: int) -> int:
    """How many samples earlier nothing strikes on either side of the join, up to 0.1 s."""
    flux, rate = song_map.texture.flux, song_map.song.sample_rate
    ends = np.array([round(sample * PER_SECOND / rate) for sample in (left, found)])
    shifts = np.arange(QUIET_MOMENTS)
    fade = np.arange(-FADE_MOMENTS, 1)
    at = np.clip(ends[:, None, None] - shifts[:, None] + fade, 0, len(flux) - 1)
    strongest = flux[at].max(axis=(0, 2))
    return round(int(np.argmin(strongest)) * rate / PER_SECOND)


def _percentiles(
    song_map: SongMap,
    voices: list[Voice],
    moving: list[Voice],
    leaving: int,
    seam: Seam,
    gains: tuple[float, ...],
) -> tuple[float, float]:
    """The percentiles of a join's flux and step of level among the song's own beats."""
    rate = song_map.rate
    around = round(AROUND_SECONDS * rate)
    fade = Fade(min(song_map.mono(seam.fade.samples), around), seam.fade.curve)
    sounds = []
    for voice in voices:
        left = song_map.mono(voice.at(leaving))
        mono = voice.part.mono[:, None]
        before, after = mono[max(0, left - around) : left], mono[left : left + around]
        if voice in moving:
            found = song_map.mono(seam.place)
            gain = np.float32(gains[moving.index(voice)])
            before = join(before, mono[found - fade.samples : found] * gain, fade)
            after = mono[found : found + around] * gain
        sounds.append(np.pad(np.concatenate([before, after])[:, 0], (around - len(before), around - len(after))))
    begin = round((around - fade.samples) / rate * PER_SECOND)
    end = round(around / rate * PER_SECOND)
    return song_map.beats.percentiles(texture(np.sum(sounds, axis=0), rate), begin, end)
