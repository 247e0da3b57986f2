"""The routes of the HTTP API."""

from collections.abc import AsyncIterator
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from extrapcli.audio.formats import FORMATS
from extrapcli.errors import UnreadableAudio, UnusableModel, UsageError
from extrapcli.melody.tune_files import MOST_BYTES, SUFFIXES
from extrapcli.models import DEFAULT, Card, folders, read_card
from extrapcli.serve import answers
from extrapcli.serve.answers import MEANINGS, ErrorAnswer, JobAnswer, answer
from extrapcli.serve.guard import TOKEN_COOKIE, Guard, cookie
from extrapcli.serve.jobs import SCORE, SEED, Job, Kind, NoSuchJob
from extrapcli.serve.listening import PEAKS
from extrapcli.serve.requests import (
    Body,
    FileRequest,
    LibraryRequest,
    LoopsRequest,
    SessionRequest,
    TrackRequest,
    TuneRequest,
)
from extrapcli.serve.site import Site, shown_name

SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:; font-src data:"
)
ANY_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
UPLOADED = {"requestBody": {"required": True, "content": ANY_BYTES}}


router = APIRouter(
    prefix="/api", responses={status: {"model": ErrorAnswer, "description": why} for status, why in MEANINGS.items()}
)


def _kinds(*types: str) -> dict[str, Any]:
    """Document the types of an answer that isn't JSON."""
    return {"response_class": Response, "responses": {200: {"content": {kind: {} for kind in types}}}}


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def _owner(request: Request) -> str:
    owner: str = request.state.owner
    return owner


AnySite = Annotated[Site, Depends(_site)]
Owner = Annotated[str, Depends(_owner)]
Name = Annotated[str, Query(max_length=1000, description="the name of the file, for people")]


def _job(id: Annotated[str, InPath(pattern="^[0-9a-f]{32}$")], site: AnySite) -> Job:
    return site.jobs[id]


AnyJob = Annotated[Job, Depends(_job)]


async def _listening(site: AnySite) -> AsyncIterator[None]:
    with site.listening():
        yield


def _song(job: AnyJob) -> Job:
    if job.kind != "song":
        raise NoSuchJob("this is no song")
    return job


ASong = Annotated[Job, Depends(_song)]


@router.get("/session")
def signed_in(request: Request) -> dict[str, bool]:
    """Tell whether a browser is signed in, or needs no token."""
    guard: Guard = request.app.state.guard
    return {"signed_in": guard.knows(guard.token_of(request.headers))}


@router.post("/session", status_code=204)
def sign_in(request: Request, session: SessionRequest) -> Response:
    """Sign in with the token: the answer sets a cookie. A program can send `Authorization: Bearer TOKEN` instead."""
    guard: Guard = request.app.state.guard
    if not guard.knows(session.token):
        return JSONResponse({"error": "that isn't the token"}, 401)
    headers = {"Set-Cookie": cookie(TOKEN_COOKIE, guard.token)} if guard.token else {}
    return Response(status_code=204, headers=headers)


@router.get("/about")
def about(site: AnySite) -> dict[str, Any]:
    """Tell what this server can do."""
    cards = list[Card]()
    for folder in folders():
        with suppress(UnusableModel):  # of one that is damaged
            cards.append(read_card(folder))
    return {
        "version": version("extrapcli"),
        "library": site.library is not None,
        "models": [
            {"name": card.name, "title": card.title}
            for card in sorted(cards, key=lambda card: card.name != DEFAULT)
            if card.continues
        ],
        "formats": list(FORMATS),
        "limits": {"upload_bytes": site.limits.upload_bytes, "minutes": site.limits.minutes},
        "has_melody": find_spec("music21") is not None and find_spec("verovio") is not None,
        "has_report": find_spec("mir_eval") is not None,
    }


@router.get("/library")
def library(site: AnySite) -> list[str]:
    """List the songs in the server's folder."""
    return site.library.songs() if site.library else []


@router.post("/library/songs", status_code=201)
def take_song(site: AnySite, owner: Owner, wanted: LibraryRequest) -> JobAnswer:
    """Take a song from the server's folder."""
    if site.library is None or wanted.path not in site.library:
        raise UnreadableAudio(f"{wanted.path}: there is no such song in the folder")
    return answer(site, site.add("song", owner, shown_name(wanted.path), {"path": wanted.path}))


@router.post("/songs", status_code=201, openapi_extra=UPLOADED)
async def send_song(request: Request, site: AnySite, owner: Owner, name: Name = "song") -> JobAnswer:
    """Send a song: the body is the file."""
    most, sent = site.limits.upload_bytes, request.stream()
    taken = await site.upload("song", owner, shown_name(name), sent, most=most, declared=_declared(request))
    return answer(site, taken)


@router.post("/seeds", status_code=201, openapi_extra=UPLOADED)
async def send_seed(request: Request, site: AnySite, owner: Owner, name: Name = "tune.mid") -> JobAnswer:
    """Send a MIDI, MusicXML, ABC or Humdrum file, whose first notes a tune may begin with."""
    suffix = Path(shown_name(name)).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{shown_name(name)}: isn't a score or MIDI file; use {', '.join(sorted(SUFFIXES))}")
    file = f"{SEED}{suffix}"
    taken = await site.upload(
        "seed", owner, shown_name(name), request.stream(), file=file, most=MOST_BYTES, declared=_declared(request)
    )
    return answer(site, taken)


