"""Make a page for a blind comparison: `make.py TRACKS OUT [--pairs 20] [--seconds 20] [--seed 0] [--calmer]`.

TRACKS has a folder for each method, named as the result will name it, and in it the tracks, with the same file name
if they continue the same song. `song.json` beside `song.flac` may give the end of the song, {"head_seconds": 30};
for the others it is --head. Both excerpts of a pair start --lead seconds before the first of the two leaves the song,
and last --seconds. With --calmer they are the last --seconds of the tracks, and the page asks which is calmer.

Writes OUT/listen.html, which is all that a listener needs, and OUT/key.json, which says what is what.
"""

import argparse
import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.preview import encode_opus
from extrapcli.audio.song import Song
from extrapcli.errors import ExtrapError, UsageError

LEVEL = 0.1  # RMS of every excerpt, -20 dBFS
PEAK = 0.9  # of full scale; Opus may overshoot
FADE_SECONDS = 0.05
PAGE = Path(__file__).with_name("page.html")
BETTER = {
    "question": "Which continues better?",
    "about": "Both start with the same seconds of a song. After the mark, each continues in its own way.",
    "word": "better",
}
CALMER = {
    "question": "Which is calmer?",
    "about": "Both are ends of tracks that were made of the same song, and are equally loud.",
    "word": "calmer",
}

Tracks = dict[str, dict[str, Path]]  # by method, then by song


class Pair(NamedTuple):
    song: str
    a: str
    b: str


@dataclass(frozen=True)
class Excerpts:
    """The part of a track that is played: around the end of its song, or its own end where `head_seconds` is None."""

    head_seconds: float | None  # the end of songs without a file of their own
    lead_seconds: float
    seconds: float

    def of(self, paths: list[Path]) -> list[Song]:
        """Cut excerpts from tracks of one song; all start `lead_seconds` before the first of them leaves the song."""
        if self.head_seconds is None:
            return [self._cut(path, None) for path in paths]
        first = min(paths, key=self._song_end)
        begin = self._song_end(first) - self.lead_seconds
        if begin < 0:
            raise UsageError(
                f"{first}: the song ends within its first {self.lead_seconds:g} s; give a smaller --lead"
            )
        return [self._cut(path, begin) for path in paths]

    def _cut(self, path: Path, begin: float | None) -> Song:
        track = decode(path)
        if begin is None:
            begin = max(0.0, track.seconds - self.seconds)
        samples = track.samples[round(begin * track.sample_rate) :][: round(self.seconds * track.sample_rate)]
        if len(samples) / track.sample_rate < (self.lead_seconds + self.seconds) / 2:
            raise UsageError(f"{path}: too little follows the song's end; make it longer, or give fewer --seconds")
        return replace(track, samples=samples)

    def _song_end(self, path: Path) -> float:
        assert self.head_seconds is not None
        facts = path.with_suffix(".json")
        if not facts.exists():
            return self.head_seconds
        try:
            return float(json.loads(facts.read_bytes()).get("head_seconds", self.head_seconds))
        except (ValueError, TypeError, AttributeError):
            raise UsageError(f'{facts}: not like {{"head_seconds": 30}}; mend or remove it') from None


def find_tracks(folder: Path) -> Tracks:
    tracks: Tracks = {}
    for path in sorted(folder.glob("*/*")):
        if path.is_file() and path.suffix != ".json" and not path.name.startswith("."):
            songs = tracks.setdefault(path.parent.name, {})
            if path.stem in songs:
                raise UsageError(f"{path}: has the name of {songs[path.stem].name}; keep one of them")
            songs[path.stem] = path
    return tracks


