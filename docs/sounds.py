"""Make the clips of docs/listen.html: for each song its beginning, and the tracks that `extrap continue` makes of it.

.venv/bin/python docs/sounds.py docs/sounds
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.preview import encode_opus

DATA = Path(__file__).parents[1] / "tests" / "data"
SONGS = {
    "awakening": DATA / "song.mp3",
    "ivory-tower": DATA / "clips" / "ivory-tower.opus",
    "chaos-god": DATA / "clips" / "chaos-god.opus",
}
SONG_SECONDS, TRACK_MINUTES = 30, 1
TRACKS = {"after": "", "new": "--new 1"}  # and how they are made
SONG_KILOBITS, TRACK_KILOBITS = 64, 36  # a second: every clip stays below 300 kB


def main(out: Path) -> None:
    for name, path in SONGS.items():
        song = decode(path)
        beginning = song.samples[: SONG_SECONDS * song.sample_rate]
        clips = {"before": (beginning, SONG_KILOBITS)}
        with tempfile.TemporaryDirectory() as folder:
            before, after = Path(folder) / "song.wav", Path(folder) / "track.flac"
            soundfile.write(before, beginning, song.sample_rate, "FLOAT")
            extrap = Path(sys.executable).with_name("extrap")
            for kind, options in TRACKS.items():
                asked = f"--minutes {TRACK_MINUTES} {options} --device cpu --quiet --overwrite".split()
                subprocess.run(
                    [extrap, "continue", before, "-o", after, *asked], check=True, stdout=subprocess.DEVNULL
                )
                clips[kind] = decode(after).samples, TRACK_KILOBITS
        for kind, (samples, kilobits) in clips.items():
            clip = out / f"{name}-{kind}.opus"
            clip.write_bytes(encode_opus(samples, song.sample_rate, kilobits=kilobits))
            print(clip, clip.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
