"""Requests that nobody thought of, made from what a server says of itself, by Schemathesis."""

import json
import time
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serve.servers import Facts, Server

EXAMPLES, SECONDS = 25, 5
LOOKING = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = [
    "GET /api/session",
    "GET /api/about",
    "GET /api/library",
    "GET /api/jobs",
    "GET /api/jobs/{id}",
    "GET /api/jobs/{id}/events",
    "GET /api/jobs/{id}/sound",
    "GET /api/jobs/{id}/peaks",
    "GET /api/jobs/{id}/file",
    "GET /api/jobs/{id}/page",
    "GET /api/jobs/{id}/score",
    "POST /api/session",
    "POST /api/library/songs",
    "POST /api/songs",
    "POST /api/seeds",
    "POST /api/songs/{id}/tracks",
    "POST /api/songs/{id}/loops",
    "POST /api/tunes",
    "POST /api/jobs/{id}/files",
    "POST /api/jobs/{id}/report",
    "DELETE /api/jobs/{id}",
]


@pytest.fixture(scope="module")
def options() -> tuple[str, ...]:
    return ("--jobs", "1", "--max-minutes", "0.5", "--max-upload", "1")


@pytest.fixture(scope="module")
def schema(the_server: Server) -> Any:
    return schemathesis.openapi.from_url(f"{the_server.address}openapi.json")


@pytest.fixture(scope="module")
def jobs(the_server: Server, song: Facts) -> list[str]:
    """A job of each kind that can be asked for more."""
    made = [song]
    made.append(the_server.make(f"/api/songs/{song['id']}/tracks", {"length": "0:10"}))
    made.append(the_server.make(f"/api/jobs/{made[1]['id']}/files", {"format": "wav"}))
    made.append(the_server.make(f"/api/songs/{song['id']}/loops"))
    return [job["id"] for job in made]


def test_all_that_the_server_tells_of_is_tried(schema: Any) -> None:
    assert {operation.ok().label for operation in schema.get_all_operations()} == set(OPERATIONS)


@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_is_asked_is_answered_as_the_server_says(
    label: str, server: Server, schema: Any, jobs: list[str]
) -> None:
    operation = schema.find_operation_by_label(label)
    before, number = server.folders(), count()
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]

    @seed(1)
    @LOOKING
    @given(st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
    def look(case: Any) -> None:
        if "{id}" in label and not label.startswith("DELETE") and next(number) % 3:
            case.path_parameters = {"id": jobs[next(number) % len(jobs)]}
        answer = case.call(base_url=server.address, cookies={"extrap_owner": server.owner}, timeout=60)
        case.validate_response(answer, checks=[not_a_server_error])
        if answer.status_code != 405:  # for another method, of which nothing is told
            case.validate_response(answer, checks=[status_code_conformance])
        if answer.status_code < 300:
            case.validate_response(answer, checks=[response_schema_conformance, content_type_conformance])
        elif answer.status_code >= 400 and answer.status_code != 416 and answer.content:
            told = json.loads(answer.content) if b"Invalid HTTP" not in answer.content else {"error": "not HTTP"}
            assert list(told) == ["error"], told
            assert isinstance(told["error"], str)
            assert str(server.data.parent) not in told["error"]

    look()
    until = time.monotonic() + SECONDS
    for id in server.folders() - before:
        job = server.get(f"/api/jobs/{id}")
        while job.json["state"] in ("waiting", "working") and time.monotonic() < until:
            time.sleep(0.1)
            job = server.get(f"/api/jobs/{id}")
        assert "a bug in extrap" not in (job.json["error"] or "")
        server.ask("DELETE", f"/api/jobs/{id}")
    assert server.folders() == before
