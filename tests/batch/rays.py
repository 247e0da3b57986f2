"""A Ray cluster and an S3 server on this machine, and the workers there."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import pytest

RAY = Path(sys.executable).with_name("ray")
CORES = 2
"""What the cluster is told it has: as many workers run at once, whatever the machine has."""


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of a bucket on an S3 server of this machine, where all processes started later find it."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "anyone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with urlopen(f"http://127.0.0.1:{port}/moto-api/") as answer:
            assert answer.status == 200, host
        s3fs.S3FileSystem().mkdir("music")
        yield "s3://music"
    server.stop()


@pytest.fixture(scope="session")
def cluster(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Ray cluster on this machine, started as the documentation says."""
    pytest.importorskip("ray", reason="Ray is not installed")
    log = tmp_path_factory.mktemp("ray") / "log"
    # Names of sockets are short, so the folder's has to be.
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_worker_niceness", "0")  # else other tests starve its workers
        for _ in range(3):  # Ray gives itself 30 seconds to start, which can be too short on a busy machine
            head = free_port()
            # Ray waits for ports of its agents that are not given, but for no longer than 15 seconds.
            agents = ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent", "metrics-export")
            args = [str(RAY), "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={head}"]
            args += [f"--num-cpus={CORES}", f"--object-store-memory={80 * 2**20}", "--include-dashboard=false"]
            args += [f"--temp-dir={folder}", "--disable-usage-stats"]
            args += [f"--{agent}-port={free_port()}" for agent in agents]
            with log.open("wb") as file, subprocess.Popen(args, stdout=file, stderr=file) as running:
                try:
                    if started(running, log):
                        yield f"127.0.0.1:{head}"
                        return
                finally:
                    running.terminate()
    raise RuntimeError(log.read_text())


def started(running: "subprocess.Popen[bytes]", log: Path) -> bool:
    while running.poll() is None:
        if b"Ray runtime started" in log.read_bytes():
            return True
        time.sleep(0.1)
    return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def workers(method: str = "") -> list[int]:
    """The processes of the cluster's workers, or of those that run a method, such as `run`."""
    title = f"ray::_Actor.{method}" if method else "ray::_Actor"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_text().startswith(title) and os.getpid() in ancestors(int(process.name)):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


def kill_worker_at_work() -> None:
    """Wait for a worker that has a song, and kill it before it is done."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for worker in workers("run"):
            os.kill(worker, signal.SIGSTOP)
            if worker in workers("run"):
                os.kill(worker, signal.SIGKILL)
                return
            os.kill(worker, signal.SIGCONT)
        time.sleep(0.01)
    raise TimeoutError


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
