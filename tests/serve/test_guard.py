"""Requests that a server refuses, wherever they come from, and what browsers may do with its answers."""

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.serve.servers import JSON, Facts, Server

TRAVERSALS = [
    "..",
    "../../job.json",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "..%5c..%5cjob.json",
    "%00",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "C:%5cWindows",
    "%252e%252e",
    "%c0%ae%c0%ae",
    "a" * 5000,
]


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "1")


@pytest.mark.parametrize(
    "host",
    [
        "evil.com",
        "evil.com:{port}",
        "127.0.0.1.evil.com",
        "127.0.0.1.evil.com:{port}",
        "localhost.evil.com",
        "evil.localhost",
        "localhost.",
        "music.home.evil.com",
        "0.0.0.0",
        "192.168.0.1",
        "[2001:db8::1]",
        "[::1",
        "a[b",
        "2130706433",
        "0x7f.1",
        "",
        " ",
        "evil.com@localhost.evil.com",
        "127.0.0.1:{port}@evil.com",
    ],
)
def test_another_name_leads_nowhere(host: str, server: Server) -> None:
    named = host.format(port=server.host.rpartition(":")[2])
    for path in ("/", "/api/about", "/api/jobs", "/docs", "/openapi.json", "/page/style.css"):
        refused = server.get(path, Host=named)
        assert (refused.status, bool(refused.error)) == (421, True)
    assert server.ask("POST", "/api/songs", b"x", {"Host": named}).status == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.1:1", "LocalHost:80", "[::1]"])
def test_names_of_this_machine_lead_here(host: str, server: Server) -> None:
    assert server.get("/api/about", Host=host).status == 200


def test_a_request_without_one_host_is_refused(server: Server) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: evil.com\r\n", b"Host: localhost, evil.com\r\n"):
        for version in (b"1.0", b"1.1"):
            answer = server.raw(b"GET /api/about HTTP/" + version + b"\r\n" + hosts + b"Connection: close\r\n\r\n")
            assert answer.split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.com"},
        {"Origin": "https://evil.com:8321"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://{host}.evil.com"},
        {"Origin": "http://{host}@evil.com"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "anything"},
    ],
    ids=str,
)
def test_another_site_asks_for_nothing(headers: dict[str, str], server: Server, song: Facts) -> None:
    sent = {name: value.format(host=server.host) for name, value in headers.items()}
    jobs = server.folders()
    for path in ("/api/about", "/api/jobs", f"/api/jobs/{song['id']}/sound", f"/api/jobs/{song['id']}/events"):
        assert server.ask("GET", path, headers=sent).status == 403
    for method, path in (("POST", "/api/songs"), ("POST", "/api/tunes"), ("DELETE", f"/api/jobs/{song['id']}")):
        refused = server.ask(method, path, b"{}", {**JSON, **sent})
        assert (refused.status, bool(refused.error)) == (403, True)
    assert server.folders() == jobs


def test_the_server_s_own_page_asks_for_everything(server: Server, song: Facts) -> None:
    own = {"Origin": f"http://{server.host}", "Sec-Fetch-Site": "same-origin"}
    assert server.ask("GET", "/api/jobs", headers=own).status == 200
    track = server.ask("POST", f"/api/songs/{song['id']}/loops", b"{}", {**JSON, **own})
    assert track.status == 201
    assert server.ask("DELETE", f"/api/jobs/{track.json['id']}", headers=own).status == 204


def test_a_link_of_another_site_leads_to_the_page_alone(server: Server) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask("GET", "/", headers=link).status == 200
    assert server.ask("GET", "/docs", headers=link).status == 403


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/json-patch+json",
        "application/jsonp",
        "",
        None,
    ],
)
def test_what_a_form_can_send_is_refused(kind: str | None, server: Server, song: Facts) -> None:
    """A form of another site, in a browser that tells of no origin."""
    jobs = server.folders()
    for path in (f"/api/songs/{song['id']}/tracks", "/api/songs", "/api/seeds?name=x.mid", "/api/session"):
        refused = server.ask("POST", path, b'{"length": "0:10"}', {"Content-Type": kind})
        assert (refused.status, bool(refused.error)) == (415, True)
    assert server.folders() == jobs


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "FOO"])
def test_other_methods_are_refused(method: str, server: Server, song: Facts) -> None:
    for path in ("/", "/api/about", "/api/jobs", f"/api/jobs/{song['id']}", "/page/style.css"):
        refused = server.ask(method, path, headers={"Cookie": "extrap_owner=secret"})
        assert refused.status == 405
        assert b"secret" not in refused.body
        assert not [name for name in refused.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "cookies",
    ["", ";", "=", "extrap_owner", "extrap_owner=", "\x01=\x02", "a=b; =; ;;;", "é=ü", '"', "x" * 9000, "a,b=c;d"],
)
def test_cookies_that_are_none_do_no_harm(cookies: str, server: Server) -> None:
    answer = server.get("/api/jobs", Cookie=cookies)
    assert (answer.status, answer.json) == (200, [])


