import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

CORES = 3
"""Of the cluster, by its own account: as many workers run at once, whatever the machine has."""


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of a bucket on an S3 server of this machine. All processes that are begun find it there."""
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
def cluster(s3: str) -> Iterator[str]:
    """The address of a Ray cluster of this machine."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    started = ray.init(
        num_cpus=CORES, object_store_memory=80 * 2**20, include_dashboard=False, log_to_driver=False, logging_level=40
    )
    yield started.address_info["address"]
    ray.shutdown()


def workers(doing: str = "") -> list[int]:
    """The processes of workers on the cluster, or of those that are at `do`, say."""
    wanted = f"ray::_Actor.{doing}" if doing else "ray::_Actor"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_text().startswith(wanted) and os.getpid() in ancestors(int(process.name)):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


def wait_for_worker(doing: str = "") -> int:
    for _ in range(6000):
        if found := workers(doing):
            return found[0]
        time.sleep(0.02)
    raise TimeoutError(doing)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
