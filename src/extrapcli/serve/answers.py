"""Answers of the HTTP API: jobs, errors, and what comes while things are made: sound from a growing file, events."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response, StreamingResponse

from extrapcli.serve.crew import Crew
from extrapcli.serve.guard import Broken
from extrapcli.serve.jobs import ACTIVE, EVENTS, Job, Jobs, Kind, NoSuchJob
from extrapcli.serve.listening import SOUND, sound_bytes
from extrapcli.serve.site import Site

LOOK_SECONDS, WAITING_SECONDS = 0.05, 0.25
PIECE_BYTES = 1 << 18
RANGE = re.compile(r"bytes=\s*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))\s*(?:,.*)?")

MEANINGS = {
    400: "the request is broken",
    401: "the token is missing",
    403: "another site asks",
    404: "it isn't here",
    408: "nothing more of it came",
    411: "the length is missing",
    413: "it is too large",
    415: "it is of another type",
    422: "it makes no sense",
    429: "too much is waiting",
    507: "the server's disk is full",
}


class ErrorAnswer(BaseModel):
    """An error, in a sentence."""

    error: str


class JobAnswer(BaseModel):
    """A job: something that is made, or was. See the events for how far it is."""

    id: str
    kind: Kind
    parent: str | None
    number: int
    name: str
    created: float
    state: str
    ahead: int
    error: str | None
    request: dict[str, Any]
    result: dict[str, Any] | None


def answer(site: Site, job: Job) -> JobAnswer:
    """Tell of a job what may be told."""
    facts = {name: value for name, value in asdict(job).items() if name != "owner"}
    return JobAnswer(**facts, ahead=site.crew.ahead(job) if job.state == "waiting" else 0)


def sound(jobs: Jobs, job: Job, headers: Headers) -> Response:
    """Answer with the sound of a job, or a part of it (RFC 9110, 14), as it is made."""
    path = jobs.folder(job) / SOUND
    size = sound_bytes(path) if path.is_file() else 0
    if not size:
        return JSONResponse({"error": "there is no sound of this yet"}, 404)
    about = {"Accept-Ranges": "bytes", "Content-Type": "audio/wav"}
    asked = headers.get("range", "")
    begin, end = 0, size
    if RANGE.fullmatch(asked):
        part = parse_range(asked, size)
        if not part:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        begin, end = part
        about["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    about["Content-Length"] = str(end - begin)
    return StreamingResponse(_grown(jobs, job, path, begin, end), 206 if "Content-Range" in about else 200, about)


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """Return the first byte that a Range asks for, and the one after its last; None where there are none.

    Of several ranges, it is the first. One that can't be read asks for everything.
    """
    found = RANGE.fullmatch(text)
    if not found:
        return 0, size
    first, last, suffix = found.groups()
    if suffix:
        return (max(0, size - int(suffix)), size) if int(suffix) else None
    end = min(size, int(last) + 1) if last else size
    return (int(first), end) if int(first) < end else None


async def _grown(jobs: Jobs, job: Job, path: Path, begin: int, end: int) -> AsyncIterator[bytes]:
    """Yield a part of a file, waiting for what isn't there yet. Raises Broken where that doesn't come any more."""
    with path.open("rb") as file:
        file.seek(begin)
        while begin < end:
            is_over = job.state not in ACTIVE or not _is_here(jobs, job)
            piece = await asyncio.to_thread(file.read, min(PIECE_BYTES, end - begin))
            begin += len(piece)
            if piece:
                yield piece
            elif is_over:
                raise Broken
            else:
                await asyncio.sleep(LOOK_SECONDS)


async def events(jobs: Jobs, crew: Crew, job: Job, last: int) -> AsyncIterator[ServerSentEvent]:
    """Yield what is told of a job, after the first `last` events, until it is over."""
    path, ahead, position, number, rest = jobs.folder(job) / EVENTS, -1, 0, 0, b""
    working = False
    while True:
        state = job.state if _is_here(jobs, job) else "failed"
        if new := await asyncio.to_thread(_after, path, position):
            position += len(new)
            *lines, rest = (rest + new).split(b"\n")
            for line in lines:
                number += 1
                if number > last:
                    yield ServerSentEvent(raw_data=line.decode(), id=str(number))
        if state not in ACTIVE:
            error = job.error if _is_here(jobs, job) else "this was deleted"
            yield ServerSentEvent(raw_data=json.dumps({"type": "state", "state": state, "error": error}))
            return
        if state == "working" and not working:
            working = True
            yield ServerSentEvent(raw_data=json.dumps({"type": "state", "state": state, "error": None}))
        if state == "waiting" and (now := crew.ahead(job)) != ahead:
            ahead = now
            yield ServerSentEvent(raw_data=json.dumps({"type": "waiting", "ahead": ahead}))
        await asyncio.sleep(WAITING_SECONDS if state == "waiting" else LOOK_SECONDS)


def _after(path: Path, position: int) -> bytes:
    """Return what a file has after a position; nothing where there is no file."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(position)
        return file.read()
    return b""


def _is_here(jobs: Jobs, job: Job) -> bool:
    try:
        return jobs[job.id] is job
    except NoSuchJob:
        return False
