"""Servers that need a token: those that other machines can reach, and those that were given one."""

import subprocess
from pathlib import Path

import pytest

from tests.batch.processes import wait_until
from tests.serve.servers import COMMAND, ENVIRONMENT, JSON, Server, start, write_song

TOKEN = "correct-horse_battery-Staple"
CLOSED = ("/api/about", "/api/jobs", "/api/library", "/docs", "/openapi.json", "/swagger/swagger-ui.css", "/nothing")


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "1", "--name", "Music.Home")


@pytest.fixture(scope="module")
def token() -> str | None:
    return TOKEN


def pieces(token: str) -> list[str]:
    return [token[begin : begin + 6] for begin in range(len(token) - 5)]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.lower()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \xff\xfe\xe9",
        f"Bearer {TOKEN[:-1]}\xe9",
        f"Basic {TOKEN}",
        f"Basic OnRva2Vu {TOKEN}",
        TOKEN,
    ],
)
def test_without_the_token_there_is_nothing(header: str | None, server: Server) -> None:
    for path in CLOSED:
        for named in (path, f"{path}?token={TOKEN}", f"{path}?access_token={TOKEN}"):
            refused = server.ask("GET", named, headers={"Authorization": header})
            assert (refused.status, bool(refused.error)) == (401, True)
    refused = server.ask("POST", "/api/songs", b"x", {"Authorization": header, **JSON})
    assert refused.status == 401
    assert not server.folders()


@pytest.mark.parametrize(
    "cookie",
    [
        "extrap_token",
        "extrap_token=",
        f"extrap_token={TOKEN}x",
        f"token={TOKEN}",
        "extrap_token=\xff",
        '"extrap_token',
    ],
)
def test_no_other_cookie_signs_in(cookie: str, server: Server) -> None:
    assert server.ask("GET", "/api/jobs", headers={"Authorization": None, "Cookie": cookie}).status == 401


def test_only_the_page_is_open(server: Server) -> None:
    for path in ("/", "/page/style.css", "/page/main.js"):
        answer = server.ask("GET", path, headers={"Authorization": None})
        assert answer.status == 200
        assert TOKEN.encode() not in answer.body
    for path in ("/page/../api/jobs", "/page/%2e%2e/api/jobs", "/page/..%2fapi%2fjobs", "//api/jobs", "/API/jobs"):
        assert server.ask("GET", path, headers={"Authorization": None}).status in (401, 404)


def test_a_program_sends_the_token(server: Server) -> None:
    for name in ("Bearer", "bearer", "BEARER"):
        assert server.get("/api/jobs", Authorization=f"{name} {TOKEN}").status == 200


def test_a_browser_signs_in_once(server: Server) -> None:
    def sign_in(body: bytes) -> tuple[int, str | None]:
        answer = server.ask("POST", "/api/session", body, {"Authorization": None, **JSON})
        return answer.status, answer.headers["Set-Cookie"]

    for wrong in (b'{"token": "wrong"}', b'{"token": ""}', b'{"token": "\\u00e9"}'):
        assert sign_in(wrong) == (401, None)
    for none in (b"{}", b"[]", b"", b'{"token": null}', b'{"token": 1}', b'{"token": "\\ud800"}', b'{"token":["x"]}'):
        assert sign_in(none) == (422, None)
    status, cookie = sign_in(f'{{"token": "{TOKEN}"}}'.encode())
    assert status == 204
    assert cookie
    signed, *attributes = cookie.split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert server.ask("GET", "/api/jobs", headers={"Authorization": None, "Cookie": signed}).status == 200
    other = {"Authorization": None, "Cookie": signed, "Origin": "http://evil.com"}
    assert server.ask("GET", "/api/jobs", headers=other).status == 403


def test_a_server_that_others_can_reach_makes_up_a_token(tmp_path: Path) -> None:
    server = start(tmp_path / "kept", "--host", "0.0.0.0", "--jobs", "1")
    try:
        assert server.address.startswith("http://127.0.0.1:")
        wait_until(lambda: "token to sign in with: " in server.told)
        token = server.told.partition("token to sign in with: ")[2].split()[0]
        assert len(token) >= 20
        bearer = f"Bearer {token}"
        assert server.get("/api/about").status == 401
        assert server.get("/api/about", Authorization=bearer).status == 200
        assert server.get("/api/about", Authorization=bearer, Host="evil.com").status == 421
        assert server.get("/api/about", Authorization=bearer, Host="192.168.7.7:80").status == 200
        body = f'{{"token": "{token}"}}'.encode()
        cookie = server.ask("POST", "/api/session", body, JSON).headers["Set-Cookie"].partition(";")[0]
        assert server.get("/api/about", Cookie=cookie).status == 200
        server.token = token
        server.done(server.uploaded(write_song(tmp_path / "song.wav", 3)))
    finally:
        server.stop()
    assert server.told.count(token) == 1
    assert token not in "".join(path.read_text() for path in server.data.rglob("*.json*"))


@pytest.mark.parametrize(
    ("way", "token"),
    [("--token", "short"), ("--token", "newline\n" * 3), ("--token", ""), ("EXTRAP_TOKEN", "é" * 20)],
)
def test_a_token_that_is_weak_is_refused(way: str, token: str, tmp_path: Path) -> None:
    given = ["--token", token] if way == "--token" else []
    settings = ENVIRONMENT | ({way: token} if not given else {})
    command = [*COMMAND, "serve", "--port", "0", "--no-browser", "--data", str(tmp_path / "kept"), *given]
    done = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "16 to 200" in done.stderr
    assert not (tmp_path / "kept").exists()


def test_nothing_of_the_token_is_told(server: Server) -> None:
    server.get("/api/about", Authorization="Bearer wrong")
    server.get(f"/api/about?token={TOKEN}")
    server.get("/api/jobs", Cookie=f"extrap_token={TOKEN}; \x01")
    server.ask("POST", "/api/session", f'{{"token": "{TOKEN}", "x": "{TOKEN}"}}'.encode(), JSON)
    kept = "".join(path.read_text(errors="replace") for path in server.data.rglob("*") if path.is_file())
    for piece in pieces(TOKEN):
        assert piece not in server.told
        assert piece not in kept
        assert not [text for text in server.texts if piece in text]


def test_a_name_that_was_given_leads_here(server: Server) -> None:
    assert server.get("/api/about", Host="music.home").status == 200
    assert server.get("/api/about", Host="music.home.evil.com").status == 421
