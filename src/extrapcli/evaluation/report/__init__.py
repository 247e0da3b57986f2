"""The report on a track: a page and a JSON file beside it."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from extrapcli.analysis.beats import BarBeat
from extrapcli.atomic import atomic_file, is_folder, is_same_file, is_special, refuse_existing
from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.continuation import Join
from extrapcli.errors import CannotWrite, UsageError
from extrapcli.extrapolators.base import Jump, Sound
from extrapcli.mood.meter import Mood

PAGE_SUFFIXES = (".html", ".htm")
JUMP_NUMBERS = ("from_seconds", "to_seconds", "score", "flux_percentile", "level_percentile")


def report_paths(track: Path, out: Path | None = None) -> tuple[Path, Path]:
    """Return where the page and the JSON of a track go: beside it, in the folder `out`, or `out` itself, a page.

    Raises UsageError for an `out` with another name, CannotWrite where its folder is missing.
    """
    if out is None and is_special(track):
        raise UsageError(f"{track}: a pipe has no folder for a report; name one for it")
    if out is None or is_folder(out):
        page = (out or track.parent) / f"{track.name}.html"
    elif out.suffix.lower() in PAGE_SUFFIXES:
        page = out
    else:
        raise UsageError(f"{out}: a report is a page; name a folder, or a file that ends in .html")
    if not is_folder(page.parent):
        raise CannotWrite(f"{page}: there is no folder {page.parent}; make it first")
    return page, page.with_suffix(".json")


def read_joins(path: Path) -> list[Join]:
    """Read joins from a JSON file, `{"joins": [{"seconds": 30, "fade_seconds": 0.1}, ...]}`, in order of time.

    A missing fade is 0. Raises UsageError for anything else.
    """
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        rows = listed["joins"] if isinstance(listed, dict) and "joins" in listed else None
        joins = [_join(row) for row in rows] if isinstance(rows, list) else []
        reason = "it has no list of joins"
    except OSError as error:
        joins, reason = [], str(error.strerror)
    except (ValueError, RecursionError):
        joins, reason = [], "it is not JSON, or a join has no seconds of 0 or more"
    if not joins:
        raise UsageError(f"{path}: lists no joins ({reason}); give the JSON of a track")
    return sorted(joins, key=lambda join: join.seconds)


def _join(row: Any) -> Join:
    """Make a join of its JSON; raise ValueError for anything else."""
    times: list[Any] = [row.get("seconds"), row.get("fade_seconds", 0)] if isinstance(row, dict) else [None]
    if not all(_is_number(time) and time >= 0 for time in times):
        raise ValueError
    seconds, fade_seconds = times
    sounds = row.get("sounds", ())
    found = [_sound(sound) for sound in sounds] if isinstance(sounds, list) else []
    return Join(float(seconds), float(fade_seconds), _jump(row.get("jump")), tuple(filter(None, found)))


def _sound(row: Any) -> Sound | None:
    """Make a sound of its JSON; return None where something of it is missing."""
    if not isinstance(row, dict) or not isinstance(row.get("layer"), str):
        return None
    times: list[Any] = [row.get("seconds"), row.get("song_seconds")]
    return Sound(row["layer"], *times) if all(map(_is_number, times)) else None


def _jump(row: Any) -> Jump | None:
    """Make a jump of its JSON; return None where something of it is missing."""
    if not isinstance(row, dict) or not isinstance(row.get("layer"), str):
        return None
    numbers: dict[str, Any] = {name: row.get(name) for name in JUMP_NUMBERS}
    if not all(map(_is_number, numbers.values())):
        return None
    from_beat, to_beat = (_bar_beat(row.get(name)) for name in ("from_beat", "to_beat"))
    return Jump(row["layer"], **numbers, from_beat=from_beat, to_beat=to_beat)


def _is_number(value: Any) -> bool:
    """Return whether a value is a number that a float can hold."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _bar_beat(row: Any) -> BarBeat | None:
    """Make a beat of its JSON; return None for anything else."""
    whole = isinstance(row, dict) and type(row.get("bar")) is type(row.get("beat")) is int
    return BarBeat(row["bar"], row["beat"]) if whole else None


def write_report(
    track: Path,
    song: Song,
    *,
    out: Path | None = None,
    joins: Sequence[Join] | None = None,
    truth: Song | None = None,
    overwrite: bool = False,
    inputs: tuple[Path, ...] = (),
    device: str = "cpu",
    threads: int | None = None,
    mood: Mood | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[str, tuple[Path, Path]]:
    """Evaluate the track in a file and write the report; return the JSON, and the paths of page and JSON.

    `mood` is that of a track that was steered. Neither path may be one of the `inputs`. Raises what `report_paths`,
    `decode`, `evaluate_track` and `atomic_file` raise.
    """
    paths = report_paths(track, out)
    for path in paths:
        if any(is_same_file(path, source) for source in inputs):
            raise UsageError(f"{path}: is read for this report; write the report under another name")
        refuse_existing(path, overwrite)
    from extrapcli.evaluation.head import match_format
    from extrapcli.evaluation.report.page import page
    from extrapcli.evaluation.track import evaluate_track

    decoded = decode(track, name=str(track))
    evaluation = evaluate_track(
        decoded, song, joins=joins, truth=truth, device=device, threads=threads, progress=progress
    )
    evaluation = replace(evaluation, mood=mood)
    if progress:
        progress("drawing the page")
    html, text = page(evaluation, song, match_format(decoded, song)), evaluation.to_json()
    with (
        atomic_file(paths[0], source=track, overwrite=overwrite) as page_file,
        atomic_file(paths[1], source=track, overwrite=overwrite) as json_file,
    ):
        page_file.write_text(html, encoding="utf-8", errors="replace")  # names of files need not be text
        json_file.write_text(text + "\n", encoding="utf-8")
    return text, paths
