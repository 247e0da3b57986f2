"""What `recall` knows of a song before it goes on: one measured map, made once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.song import Song
from extrapcli.audio.spooled import chunks, spooled
from extrapcli.errors import UnreadableAudio
from extrapcli.extrapolators.recall.bounds import Music, find_music
from extrapcli.extrapolators.recall.encoder import Hearing, Score
from extrapcli.extrapolators.recall.layers import percussive
from extrapcli.extrapolators.recall.texture import Beats, Texture, texture

Array = NDArray[np.float32]

SHORT_SECONDS = 100.0  # a song as short as that is played in two parts, lest it go round in circles


@dataclass(frozen=True)
class Part:
    """A part of the song's sound: `(n, channels)` at the song's rate, and `(n',)` as the network hears it."""

    name: str
    sound: NDArray[np.floating]
    mono: Array
    score: Score


@dataclass(frozen=True)
class SongMap:
    """A song with what was measured on it.

    Its places are hops, of which there are `per_second`; hop 0 begins at sample `first` of the song (which may
    lie before it) and the last hop ends where the music does.
    """

    song: Song
    music: Music
    rate: int  # of mono sound
    per_second: int
    texture: Texture
    beats: Beats
    parts: tuple[Part, ...]

    @property
    def places(self) -> int:
        return len(self.parts[0].score.places)

    def sample(self, place: float) -> int:
        """The sample of the song at which a place begins."""
        return self.music.end - round((self.places - place) * self.song.sample_rate / self.per_second)

    def place(self, sample: int) -> float:
        """The place at which a sample of the song lies."""
        return self.places - (self.music.end - sample) * self.per_second / self.song.sample_rate

    def mono(self, sample: int) -> int:
        """The sample of the mono sound that lies at a sample of the song."""
        return round(sample * self.rate / self.song.sample_rate)


def map_song(song: Song, hearing: Hearing) -> SongMap:
    """Measure a song; raise UnreadableAudio where there is less than a second of music in it."""
    music = find_music(song.samples, song.sample_rate)
    seconds = (music.end - music.begin) / song.sample_rate
    if seconds < 1:
        raise UnreadableAudio(
            f"{song.name}: has {seconds:.2f} s of music; "
            f"{hearing.backend.spec.name} needs at least one second to go on"
        )
    sound = hearing.mono(song, song.samples[: music.end])
    level = float(sound.std()) or 1.0
    sound = spooled(piece / level for piece in chunks(sound))
    begin = round(music.begin * hearing.rate / song.sample_rate)
    textures = texture(sound, hearing.rate)
    named = [("all", song.samples, sound)]
    if seconds <= SHORT_SECONDS:
        struck = percussive(song.samples[: music.end], song.sample_rate)
        struck_mono = hearing.mono(song, struck) / level
        named = [
            ("harmonic", song.samples[: music.end] - struck, sound - struck_mono),
            ("percussive", struck, struck_mono),
        ]
    parts = tuple(Part(name, s, mono, hearing.score(mono[begin:])) for name, s, mono in named)
    per_second = len(parts[0].score.places) // -(-(len(sound) - begin) // hearing.rate)
    return SongMap(song, music, hearing.rate, per_second, textures, Beats.of(textures), parts)
