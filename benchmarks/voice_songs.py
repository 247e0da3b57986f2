"""Make songs with a voice whose words' times are known: `voice_songs.py CORPUS OUT [--count 60]`.

A voice of espeak-ng speaks or sings, in the song's key and on its beat, over an instrumental song of the validation
split. Two thirds of the songs last 30 s, the others two minutes. The voice lies -12, -6, 0 or 6 dB above the music it
sounds with. Writes `NN-kind-song.flac` and, beside it, a JSON file with `words` (text, begin, end) and `phrases`
(begin, end), in seconds. Needs `pip install "extrapcli[train]" espeakng-loader`.
"""

import argparse
import json
from pathlib import Path

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

from extrapcli.audio.decode import decode
from extrapcli.audio.downmix import to_mono
from extrapcli.dsp import chroma, key_correlations
from extrapcli.training.corpus import Corpus
from extrapcli.training.voices import Kind, Performance, perform

VOICES = (  # of the languages and variants that the voice model is not trained on
    ("en+f2", True),
    ("de+m1", False),
    ("fr+f4", True),
    ("es+m3", False),
    ("it+f5", True),
    ("sv+m7", False),
)
LEVELS_DB = (-12, -6, 0, 6)
KINDS: tuple[Kind, Kind] = ("sung", "spoken")
SHORT_SECONDS, LONG_SECONDS = 30, 120
LONGEST_BEAT_SECONDS = 0.6


def mix(music: NDArray[np.float32], voice: NDArray[np.float32], level_db: float) -> NDArray[np.float32]:
    """Add a mono voice `(n,)` to music `(n, channels)`, at a level relative to the music that it sounds with."""
    sounding = np.abs(voice) > 0.01 * np.abs(voice).max()
    ratio = np.sqrt(np.mean(music[sounding] ** 2) / np.mean(voice[sounding] ** 2))
    mixed = music + (voice * ratio * 10 ** (level_db / 20))[:, None].astype(np.float32)
    peak = float(np.abs(mixed).max())
    louder: NDArray[np.float32] = mixed * np.float32(min(1.0, 0.98 / peak))
    return louder


def make(song: Path, out: Path, number: int) -> None:
    """Make song number `number` over the music in `song`."""
    rng = np.random.default_rng(number)
    pair = number // 2
    kind, level_db = KINDS[number % 2], LEVELS_DB[pair % 4]
    voice, high = VOICES[(pair + pair // 4) % len(VOICES)]
    seconds = LONG_SECONDS if number % 3 == 2 else SHORT_SECONDS
    read = decode(song)
    rate = read.sample_rate
    length = min(seconds * rate, len(read.samples))
    begin = int(rng.integers(len(read.samples) - length + 1))
    music = read.samples[begin : begin + length].astype(np.float32)
    mono = to_mono(music, rate)
    correlations = key_correlations(np.roll(chroma(mono, sample_rate=rate, hop=rate // 2).mean(axis=0), -3))
    minor, tonic = divmod(int(correlations.argmax()), 12)
    tempo = float(np.atleast_1d(librosa.beat.beat_track(y=mono, sr=rate)[0])[0]) or 120.0
    beat = 60 / tempo
    while beat > LONGEST_BEAT_SECONDS:
        beat /= 2
    how = Performance(kind=kind, voice=voice, high=high, tonic=tonic, minor=bool(minor), beat=beat)
    stem = perform(how, length / rate, rate, rng)
    name = f"{number:02}-{kind}-{song.stem.partition('__')[2].replace(' ', '-')}"
    soundfile.write(out / f"{name}.flac", mix(music, stem.samples, level_db), rate)
    facts = {
        "song": song.name,
        "begin": begin / rate,
        "seconds": length / rate,
        "kind": kind,
        "voice": voice,
        "level_db": level_db,
        "beat": beat,
        "words": [[word.text, round(word.begin, 4), round(word.end, 4)] for word in stem.words],
        "phrases": [[round(phrase.begin, 4), round(phrase.end, 4)] for phrase in stem.phrases],
    }
    (out / f"{name}.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=60, help="how many songs")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    songs = Corpus.open(arguments.corpus).songs("validation")
    for number in range(arguments.count):
        make(songs[number % len(songs)], arguments.out, number)


if __name__ == "__main__":
    main()
