"""Cuts the clips of `tests/data/clips` from the corpus that `training/corpus/fetch` lays out in some folder CORPUS.

.venv/bin/python tests/data/cut.py CORPUS
"""

import sys
from pathlib import Path

from extrapcli.audio.decode import decode
from extrapcli.audio.preview import encode_opus

SECONDS, KILOBITS = 38, 40
CLIPS = {
    "ivory-tower": ("hyperrogue-music__hr-savino-ivory.ogg", 10),
    "main-theme": ("unknown-horizons__main_theme.ogg", 20),
    "contemplation": ("zaz-data__mus2.ogg", 20),
    "chaos-god": ("fretsonfire-songs-muldjord__song.ogg", 40),
    "credits-ballad": ("extremetuxracer-data__credits1-cp.ogg", 30),
}
"""By the name of each clip the file that it is cut from, and the second at which it begins."""


def main(corpus: Path) -> None:
    for name, (file, begin) in CLIPS.items():
        song = decode(corpus / "train" / file)
        cut = song.samples[begin * song.sample_rate : (begin + SECONDS) * song.sample_rate]
        path = Path(__file__).parent / "clips" / f"{name}.opus"
        path.write_bytes(encode_opus(cut, song.sample_rate, kilobits=KILOBITS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