@router.post("/songs/{id}/tracks", status_code=201)
def make_track(song: ASong, site: AnySite, owner: Owner, wanted: TrackRequest) -> JobAnswer:
    """Continue a song."""
    wanted.style()
    length = wanted.track_length()
    if song.result:
        seconds, rate = song.result["seconds"], song.result["sample_rate"]
        site.limits.track_samples(length, round(seconds * rate), rate, song.name)
    return _made(site, owner, "track", song, wanted)


@router.post("/songs/{id}/loops", status_code=201)
def find_loops(song: ASong, site: AnySite, owner: Owner, wanted: LoopsRequest) -> JobAnswer:
    """Find the loops of a song."""
    wanted.wish()
    return _made(site, owner, "loops", song, wanted)


@router.post("/tunes", status_code=201)
def write_tune(site: AnySite, owner: Owner, wanted: TuneRequest) -> JobAnswer:
    """Write a tune that begins with some notes, or with a file that was sent."""
    seed = site.jobs[wanted.seed] if wanted.seed is not None else None
    if seed and seed.kind != "seed":
        raise NoSuchJob("this is no seed of a tune")
    return _made(site, owner, "tune", seed, wanted)


@router.post("/jobs/{id}/files", status_code=201)
def make_file(job: AnyJob, site: AnySite, owner: Owner, wanted: FileRequest) -> JobAnswer:
    """Make a file of a track, a loop or a tune, to be downloaded."""
    wanted.check(job.kind)
    return _made(site, owner, "file", job, wanted)


@router.post("/jobs/{id}/report", status_code=201)
def make_report(job: AnyJob, site: AnySite, owner: Owner) -> JobAnswer:
    """Measure a track."""
    if job.kind != "track":
        raise UsageError("only a track can be measured")
    return answer(site, site.add("report", owner, job.name, {}, parent=job))


@router.get("/jobs")
def my_jobs(site: AnySite, owner: Owner) -> list[JobAnswer]:
    """List what this browser asked for, the newest first."""
    return [answer(site, job) for job in site.jobs if job.owner == owner][::-1]


@router.get("/jobs/{id}")
def job(job: AnyJob, site: AnySite) -> JobAnswer:
    """Tell what is known of a job."""
    return answer(site, job)


@router.delete("/jobs/{id}", status_code=204)
def delete(job: AnyJob, site: AnySite) -> Response:
    """Delete a job with all that was made of it; what is being made is stopped."""
    site.delete(job)
    return Response(status_code=204)


@router.get("/jobs/{id}/events", response_class=EventSourceResponse, dependencies=[Depends(_listening)])
async def events(
    job: AnyJob, site: AnySite, last_event_id: Annotated[str | None, Header(max_length=20)] = None
) -> AsyncIterator[ServerSentEvent]:
    """Tell how far a job is, as server-sent events, until it is over."""
    last = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    async for event in answers.events(site.jobs, site.crew, job, last):
        yield event


@router.get("/jobs/{id}/sound", **_kinds("audio/wav"))
def sound(job: AnyJob, site: AnySite, request: Request) -> Response:
    """Play a song, a track while it is being made, or a tune: a WAV of 16 bits."""
    return answers.sound(site.jobs, job, request.headers)


@router.get("/jobs/{id}/peaks", **_kinds("application/octet-stream"))
def peaks(job: AnyJob, site: AnySite) -> Response:
    """Draw the waveform of a song or a track: a byte for each twentieth of a second, 255 for full scale."""
    path = site.jobs.folder(job) / PEAKS
    return Response(path.read_bytes() if path.is_file() else b"", media_type="application/octet-stream")


@router.get("/jobs/{id}/file", **_kinds("application/octet-stream"))
def file(job: AnyJob, site: AnySite) -> Response:
    """Download a file that was made."""
    path, name = _ready(site, job, "file")
    return FileResponse(path, filename=name, media_type="application/octet-stream")


@router.get("/jobs/{id}/page", **_kinds("text/html"))
def page(job: AnyJob, site: AnySite) -> Response:
    """Show a report."""
    path, _ = _ready(site, job, "report")
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": SANDBOX})


@router.get("/jobs/{id}/score", **_kinds("image/svg+xml"))
def score(job: AnyJob, site: AnySite) -> Response:
    """Show the score of a tune, as SVG."""
    path = site.jobs.folder(job) / SCORE
    if job.kind != "tune" or job.state != "done" or not path.is_file():
        raise NoSuchJob("there is no score of this yet")
    return FileResponse(path, media_type="image/svg+xml", headers={"Content-Security-Policy": SANDBOX})


def _made(site: Site, owner: str, kind: Kind, parent: Job | None, wanted: Body) -> JobAnswer:
    name = parent.name if parent else "tune"
    return answer(site, site.add(kind, owner, name, wanted.model_dump(mode="json"), parent=parent))


def _declared(request: Request) -> int | None:
    """Return how many bytes a request says that it has; None where it doesn't say."""
    length = request.headers.get("content-length")
    return None if length is None else int(length)


def _ready(site: Site, job: Job, kind: Kind) -> tuple[Path, str]:
    """Return the file of a job that is done, and its name for people. Raises NoSuchJob."""
    if job.kind != kind or job.state != "done" or job.result is None:
        raise NoSuchJob("there is no file of this yet")
    return site.jobs.folder(job) / job.result["file"], job.result["name"]
