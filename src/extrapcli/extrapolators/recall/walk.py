"""The walk: leap after leap through the song, until the track has its length or lands on the song's ending."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from extrapcli.crossfade import join
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.recall.choice import Chooser
from extrapcli.extrapolators.recall.repetition import Memory
from extrapcli.extrapolators.recall.seam import settling_gain
from extrapcli.extrapolators.recall.song_map import SongMap
from extrapcli.extrapolators.recall.voice import Sound, Voice, mix

STAY_SECONDS = {1: 10.0, 2: 5.0}  # how long a voice stays before it leaps again, by the number of parts
LEAVING_SECONDS = 1.5  # a leap may come that much later, where it fits better
BEFORE_ENDING_SECONDS = 8.0, 0.5  # where the song is left, and landed on, before its own ending: from, to
SAME_PLACE_SECONDS = 0.01


class Walk:
    def __init__(self, song_map: SongMap, style: Style, wanted: int) -> None:
        self.map = song_map
        self.music = song_map.music
        self.wanted = wanted
        self.rate = song_map.song.sample_rate
        room = (self.music.ending - self.music.begin) / self.rate
        self.stay = round(min(STAY_SECONDS[len(song_map.parts)], room / 4) * self.rate)
        self.leaving = round(min(LEAVING_SECONDS, room / 16) * self.rate)
        self.early, self.late = (round(min(s, room / 8) * self.rate) for s in BEFORE_ENDING_SECONDS)
        self.memory = Memory([part.score for part in song_map.parts], song_map.per_second)
        self.chooser = Chooser(song_map, self.memory, style, stay=self.stay, leaving=self.leaving)
        self.lands = self.music.ends_by_itself and style.ending in ("song", "auto")
        self.landing = wanted - (self.music.end - self.music.ending)  # where the track's ending begins

    def blocks(self) -> Iterator[Block]:
        music = self.music
        earliest = latest = music.end
        if music.ends_by_itself:
            middle = (music.begin + music.ending) // 2
            earliest, latest = max(middle, music.ending - self.early), max(middle, music.ending - self.late)
        self.noted = music.begin
        self.voices = [Voice(part, 0, earliest) for part in self.map.parts]
        moving = list(self.voices)
        while earliest < self.wanted:
            landing = max(earliest, self.landing - self.early)
            if self.lands and landing <= self._room() and earliest + self.stay // 2 >= self.landing - self.early:
                latest = min(max(landing, self.landing - self.late), self._room())
                yield self._leap(self.voices, landing, latest, lands=True)
                return
            block = self._leap(moving, earliest, latest, lands=False)
            if block.start >= self.wanted:
                return
            yield block
            moving = [min(self.voices, key=lambda voice: voice.free)]
            earliest = min(moving[0].free, self._room())
            latest = min(earliest + self.leaving, self._room())

    def _room(self) -> int:
        """The last sample of the track up to which every voice can go on."""
        return self.music.ending - max(voice.offset for voice in self.voices)

    def _note(self, end: int) -> None:
        """Remember what is heard up to a sample of the track, as the voices go now."""
        if end > self.noted:
            places = [self.map.place(voice.at(self.noted)) for voice in self.voices]
            self.memory.note(self.noted / self.rate, (end - self.noted) / self.rate, places)
            self.noted = end

    def _leap(self, moving: list[Voice], earliest: int, latest: int, *, lands: bool) -> Block:
        """Let some voices leap between two samples of the track, and give the block that follows."""
        self._note(earliest)
        choice = self.chooser.choose(self.voices, moving, earliest, latest, end=self.wanted if lands else None)
        leaving, seam = choice.audition.leaving, choice.audition.seam
        self._note(leaving)

        begin = leaving - seam.fade.samples
        free = max((voice.free for voice in self.voices if voice not in moving), default=leaving)
        crossing: list[Sound] = []
        voices = []
        for voice in self.voices:
            old = voice.sound(begin, leaving)
            if voice in moving:
                new = voice.part.sound
                gain = settling_gain(voice.sound(leaving - self.rate, leaving), new[seam.place :], self.rate)
                old = join(old, new[seam.place - seam.fade.samples : seam.place] * gain[:1, None], seam.fade)
                free += self.stay // len(self.voices)  # the voices leap in turn, evenly spaced
                if self.lands:
                    free = min(free, max(leaving, self.landing - self.early))
                voice = replace(voice, offset=seam.place - leaving, free=free, since=leaving, gain=gain)
            crossing.append(old)
            voices.append(voice)
        self.voices = voices
        end = self.wanted if lands else min(min(v.free for v in voices) + 2 * self.leaving, self._room())
        samples = np.concatenate([mix(crossing), mix([voice.sound(leaving, end) for voice in voices])])
        offsets = [voice.offset for voice in voices]
        copy = max(offsets) - min(offsets) <= SAME_PLACE_SECONDS * self.rate
        return Block(begin, samples, seam.fade.samples, choice.leap, copy)
