"""A real browser, and the page of a server that runs, as people use it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.serve.servers import Server

WIDE, NARROW = 1400, 390
SECONDS = 60_000  # to wait for what is made, in milliseconds: machines may be slow
expect.set_options(timeout=SECONDS)
DROP = """
([bytes, name]) => {
    const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([data], name));
    for (const type of ["dragenter", "dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""
LISTEN = """
async (audio) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaElementSource(audio).connect(analyser);
    analyser.connect(context.destination);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (let look = 0; look < 40 && loudest < 0.01; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples.map(Math.abs));
    }
    return loudest;
}
"""


@dataclass
class Tab:
    """A page that is open, what it asked for, and what the browser complained about."""

    page: Page
    server: Server
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def drop(self, song: Path) -> None:
        """Drop a file on the page."""
        self.page.evaluate(DROP, [base64.b64encode(song.read_bytes()).decode(), song.name])

    def take(self, number: int) -> Locator:
        return self.page.get_by_role("article", name=f"Take {number}", exact=True)

    def continued(self, length: str) -> Locator:
        """Continue the song that is chosen; return the take, which is being made."""
        count = self.page.get_by_role("article").count()
        self.page.locator("#length").fill(length)
        self.page.get_by_role("button", name="Continue the song").click()
        take = self.take(count + 1)
        take.wait_for(timeout=SECONDS)
        return take

    def violations(self) -> list[str]:
        """What axe finds that is serious or critical."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [f"{rule['id']}: {rule['help']}" for rule in found if rule["impact"] in ("serious", "critical")]

    def is_too_wide(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def said(message: ConsoleMessage) -> str:
    """What the browser's console says, and about which address."""
    return f"{message.text} ({message.location['url']})"


@contextmanager
def tab(
    browser: Browser, server: Server, *, width: int = WIDE, dark: bool = False, address: str = ""
) -> Iterator[Tab]:
    """Open the page; at the end, nothing but the server was asked, and the browser did not complain."""
    context = browser.new_context(
        viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light", bypass_csp=False
    )
    context.set_default_timeout(SECONDS)
    opened = Tab(context.new_page(), server)
    context.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("console", lambda message: opened.complaints.append(said(message)))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.goto(address or server.address)
    opened.page.locator("#tabs:visible, #sign-in:visible").wait_for()
    try:
        yield opened
        assert not opened.complaints, opened.complaints
        assert all(url.startswith((server.address, "blob:", "data:")) for url in opened.requests)
    finally:
        context.close()
