"""Make the clips of docs/listen.html: for each song its beginning, and the track that `extrap continue` makes of it.

.venv/bin/python docs/sounds.py docs/sounds
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

from extrapcli.audio.decode import decode
from extrapcli.audio.preview import opus

DATA = Path(__file__).parents[1] / "tests" / "data"
SONGS = {
    "awakening": DATA / "song.mp3",
    "ivory-tower": DATA / "clips" / "ivory-tower.opus",
    "chaos-god": DATA / "clips" / "chaos-god.opus",
}
SONG_SECONDS, TRACK_MINUTES = 30, 1
SONG_KILOBITS, TRACK_KILOBITS = 64, 36  # a second: every clip stays below 300 kB


def main(out: Path) -> None:
    for name, path in SONGS.items():
        song = decode(path)
        beginning = song.samples[: SONG_SECONDS * song.sample_rate]
        with tempfile.TemporaryDirectory() as folder:
            before, after = Path(folder) / "song.wav", Path(folder) / "track.flac"
            soundfile.write(before, beginning, song.sample_rate, "FLOAT")
            extrap = Path(sys.executable).with_name("extrap")
            options = f"--minutes {TRACK_MINUTES} --device cpu --quiet".split()
            subprocess.run([extrap, "continue", before, "-o", after, *options], check=True, stdout=subprocess.DEVNULL)
            track = decode(after)
        for kind, samples, kilobits in (
            ("before", beginning, SONG_KILOBITS),
            ("after", track.samples, TRACK_KILOBITS),
        ):
            clip = out / f"{name}-{kind}.opus"
            clip.write_bytes(opus(samples, song.sample_rate, kilobits=kilobits))
            print(clip, clip.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