def draw(tracks: Tracks, count: int, rng: np.random.Generator) -> list[Pair]:
    """Draw `count` different pairs, in which every two methods meet equally often, to one, and take turns as A."""
    contests = list(combinations(sorted(tracks), 2))
    songs = {(one, two): sorted(tracks[one].keys() & tracks[two].keys()) for one, two in contests}
    if (most := sum(map(len, songs.values()))) < count:
        raise UsageError(f"only {most} different pairs can be drawn; give --pairs {most}, or more songs")
    turn = {contest: int(rng.integers(2)) for contest in contests}
    uses: Counter[str] = Counter()
    pairs: list[Pair] = []
    while len(pairs) < count:
        for contest in rng.permutation(len(contests)):
            one, two = contests[contest]
            if left := songs[one, two]:
                song = min(rng.permutation(left).tolist(), key=uses.__getitem__)
                left.remove(song)
                uses[song] += 1
                turn[one, two] += 1
                pairs.append(Pair(song, one, two) if turn[one, two] % 2 else Pair(song, two, one))
    return pairs[:count]


def equalise(clips: list[Song]) -> list[Song]:
    """Bring clips to one length and one RMS, as close to LEVEL as their peaks allow, and fade them in and out."""
    seconds = min(clip.seconds for clip in clips)
    shaped = [_faded(clip.samples[: round(seconds * clip.sample_rate)], clip.sample_rate) for clip in clips]
    levels = [max(float(np.sqrt(np.mean(np.square(samples)))), 1e-6) for samples in shaped]
    headroom = [PEAK / max(float(np.abs(samples).max()), 1e-6) for samples in shaped]
    level = min(LEVEL, *(level * room for level, room in zip(levels, headroom, strict=True)))
    return [
        replace(clip, samples=samples * np.float32(level / own))
        for clip, samples, own in zip(clips, shaped, levels, strict=True)
    ]


def _faded(samples: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    ramp = np.linspace(0, 1, round(FADE_SECONDS * sample_rate), dtype=np.float32)[:, None]
    faded = samples.astype(np.float32)
    faded[: len(ramp)] *= ramp
    faded[-len(ramp) :] *= ramp[::-1]
    return faded


def name_of(clips: list[Song]) -> str:
    """Name a pair by its sounds alone, so that the name gives nothing away and is the same in every test."""
    return hashlib.sha256(b"".join(clip.samples.astype("<f4").tobytes() for clip in clips)).hexdigest()[:12]


def write_test(
    tracks: Tracks, pairs: list[Pair], excerpts: Excerpts, words: dict[str, str], seed: int, out: Path
) -> None:
    sounds: dict[str, list[str]] = {}
    key: dict[str, dict[str, str]] = {}
    for pair in pairs:
        clips = equalise(excerpts.of([tracks[method][pair.song] for method in (pair.a, pair.b)]))
        name = name_of(clips)
        sounds[name] = [base64.b64encode(encode_opus(c.samples, c.sample_rate, kilobits=96)).decode() for c in clips]
        key[name] = {"song": pair.song, "A": pair.a, "B": pair.b}
    names = sorted(key)
    test = {
        "test": hashlib.sha256("".join(names).encode()).hexdigest()[:12],
        "lead": excerpts.lead_seconds,
        "pairs": {name: sounds[name] for name in names},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "key.json").write_text(json.dumps({"seed": seed, "ways": sorted(tracks), "pairs": key}, indent=1) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    for name, text in {**words, "test": json.dumps(test)}.items():
        page = page.replace("{{" + name + "}}", text)
    (out / "listen.html").write_text(page, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--lead", type=float, default=5)
    parser.add_argument("--head", type=float, default=30)
    parser.add_argument("--calmer", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if (asked.out / "key.json").exists():
        parser.error(f"{asked.out / 'key.json'} exists, and votes may need it; choose another folder")
    if asked.pairs < 1 or not (asked.calmer or 0 < asked.lead < asked.seconds):
        parser.error("at least one pair, and more --seconds than --lead")
    excerpts = Excerpts(None, 0.0, asked.seconds) if asked.calmer else Excerpts(asked.head, asked.lead, asked.seconds)
    try:
        tracks = find_tracks(asked.tracks)
        if len(tracks) < 2:
            raise UsageError(f"{asked.tracks}: holds no two folders with tracks, one for each method")
        pairs = draw(tracks, asked.pairs, np.random.default_rng(asked.seed))
        write_test(tracks, pairs, excerpts, CALMER if asked.calmer else BETTER, asked.seed, asked.out)
    except ExtrapError as error:
        parser.error(str(error))
    print(asked.out / "listen.html")


if __name__ == "__main__":
    main()
