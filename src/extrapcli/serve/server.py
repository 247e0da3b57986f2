"""Start a server, open its page, and stop."""

import logging
import os
import re
import secrets
import socket
import sys
import threading
import webbrowser
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from filelock import FileLock, Timeout

from extrapcli.atomic import make_folder
from extrapcli.errors import UsageError
from extrapcli.ranges import check_threads
from extrapcli.serve.app import application
from extrapcli.serve.jobs import Limits
from extrapcli.serve.site import Site

LOCAL_NAMES = ("localhost",)
EVERYWHERE = ("0.0.0.0", "::")
EXPECTED = ("without completing response", "Cancel ")
"""Complaints of uvicorn about what happens: a listener is told that a track failed, pages are open at the end."""
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")


def open_socket(host: str, port: int) -> socket.socket:
    """Listen at an address; port 0 is any that is free. Raises UsageError where that can't be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        if os.name == "posix":  # on Windows, it would let two servers have one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        raise UsageError(f"{host}:{port}: can't be listened at ({error.strerror or error})", hint="port") from None
    return listening


def default_folder() -> Path:
    """Return where songs and tracks are kept: where the system keeps what programs can make anew."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
    elif sys.platform == "darwin":
        base = home / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "extrap" / "serve"


def check_token(token: str) -> None:
    """Raise UsageError for a token that is easily guessed, or that no header can hold."""
    if not TOKEN.fullmatch(token):
        raise UsageError("a token has 16 to 200 letters, digits, - and _; leave it out for a random one")


class Server:
    """A server that listens at an address.

    Any other than a loopback address needs a token, and so does one that has other names; it is random if None.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        host: str,
        port: int,
        workers: int | None = None,
        library: Path | None = None,
        token: str | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        if token is not None:
            check_token(token)
        check_threads(workers, "number of jobs")
        self.socket = open_socket(host, port)
        if token is None and (names or not ip_address(self.socket.getsockname()[0]).is_loopback):
            token = secrets.token_urlsafe(24)
        self.token = token
        self.port: int = self.socket.getsockname()[1]
        self.host = host
        own = (host, socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local") if token else ()
        make_folder(folder)
        self._lock = FileLock(folder / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except (Timeout, OSError):
            raise UsageError(f"{folder}: another extrap serve keeps its songs there", hint="data") from None
        self._names = frozenset(name.lower() for name in (*LOCAL_NAMES, *own, *names))
        self.machine = socket.gethostname()
        self._site = Site(folder, limits, workers=workers or os.cpu_count() or 1, library=library)

    @property
    def address(self) -> str:
        """The address of the page, for a browser on this machine."""
        host = self.host
        if host in EVERYWHERE:
            host = "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def run(self, *, browser: bool) -> None:
        """Serve until the process is interrupted; open the page in a browser first."""
        app = application(self._site, token=self.token, names=self._names)
        config = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=1
        )
        logging.getLogger("uvicorn.error").addFilter(
            lambda record: not any(text in record.getMessage() for text in EXPECTED)
        )
        if browser:
            page = self.address + (f"#token={self.token}" if self.token else "")
            threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()
        try:
            uvicorn.Server(config).run(sockets=[self.socket])
        finally:
            self._site.close()
            self._lock.release()
