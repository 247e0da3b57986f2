"""How soon a track is heard in the browser, and how a server fares with a crowd: `serve.py SONGS... [--minutes 10]`.

The crowd is 30 clients at once, each in turn sending a song, adding a minute to it, looking for loops, and deleting
it. A tenth of what they send breaks off, and every half minute a worker is killed. `--data FOLDER` on a small file
system shows a full disk.
"""

import argparse
import os
import random
import signal
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import monotonic, sleep
from urllib.parse import quote

from playwright.sync_api import Browser

from tests.browsing import browsing
from tests.serve.browsers import SECONDS, tab
from tests.serve.servers import Answer, Facts, Server, start

KILLED_SECONDS, LOOK_SECONDS = 30.0, 1.0
BROKEN = 0.1  # of uploads
HEARD = """
() => new Promise((resolve) => {
    const begin = performance.now();
    const look = () => {
        const audio = [...document.querySelectorAll("article audio")].at(-1);
        if (audio && audio.currentTime > 0) resolve((performance.now() - begin) / 1000);
        else requestAnimationFrame(look);
    };
    document.querySelector("#options button.primary").click();
    look();
})
"""


def first_sound(browser: Browser, server: Server, song: Path) -> tuple[float, float]:
    """Return how many seconds pass from the song to its analysis, and from the click to the first sound."""
    with tab(browser, server) as opened:
        begin = monotonic()
        opened.page.locator("#file").set_input_files(song)
        opened.page.get_by_text("beats a minute").or_(opened.page.get_by_text("no clear pulse")).wait_for()
        known = monotonic() - begin
        heard = float(opened.page.evaluate(HEARD))
        opened.take(1).get_by_role("button", name="Download").wait_for(timeout=SECONDS)
    return known, heard


@dataclass
class Client:
    """One of a crowd, and what became of what it asked for."""

    server: Server
    songs: list[Path]
    chance: random.Random
    over: Event
    outcomes: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.visit()
            except (OSError, HTTPException) as error:
                self.outcomes[f"connection: {type(error).__name__}"] += 1

    def visit(self) -> None:
        """Send a song, continue it, find its loops, and delete it."""
        song = self.chance.choice(self.songs)
        if self.chance.random() < BROKEN:
            self.break_off(song)
            return
        sent = self.posted(self.server.send(f"/api/songs?name={quote(song.name)}", song.read_bytes()))
        if not sent:
            sleep(2)
            return
        if self.ended(sent) == "done":
            options = {"add": "1:00", "seed": self.chance.randrange(1000)}
            for path, request in (("tracks", options), ("loops", {})):
                if job := self.posted(self.server.post(f"/api/songs/{sent['id']}/{path}", request)):
                    self.ended(job)
        self.server.ask("DELETE", f"/api/jobs/{sent['id']}")

    def break_off(self, song: Path) -> None:
        connection = self.server.connect()
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(song.stat().st_size)}
        connection.putrequest("POST", "/api/songs?name=broken")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(song.read_bytes()[: song.stat().st_size // 2])
        connection.close()
        self.outcomes["broken off"] += 1

    def posted(self, answer: Answer) -> Facts | None:
        """Return the job that was made, or count the refusal."""
        if answer.status == 201:
            return dict(answer.json)
        self.outcomes[f"refused with {answer.status}"] += 1
        self.sentences[answer.error] += 1
        return None

    def ended(self, job: Facts) -> str:
        """Wait for a job; count what became of it."""
        begin = monotonic()
        with suppress(HTTPException):
            self.server.events(job)
        found = self.server.job(job)
        state = str(found.get("state", "gone"))
        self.outcomes[f"{job['kind']} {state}"] += 1
        if state == "failed":
            self.sentences[found["error"] or "NO WORD"] += 1
        self.waits.append(monotonic() - begin)
        return state


def memory(process: int) -> float:
    """Return how many MB a process holds."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def crowd(server: Server, songs: list[Path], count: int, minutes: float) -> None:
    """Let a crowd use a server, kill workers meanwhile, and print what became of it all."""
    over, chance = Event(), random.Random(0)
    clients = []
    for number in range(count):
        seen = Server(server.process, server.address, server.data, server.log, owner=f"{number:032x}")
        clients.append(Client(seen, songs, random.Random(number), over))
    threads = [Thread(target=client.run) for client in clients]
    begin = killed = monotonic()
    for thread in threads:
        thread.start()
    kills, most_server, most_worker = 0, 0.0, 0.0
    while monotonic() - begin < 60 * minutes:
        sleep(LOOK_SECONDS)
        most_server = max(most_server, memory(server.process.pid))
        workers = server.workers()
        most_worker = max([most_worker, *map(memory, workers)])
        if monotonic() - killed > KILLED_SECONDS and workers:
            killed, kills = monotonic(), kills + 1
            with suppress(OSError):
                os.kill(chance.choice(workers), signal.SIGKILL)
    over.set()
    for thread in threads:
        thread.join()
    outcomes = sum((client.outcomes for client in clients), Counter())
    waits = [wait for client in clients for wait in client.waits]
    shares = [len(client.waits) for client in clients]
    print(f"{count} clients, {minutes:g} minutes, {kills} workers killed")
    for what, number in sorted(outcomes.items()):
        print(f"  {what}: {number}")
    print(f"waited for a job: median {median(waits):.1f} s, longest {max(waits):.1f} s")
    print(f"jobs of a client: {min(shares)} to {max(shares)}, median {median(shares):g}")
    print(f"memory: server {most_server:.0f} MB, largest worker {most_worker:.0f} MB")
    print(f"left in the folder: {len(server.folders())} jobs")
    for sentence, number in sum((client.sentences for client in clients), Counter()).most_common(12):
        print(f"  {number} x {sentence}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5, help="how often each song is timed in the browser")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start(options.data or Path(folder) / "data")
        try:
            if options.rounds:
                with browsing() as browser:
                    for song in options.songs:
                        times = [first_sound(browser, server, song) for _ in range(options.rounds)]
                        for what, seconds in zip(
                            ("known after", "heard after"), zip(*times, strict=True), strict=True
                        ):
                            told = ", ".join(f"{second:.2f}" for second in seconds)
                            print(f"{song.name}: {what} {told} s, median {median(seconds):.2f} s")
            if options.minutes:
                crowd(server, options.songs, options.clients, options.minutes)
        finally:
            print(f"exit status {server.stop()}")
            if "Traceback" in server.told:
                print(server.told[-3000:])


if __name__ == "__main__":
    main()
