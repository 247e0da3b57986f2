"""A track and its song, evaluated, as a JSON file and a page beside the track."""

from importlib.util import find_spec
from pathlib import Path

from extrapcli.audio.decode import decode
from extrapcli.audio.song import Song
from extrapcli.errors import MissingDependency
from extrapcli.output import refuse_existing, whole_file

PACKAGES = ("scipy", "matplotlib", "mir_eval")


def check_installed() -> None:
    """Raise MissingDependency where the extra `report` is not installed."""
    if missing := [package for package in PACKAGES if not find_spec(package)]:
        raise MissingDependency(f"{', '.join(missing)}: not installed; pip install 'extrapcli[report]'")


def report_paths(track: Path) -> tuple[Path, Path]:
    """Where the JSON and the page of a track go."""
    return track.with_suffix(".json"), track.with_suffix(".html")


def write_report(
    path: Path,
    song: Song,
    *,
    to: Path | None = None,
    joins: list[tuple[float, float]] | None = None,
    truth: Song | None = None,
    overwrite: bool = False,
) -> tuple[str, list[Path]]:
    """Evaluate the track at `path`, as it can be heard there; give the JSON, and the paths of both files.

    They go beside the track, or to where `to` would lie. Raises what `decode`, `evaluate` and `whole_file` do.
    """
    from extrapcli.evaluation.evaluate import evaluate, matched
    from extrapcli.evaluation.report.page import page

    as_json, as_page = report_paths(to or path)
    for report in (as_json, as_page):
        refuse_existing(report, overwrite)
    track = decode(path, name=str(path))
    evaluation = evaluate(track, song, joins=joins, truth=truth)
    html = page(evaluation, song, matched(track, song))
    with (
        whole_file(as_page, source=path, overwrite=overwrite) as page_file,
        whole_file(as_json, source=path, overwrite=overwrite) as json_file,
    ):
        page_file.write_text(html, encoding="utf-8")
        json_file.write_text(evaluation.to_json() + "\n", encoding="utf-8")
    return evaluation.to_json(), [as_json, as_page]
