"""Accompaniments by MMA (Musical MIDI Accompaniment), a program with hundreds of styles; and a tune over them."""

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

LIBRARY = Path("/usr/share/mma/lib")
ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
DEGREES = ((0, ""), (2, "m"), (4, "m"), (5, ""), (7, "7"), (9, "m"))  # semitones from the key, and the chord's kind
PROGRESSIONS = ((0, 5, 3, 4), (0, 3, 4, 0), (5, 3, 0, 4), (0, 1, 4, 0), (0, 4, 5, 3), (0, 2, 3, 4), (0, 0, 3, 4))
SECTION_BARS = 8


def groove_files() -> list[Path]:
    """List the files of MMA's library that define grooves."""
    return [path for path in sorted(LIBRARY.rglob("*.mma")) if path.parent.name != "MMA" and _grooves(path)]


def _grooves(path: Path) -> list[str]:
    text = path.read_text("latin-1")
    return re.findall(r"^\s*DefGroove\s+(\S+)", text, re.IGNORECASE | re.MULTILINE)


def groove_song(path: Path, rng: np.random.Generator, seconds: float) -> tuple[bytes, str]:
    """Let MMA play a chord sheet with the grooves of one file; return the MIDI file and the name of the main groove.

    Raises ValueError where MMA can't.
    """
    grooves = [name for name in _grooves(path) if not re.search(r"intro|end|fill", name, re.IGNORECASE)]
    fills = [name for name in _grooves(path) if re.search("fill", name, re.IGNORECASE)]
    if not grooves:
        raise ValueError(f"{path.name}: no groove but fills and endings")
    used = [grooves[rng.integers(len(grooves))] for _ in range(2)]
    tempo, key = float(np.exp(rng.uniform(*np.log((70, 180))))), int(rng.integers(12))
    lines = [f"Tempo {tempo:.1f}"]
    bars = int(seconds * tempo / 60 / 3) + SECTION_BARS
    for first in range(0, bars, SECTION_BARS):
        progression = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
        lines.append(f"Groove {path.parent.name}/{path.stem}:{used[first // SECTION_BARS // 2 % 2]}")
        for bar in range(first, first + SECTION_BARS):
            if fills and bar % SECTION_BARS == SECTION_BARS - 1:
                lines.append(f"Groove {path.parent.name}/{path.stem}:{fills[rng.integers(len(fills))]}")
            step, kind = DEGREES[progression[bar % len(progression)]]
            lines.append(f"{bar + 1} {ROOTS[(key + step) % 12]}{kind}")
    with tempfile.TemporaryDirectory() as folder:
        sheet, midi = Path(folder, "sheet.mma"), Path(folder, "sheet.mid")
        sheet.write_text("\n".join(lines) + "\n")
        done = subprocess.run(["mma", sheet, "-f", midi], capture_output=True, text=True, timeout=60)
        if done.returncode or not midi.exists():
            raise ValueError(f"{path.name}: {done.stdout.strip()[-100:]}")
        return midi.read_bytes(), used[0]
