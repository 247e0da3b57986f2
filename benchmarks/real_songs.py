"""Continue ten corpus songs in six formats to 3 minutes and check the tracks: `real_songs.py CORPUS`.

Songs that have to be converted are cut to a minute. The tracks are made by the command line, but read back by
libsndfile or FFmpeg. Prints a Markdown table; the exit status is 1 if a check fails.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

SONGS = [
    ("validation/fillets-ng-data__menu.ogg", "ogg"),
    ("validation/wesnoth-1.16-music__revelation.ogg", "ogg"),
    ("train/btanks-data__country.ogg", "ogg"),
    ("train/warzone2100-music__menu.opus", "opus"),
    ("train/colobot-common-sounds__music010.ogg", "flac"),
    ("train/hedgewars-data__sdmusic.ogg", "flac"),
    ("train/lugaru-data__Music1Grass.ogg", "wav"),
    ("train/unknown-horizons__chapel.ogg", "wav"),
    ("train/asc-music__frontiers.mp3", "mp3"),
    ("validation/fillets-ng-data__rybky01.ogg", "m4a"),
]
SECONDS = 180
FADE_SECONDS = 0.5


def ffmpeg(*args: str | Path) -> bytes:
    return subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *args], check=True, capture_output=True).stdout


def read(path: Path, channels: int, rate: int) -> NDArray[np.float32]:
    if path.suffix == ".m4a":
        raw = ffmpeg("-i", path, "-f", "f32le", "-ac", str(channels), "-ar", str(rate), "-")
        return np.frombuffer(raw, np.float32).reshape(-1, channels)
    samples: NDArray[np.float32] = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return samples


def prepare(source: Path, format: str, folder: Path) -> Path:
    """Copy the song if it has the format and is short enough, else convert its first minute with FFmpeg."""
    song = folder / f"{source.stem.partition('__')[2]}.{format}"
    if source.suffix == f".{format}" and soundfile.info(source).duration < SECONDS:
        song.write_bytes(source.read_bytes())
    else:
        ffmpeg("-i", source, "-t", "60", "-y", song)
    return song


def check(song: Path) -> tuple[str, bool]:
    started = time.monotonic()
    done = subprocess.run(
        ["extrap", "continue", song, "--minutes", "3", "--model", "study", "--json", "--quiet"],
        check=True,
        capture_output=True,
    )
    seconds = time.monotonic() - started
    facts = json.loads(done.stdout)
    rate, channels = facts["sample_rate"], facts["channels"]
    before, after = read(song, channels, rate), read(Path(facts["track"]), channels, rate)
    head = facts["song_samples"] - round(FADE_SECONDS * rate)
    noise = float(np.square(after[:head] - before[:head]).mean())
    ratio = 10 * np.log10(np.square(before[:head]).mean() / noise) if noise else np.inf
    rest = after[facts["song_samples"] :]
    windows = rest[: len(rest) // rate * rate].reshape(-1, rate * channels).std(axis=1)
    quietest = 20 * np.log10(windows.min() / before.std())
    lossless = song.suffix in (".wav", ".flac")
    spare = 1024 if song.suffix == ".m4a" else 0  # players differ in whether they cut the last frame of AAC
    good = (
        0 <= len(after) - SECONDS * rate < spare + 1
        and bool(np.isfinite(after).all())
        and float(windows.min()) > 1e-4
    )
    good &= ratio == np.inf if lossless else ratio > 10
    row = f"| {song.name} | {rate} Hz, {channels} | {len(before) / rate:.1f} s | {len(after) - SECONDS * rate} | "
    row += f"{'bit-exact' if noise == 0 else f'{ratio:.0f} dB'} | {quietest:+.1f} dB | {seconds:.1f} s |"
    return row, good


def main(corpus: Path) -> int:
    print(
        "| song | rate, channels | song | samples off 3 min | head compared with the song | quietest second | took |"
    )
    print("|---|---|---|---|---|---|---|")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, format in SONGS:
            row, good = check(prepare(corpus / name, format, Path(folder)))
            print(row, flush=True)
            bad += not good
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
