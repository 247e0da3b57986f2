"""What is told of the server is true: the requests of its documentation, and where its page's library comes from."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import extrapcli
from extrapcli.audio.decode import decode
from tests.serve.servers import Server

ROOT = Path(__file__).parents[2]
VENDORED = Path(extrapcli.__file__).parent / "serve" / "page" / "vendor"
JQ = f"""#!{sys.executable}
import json, sys
print(json.load(sys.stdin)[sys.argv[2].removeprefix(".")])
"""
MPV = f"""#!{sys.executable}
import sys
assert len(sys.stdin.buffer.read()) > 10_000_000
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_requests_of_the_documentation_work(server: Server, tmp_path: Path) -> None:
    """Those of curl, with just as much of jq and mpv as they need."""
    text = (ROOT / "docs" / "serve.md").read_text().partition("## The HTTP API")[2]
    (block,) = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    shutil.copy(ROOT / "tests" / "data" / "song.mp3", tmp_path)
    for name, script in (("jq", JQ), ("mpv", MPV)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    script = "set -e\n" + block.replace("http://127.0.0.1:8321/", server.address)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"state": "done"') == 2
    assert decode(tmp_path / "song-3m30s.mp3").seconds == pytest.approx(210, abs=0.1)
    assert not server.folders()


def test_what_is_vendored_is_what_it_says() -> None:
    table = re.findall(r"^\| (\S+) \| \S+ \| ([0-9a-f]{64}) \|$", (VENDORED / "README.md").read_text(), re.MULTILINE)
    assert {path.name for path in VENDORED.glob("*.js")} == {name for name, _ in table}
    for name, digest in table:
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == digest
