"""Draw the mood of a track beside the one that was wanted: `python docs/picture_mood.py JSON PICTURE`.

JSON is the line that `extrap continue --arc ... --json` printed for the track.
"""

import json
import sys
from pathlib import Path

from extrapcli import Mood
from extrapcli.evaluation.mood_picture import draw_following


def main(facts_path: Path, picture: Path) -> None:
    draw_following(Mood(**json.loads(facts_path.read_text())["mood"]), picture, overwrite=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
