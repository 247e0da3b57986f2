"""The walk: jump after jump through the song, until the track has its length or lands on the song's ending."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from extrapcli.audio.spooled import release
from extrapcli.crossfade import join
from extrapcli.extrapolators.base import Block, Style
from extrapcli.extrapolators.recall.analysis import SongMap
from extrapcli.extrapolators.recall.join import settling
from extrapcli.extrapolators.recall.playhead import Sound, Voice, mix
from extrapcli.extrapolators.recall.repetition import Memory
from extrapcli.extrapolators.recall.selector import Choice, Chooser

STAY_SECONDS = {1: 10.0, 2: 5.0}  # how long a voice stays before it jumps again, by the number of parts
LEAVING_SECONDS = 1.5  # a jump may come that much later, where it fits better
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
        landing = wanted - (self.music.end - self.music.ending)  # where the track's ending begins
        self.may_land, self.must_land = landing - self.early, landing - self.late
        self.voices: list[Voice] = []
        self.noted = self.music.begin

    def blocks(self) -> Iterator[Block]:
        music = self.music
        earliest = latest = music.end
        if music.ends_by_itself:
            middle = (music.begin + music.ending) // 2
            earliest, latest = max(middle, music.ending - self.early), max(middle, music.ending - self.late)
        self.voices = [Voice(part, 0, earliest) for part in self.map.parts]
        moving = self.voices
        while earliest < self.wanted:
            room = self._room()
            landing = max(earliest, self.may_land)
            if self._time_to_land(earliest) and landing <= room:
                yield self._land(landing, min(max(landing, self.must_land), room))
                return
            block = self._jump(moving, earliest, latest)
            if block.start >= self.wanted:
                return
            yield block
            moving = [min(self.voices, key=lambda voice: voice.free)]
            earliest = min(moving[0].free, self._room())
            latest = min(earliest + self.leaving, self._room())

    def _time_to_land(self, earliest: int) -> bool:
        return self.lands and earliest + self.stay // 2 >= self.may_land

    def _room(self) -> int:
        """The last sample of the track up to which every voice can go on."""
        return self.music.ending - max(voice.offset for voice in self.voices)

    def _note(self, end: int) -> None:
        """Remember what is heard up to a sample of the track, as the voices go now."""
        if end > self.noted:
            places = [self.map.place(voice.at(self.noted)) for voice in self.voices]
            self.memory.note(self.noted / self.rate, end / self.rate, places)
            self.noted = end

    def _jump(self, moving: list[Voice], earliest: int, latest: int) -> Block:
        """Let some voices jump between two samples of the track, and give the block that follows."""
        self._note(earliest)
        choice = self.chooser.jump(self.voices, moving, earliest, latest)
        self._note(choice.audition.leaving)
        free = max((voice.free for voice in self.voices if voice not in moving), default=choice.audition.leaving)
        crossing = self._move(moving, choice, free)
        free = min(voice.free for voice in self.voices)
        reach = free + 2 * self.leaving
        if self._time_to_land(free):
            reach = max(reach, self.must_land)
        return self._block(choice, crossing, min(reach, self._room()))

    def _land(self, earliest: int, latest: int) -> Block:
        """Go to the song's own ending between two samples of the track, and play it to its end."""
        choice = self.chooser.landing(self.voices, earliest, latest, self.wanted)
        return self._block(choice, self._move(self.voices, choice, self.wanted), self.wanted)

    def _move(self, moving: list[Voice], choice: Choice, free: int) -> Sound:
        """Put voices where they jump to, and give the crossfade. They jump again in turn, evenly spaced."""
        leaving, seam = choice.audition.leaving, choice.audition.seam
        gains = iter(choice.audition.gains)
        crossing: list[Sound] = []
        voices = []
        for voice in self.voices:
            old = voice.sound(leaving - seam.fade.samples, leaving)
            if voice in moving:
                gain = settling(next(gains), self.rate)
                new = voice.part.sound[seam.place - seam.fade.samples : seam.place]
                old = join(old, new * gain[0], seam.fade)
                free += self.stay // len(self.voices)
                if self.lands:
                    free = min(free, max(leaving, self.may_land))
                voice = replace(voice, offset=seam.place - leaving, free=free, since=leaving, gain=gain)
            crossing.append(old)
            voices.append(voice)
        self.voices = voices
        return mix(crossing)

    def _block(self, choice: Choice, crossing: Sound, end: int) -> Block:
        leaving, fade = choice.audition.leaving, choice.audition.seam.fade
        samples = np.concatenate([crossing, mix([voice.sound(leaving, end) for voice in self.voices])])
        for part in self.map.parts:
            release(part.sound)
            release(part.mono)
        offsets = [voice.offset for voice in self.voices]
        copy = max(offsets) - min(offsets) <= SAME_PLACE_SECONDS * self.rate
        return Block(leaving - fade.samples, samples, fade.samples, choice.jump, copy)
