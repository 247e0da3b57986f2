"""The application: the page, the HTTP API, its documentation, and what their errors look like."""

import asyncio
import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from extrapcli.errors import CannotWrite, ExtrapError
from extrapcli.serve import api
from extrapcli.serve.guard import Guard
from extrapcli.serve.jobs import Full, NoSuchJob, unwritten
from extrapcli.serve.site import Site, TooLarge, TooSlow

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{hash}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
STATUSES: dict[type[ExtrapError], int] = {NoSuchJob: 404, Full: 429, TooLarge: 413, TooSlow: 408, CannotWrite: 507}
ABOUT = """Submit a song, follow the job that is made of it by its events, hear what is made while it is made, and
download it. Every answer that is an error is `{"error": "a sentence"}`."""


def application(site: Site, *, token: str | None, names: frozenset[str]) -> ASGIApp:
    """Make the application of a site."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tidying = asyncio.create_task(site.keep_tidy())
        yield
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying

    app = FastAPI(
        title="extrap",
        version=version("extrapcli"),
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.site = site
    app.include_router(api.router)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.mount("/swagger", StaticFiles(packages=[("fastapi_offline", "static")]), name="swagger")

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        nonce = secrets.token_urlsafe(16)
        html = (PAGE / "index.html").read_text("utf-8").replace("{{nonce}}", nonce)
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY.format(nonce=nonce)})

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        answer = get_swagger_ui_html(
            openapi_url="openapi.json",
            title="extrap: HTTP API",
            swagger_js_url="swagger/swagger-ui-bundle.js",
            swagger_css_url="swagger/swagger-ui.css",
            swagger_favicon_url="data:,",
        )
        (script,) = re.findall(rb"<script>(.*?)</script>", bytes(answer.body), re.DOTALL)
        digest = b64encode(hashlib.sha256(script).digest()).decode()
        answer.headers["Content-Security-Policy"] = DOCS_POLICY.format(hash=digest)
        return answer

    @app.exception_handler(ExtrapError)
    def failed(request: Request, error: ExtrapError) -> Response:
        status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 422)
        return JSONResponse({"error": str(error)}, status)

    @app.exception_handler(FileNotFoundError)
    def gone(request: Request, error: FileNotFoundError) -> Response:
        return JSONResponse({"error": str(NoSuchJob())}, 404)

    @app.exception_handler(OSError)
    def full(request: Request, error: OSError) -> Response:
        return JSONResponse({"error": str(unwritten(error))}, 507)

    @app.exception_handler(ClientDisconnect)
    def left(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # which nobody reads

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        names = [str(part) for part in first["loc"][1:]]
        where = "the request" if first["type"] == "json_invalid" else ".".join(names) or "the request"
        reason = "is no JSON" if first["type"] == "json_invalid" else first["msg"]
        return JSONResponse({"error": f"{where}: {reason}"}, 422)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)

    app.state.guard = Guard(app, token=token, names=names, uploads=("/api/songs", "/api/seeds"))
    guard: ASGIApp = app.state.guard
    return guard
