"""Add to a corpus what `voice` is trained with: `python training/voices/make.py CORPUS`.

Makes these folders, of mono FLAC files at 22,050 Hz, 40 s each, beside the songs of the corpus:

    voices              speech and song by espeak-ng, and by people whose recordings Debian has
    voices-validation   the same by people who are not in `voices`
    leads               melodies on instruments that lead as a voice does, with vibrato and glides
    leads-validation    some more of these

Needs `pip install "extrapcli[train,melody]" espeakng-loader pyworld`, the commands apt-get, dpkg and ffmpeg, and
fluidsynth with the sound fonts of the packages fluid-soundfont-gm and timgm6mb-soundfont. A file that is there
already is kept, so the command can be run again.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from leads import lead
from numpy.typing import NDArray
from speakers import HELD_OUT, SPEAKERS, fetch, recorded

from extrapcli.networks.settings import FRAME_SAMPLES
from extrapcli.training.voices import Performance, perform

SECONDS = 40
SYNTHETIC, RECORDED, LEADS = 160, 121, 95
LEADS_HELD_OUT = 8  # one in so many
LANGUAGES = ("pt", "pl", "cs", "nl", "fi", "la", "hu")
HIGH_VARIANTS = ("f1", "f3", "Annie", "Alicia", "belinda", "linda", "steph", "anika", "aunty", "grandma", "shelby")
LOW_VARIANTS = (
    *("m2", "m4", "m5", "m6", "m8", "Alex", "Andy", "Denis", "Gene", "Hugo", "Jacky", "Lee", "Marco", "Michael"),
    *("adam", "antonio", "benjamin", "boris", "caleb", "david", "ed", "edward", "grandpa", "iven", "john", "max"),
    *("michel", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "travis", "victor", "zac", "croak"),
)


def synthetic(rng: np.random.Generator) -> NDArray[np.float32]:
    """Let espeak-ng speak or sing."""
    high = bool(rng.random() < 0.5)
    voice = f"{rng.choice(LANGUAGES)}+{rng.choice(HIGH_VARIANTS if high else LOW_VARIANTS)}"
    how = Performance(
        kind="sung" if rng.random() < 0.65 else "spoken",
        voice=voice,
        high=high,
        tonic=int(rng.integers(12)),
        minor=bool(rng.random() < 0.5),
        beat=float(rng.uniform(0.35, 0.9)),
    )
    return perform(how, SECONDS, FRAME_SAMPLES, rng).samples


def write(path: Path, make: Callable[[np.random.Generator], NDArray[np.floating]], seed: tuple[int, ...]) -> None:
    """Write what `make` makes with a generator of that seed, unless the file is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = make(np.random.default_rng(seed))[: SECONDS * FRAME_SAMPLES]
    soundfile.write(path, 0.97 * samples / max(float(np.abs(samples).max()), 1e-9), FRAME_SAMPLES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    corpus = parser.parse_args().corpus
    for number in range(SYNTHETIC):
        write(corpus / "voices" / f"espeak-{number:03}.flac", synthetic, (1, number))
    speech = fetch(corpus / ".recordings")
    for number in range(RECORDED):
        speaker = SPEAKERS[number % len(SPEAKERS)]
        folder = "voices-validation" if speaker in HELD_OUT else "voices"
        clips = speech[speaker]
        path = corpus / folder / f"{speaker}-{number:03}.flac"
        write(path, partial(recorded, clips, SECONDS), (2, number))
    for number in range(LEADS):
        folder = "leads" if number % LEADS_HELD_OUT else "leads-validation"
        write(corpus / folder / f"lead-{number:03}.flac", partial(lead, SECONDS), (3, number))


if __name__ == "__main__":
    main()
