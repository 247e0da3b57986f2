"""Keep strangers out: who may ask, from where, and what a browser may do with the answers."""

import re
import secrets
from ipaddress import ip_address

from anyio import BrokenResourceError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_COOKIE, OWNER_COOKIE = "extrap_token", "extrap_owner"
SAFE = ("GET", "HEAD", "OPTIONS")
HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
OWN_SITE = ("same-origin", "none")
BODY_TYPES = ("application/json", "application/octet-stream")
MOST_BODY_BYTES = 256 * 1024  # of anything but an upload
OPEN = ("/", "/api/session", "/favicon.ico")
OPEN_FOLDER = "/page/"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Broken(Exception):
    """An answer ends before all that was promised."""


class Guard:
    """Lets only those in who know the token, from the server's own page or a program.

    A request is refused whose Host is none of the server's names, so that no other site's name can lead here (DNS
    rebinding), and one that a browser sends for another site. Each browser gets a cookie that tells whose jobs are
    whose.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, names: frozenset[str], uploads: tuple[str, ...]) -> None:
        self.app, self.token, self.names, self.uploads = app, token, names, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        cookies = cookie_parser(headers.get("cookie", ""))
        owner = cookies.get(OWNER_COOKIE) or secrets.token_hex(16)
        scope.setdefault("state", {})["owner"] = owner

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    given.setdefault(name, value)
                if path == "/" and not cookies.get(OWNER_COOKIE):
                    given.append("Set-Cookie", cookie(OWNER_COOKIE, owner))
            await send(message)

        if refusal := self._refuses(scope["method"], path, headers):
            await JSONResponse({"error": refusal[1]}, refusal[0])(scope, receive, answer)
            return
        try:
            await self.app(scope, receive, answer)
        except* (Broken, BrokenResourceError):
            pass  # the connection is closed: nobody listens any more, or the sound ends before all that was promised

    def _refuses(self, method: str, path: str, headers: Headers) -> tuple[int, str] | None:
        """Return the status and the sentence for a request that is refused."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 421, "this server is not known by that name, unless it was told so when it was started"
        if headers.get("sec-fetch-site", "none") not in OWN_SITE and path not in ("/", "/favicon.ico"):
            return 403, "another site may not ask this"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "another site may not ask this"
        if method not in SAFE and (refusal := self._refuses_body(path, headers)):
            return refusal
        if path in OPEN or path.startswith(OPEN_FOLDER) or self.knows(self.token_of(headers)):
            return None
        return 401, "this needs the token that extrap serve printed when it was started"

    def _refuses_body(self, path: str, headers: Headers) -> tuple[int, str] | None:
        length, in_chunks = headers.get("content-length"), "transfer-encoding" in headers
        if path not in self.uploads:
            if in_chunks:
                return 411, "say how long this is, in Content-Length"
            if length is not None and (not length.isdecimal() or int(length) > MOST_BODY_BYTES):
                return 413, "this is too much"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in BODY_TYPES and (length not in (None, "0") or in_chunks):
            return 415, f"send this as {' or '.join(BODY_TYPES)}"
        return None

    @staticmethod
    def token_of(headers: Headers) -> str | None:
        """Return the token that a request came with."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        return (
            token.strip() if kind.lower() == "bearer" else cookie_parser(headers.get("cookie", "")).get(TOKEN_COOKIE)
        )

    def knows(self, token: str | None) -> bool:
        """Tell whether a token is the right one, in the same time for any."""
        if self.token is None:
            return True
        return secrets.compare_digest((token or "").encode(), self.token.encode())

    def _is_ours(self, host: str) -> bool:
        """Tell whether a Host is one of the server's names, or an address, which no other site can claim."""
        found = HOST.fullmatch(host)
        name = (found[1] or found[2]).lower() if found else ""
        if name in self.names:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self.token is not None or address.is_loopback


def cookie(name: str, value: str) -> str:
    """Return a cookie that scripts don't see and other sites don't send, for a year."""
    return f"{name}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Strict"
