"""Servers of the real command, in processes of their own, and what asks them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.batch.processes import wait_until, workers

COMMAND = [sys.executable, "-m", "extrapcli"]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))}
OWNER = "a" * 32
JSON = {"Content-Type": "application/json"}
Body = bytes | Iterator[bytes] | None
Facts = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The sentence of an error, which is all that there is."""
        told = self.json
        assert list(told) == ["error"], told
        assert isinstance(told["error"], str)
        assert told["error"]
        assert "\n" not in told["error"]
        assert "Traceback" not in told["error"]
        return str(told["error"])


@dataclass
class Server:
    """A server that runs, and a browser or a program that asks it."""

    process: subprocess.Popen[str]
    address: str
    data: Path
    log: Path
    token: str | None = None
    owner: str = OWNER
    texts: list[str] = field(default_factory=list)  # of all answers with errors

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def told(self) -> str:
        """What the server said on standard error."""
        return self.log.read_text()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=100)

    def ask(
        self, method: str, path: str, body: Body = None, headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        """Ask as the server's page does. A header of None is not sent; what does come back is read to its end."""
        given: dict[str, str | None] = {"Cookie": f"extrap_owner={self.owner}", "Host": self.host}
        if self.token:
            given["Authorization"] = f"Bearer {self.token}"
        given |= headers or {}
        connection = self.connect()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if isinstance(body, bytes) and "Content-Length" not in given:
                given["Content-Length"] = str(len(body))
            if body is not None and not isinstance(body, bytes):
                given["Transfer-Encoding"] = "chunked"
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(body, encode_chunked=not isinstance(body, bytes))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        if answer.status >= 400:
            self.texts.append(answer.body.decode())
        return answer

    def raw(self, request: bytes, seconds: float = 20) -> bytes:
        """Send bytes as they are; return what comes back until the server closes."""
        host, _, port = self.host.rpartition(":")
        with socket.create_connection((host, int(port)), seconds) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, value: object = None) -> Answer:
        return self.ask("POST", path, json.dumps({} if value is None else value).encode(), JSON)

    def send(self, path: str, body: Body, **headers: str | None) -> Answer:
        """Send a file."""
        return self.ask("POST", path, body, {"Content-Type": "application/octet-stream", **headers})

    def made(self, path: str, value: object = None) -> Facts:
        """Post a request; return the job, which is not done yet."""
        answer = self.post(path, value)
        assert answer.status == 201, answer.body
        job: Facts = answer.json
        return job

    def uploaded(self, file: Path, name: str | None = None) -> Facts:
        answer = self.send(f"/api/songs?name={quote(name or file.name)}", file.read_bytes())
        assert answer.status == 201, answer.body
        job: Facts = answer.json
        return job

    def job(self, job: Facts) -> Facts:
        found: Facts = self.get(f"/api/jobs/{job['id']}").json
        return found

    def stream(self, job: Facts, last: int | None = None) -> Iterator[tuple[str | None, Facts]]:
        """Yield the events of a job with their ids, as an EventSource gets them, until the server closes."""
        connection = self.connect()
        path, cookies = f"/api/jobs/{job['id']}/events", f"extrap_owner={self.owner}"
        headers = {"Cookie": cookies} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        connection.request("GET", path, headers=headers | ({"Last-Event-ID": str(last)} if last is not None else {}))
        try:
            response = connection.getresponse()
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/event-stream")
            number, data = None, ""
            for line in map(str.rstrip, map(bytes.decode, response)):
                name, _, value = line.partition(": ")
                if name == "id":
                    number = value
                elif name == "data":
                    data = value
                elif not line and data:
                    yield number, json.loads(data)
                    number, data = None, ""
        finally:
            connection.close()

    def events(self, job: Facts, last: int | None = None) -> list[Facts]:
        return [event for _, event in self.stream(job, last)]

    def done(self, job: Facts, state: str = "done") -> Facts:
        """Wait until a job is over, by its events; return it."""
        *_, last = self.events(job)
        ended = self.job(job)
        assert (last["type"], last["state"], ended["state"]) == ("state", state, state), ended["error"]
        assert last["error"] == ended["error"]
        if ended["error"]:
            self.texts.append(ended["error"])
        return ended

    def make(self, path: str, value: object = None) -> Facts:
        """Post a request; return the job that it became, done."""
        return self.done(self.made(path, value))

    def file(self, job: Facts, request: Facts) -> bytes:
        """Download a file of a job."""
        made = self.make(f"/api/jobs/{job['id']}/files", request)
        answer = self.get(f"/api/jobs/{made['id']}/file")
        assert answer.status == 200
        return answer.body

    def folders(self) -> set[str]:
        """The jobs that the data folder has something of."""
        return {path.name for path in self.data.iterdir() if not path.name.startswith(".")}

    def workers(self) -> list[int]:
        return workers(self.process.pid)

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 30) -> int:
        """Stop the server; return its exit status. All its workers leave with it."""
        left = self.workers()
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(seconds)
        wait_until(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in left))
        return status


def start(data: Path, *options: str | Path, token: str | None = None, owner: str = OWNER, **settings: Any) -> Server:
    """Start a server; return it when its address can be asked."""
    log = data.with_name(f"{data.name}-{time.monotonic_ns()}.log")
    command = [*COMMAND, "serve", *map(str, options), "--data", str(data), "--port", "0", "--no-browser"]
    with log.open("w") as told:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env=ENVIRONMENT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **settings,
        )
    assert process.stdout
    address = process.stdout.readline().strip()
    process.stdout.close()
    assert address.startswith("http://"), log.read_text()
    return Server(process, address, data, log, token, owner)


def extrap(*args: str | Path, cwd: Path) -> None:
    """Run the command that makes the same files as the server."""
    done = subprocess.run([*COMMAND, *map(str, args), "-q"], cwd=cwd, capture_output=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr.decode()


def beats(seconds: float, rate: int = 22050, channels: int = 2) -> NDArray[np.float64]:
    """Music with a beat, twice a second: notes that decay, with a noise at each."""
    t = np.arange(round(seconds * rate)) / rate
    pitch = np.array([220.0, 277.2, 329.6, 440.0])[(2 * t).astype(int) % 4]
    noise = np.random.default_rng(1).normal(size=len(t))
    music = 0.3 * np.sin(2 * np.pi * pitch * t) * np.exp(-20 * (t % 0.5)) + 0.1 * noise * np.exp(-60 * (t % 0.5))
    return np.stack([music * (1 - 0.2 * channel) for channel in range(channels)], axis=1)


def write_song(path: Path, seconds: float = 8, rate: int = 22050, channels: int = 2) -> Path:
    soundfile.write(path, beats(seconds, rate, channels), rate, subtype="PCM_16")
    return path