@pytest.mark.parametrize("trick", TRAVERSALS, ids=lambda trick: trick[:30])
def test_no_path_leads_out(trick: str, server: Server, song: Facts) -> None:
    tries = [f"/api/jobs/{trick}", f"/api/jobs/{trick}/sound", f"/api/jobs/{trick}/file", f"/page/{trick}"]
    tries += [f"/api/jobs/{song['id']}/{trick}", f"/swagger/{trick}", f"/{trick}", f"/page/../api/../page/{trick}"]
    for path in tries:
        answer = server.get(path)
        assert answer.status in (404, 405, 422, 307), path
        assert b"root:" not in answer.body
        assert "evil" not in answer.headers.get("Location", "")
    assert server.ask("POST", f"/api/songs/{trick}/tracks", b"{}", JSON).status in (404, 405, 422)
    assert server.ask("DELETE", f"/api/jobs/{trick}").status in (404, 405, 422)
    assert (server.data / song["id"]).is_dir()


@pytest.mark.parametrize("id", ["A" * 32, "0" * 31, "0" * 33, "0" * 32 + "%0a", "%EF%BC%90" * 32, "%20" + "0" * 31])
def test_only_ids_are_ids(id: str, server: Server) -> None:
    refused = server.get(f"/api/jobs/{id}")
    assert (refused.status, bool(refused.error)) == (422, True)


@pytest.mark.parametrize("model", ["/models/recall", "./recall", "../recall", "recall/", "", "RECALL", "a\x00b", "é"])
def test_a_model_is_named_never_found_by_a_path(model: str, server: Server, song: Facts) -> None:
    answer = server.post(f"/api/songs/{song['id']}/tracks", {"length": "0:10", "model": model})
    if answer.status == 201:
        assert "no such model" in server.done(answer.json, "failed")["error"]
    else:
        assert (answer.status, bool(answer.error)) == (422, True)


def test_a_large_request_is_refused_before_it_is_read(server: Server, song: Facts) -> None:
    path, jobs = f"/api/songs/{song['id']}/tracks", server.folders()
    begin = f"POST {path} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    for length in ("300000", "99999999999999999999"):
        answer = server.raw(f"{begin}Content-Length: {length}\r\n\r\n".encode())
        assert answer.split()[1] == b"413"
    for length in ("-1", "1e3", "x", "0x10", "+5", "1, 2"):
        assert server.raw(f"{begin}Content-Length: {length}\r\n\r\n".encode()).split()[1] in (b"400", b"413")
    assert server.ask("POST", path, iter([b"{}"]), JSON).status == 411
    assert server.folders() == jobs


def test_no_answer_can_be_used_by_another_site(server: Server, song: Facts) -> None:
    answers = {
        path: server.get(path)
        for path in (
            "/",
            "/docs",
            "/openapi.json",
            "/page/style.css",
            "/page/main.js",
            "/swagger/swagger-ui.css",
            "/nothing",
            "/api/about",
            "/api/jobs",
            "/api/jobs/x",
            f"/api/jobs/{song['id']}/sound",
            f"/api/jobs/{song['id']}/peaks",
            f"/api/jobs/{song['id']}/events",
        )
    }
    answers["form"] = server.ask("POST", "/api/songs", b"x", {"Content-Type": "text/plain"})
    answers["range"] = server.get(f"/api/jobs/{song['id']}/sound", Range="bytes=99999999-")
    answers["part"] = server.get(f"/api/jobs/{song['id']}/sound", Range="bytes=0-9")
    answers["host"] = server.get("/api/about", Host="evil.com")
    answers["site"] = server.get("/api/about", Origin="http://evil.com")
    for path, answer in answers.items():
        given = answer.headers
        policy = dict(part.split(" ", 1) for part in given["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'", path
        assert policy["frame-ancestors"] == "'none'", path
        assert "'unsafe-inline'" not in policy.get("script-src", ""), path
        assert "'unsafe-eval'" not in policy.get("script-src", ""), path
        assert given["X-Content-Type-Options"] == "nosniff", path
        assert given["Cross-Origin-Resource-Policy"] == "same-origin", path
        assert given["Referrer-Policy"] == "no-referrer", path
        assert len(given.get_all("Content-Security-Policy", [])) == 1, path
        assert not [name for name in given if name.lower().startswith("access-control")], path
        assert "Server" not in given, path


def test_each_page_has_a_nonce_of_its_own(server: Server) -> None:
    nonces = set()
    for _ in range(2):
        page = server.get("/")
        nonce = page.headers["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
        assert nonce.encode() in page.body
        assert b"{{" not in page.body
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_page_holds_no_code_of_its_own(server: Server, song: Facts) -> None:
    page = server.get("/").body.decode().lower()
    assert "javascript:" not in page
    assert not [tag for tag in page.split("<script")[1:] if "src=" not in tag.partition(">")[0]]
    assert not [name for name in ("onclick=", "onload=", "onerror=", "style=") if f" {name}" in page]
    assert Path("/page/main.js").name in page
    assert quote(song["id"]) not in page
