"""schemathesis asks the running service whatever its description allows, and worse.

No answer may be a fault of ours, and each must be as `/openapi.json` says. Left out is what never
ends (`/v1/live`), what erases, and what waits for evaluations (`/v1/alerts` is 503 before them).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from personalize_api.app import App
from schemas.activity import interest_name, product_name, with_cell
from schemas.current_site import CurrentSite
from schemas.device_state import encode_device_state
from schemas.redis_keys import device_key
from schemas.settings import Settings
from tests.integration.personalize_service import (
    ADMIN,
    BROWSER_KEY,
    SERVER_KEY,
    SITE,
    Client,
    device_state,
    now_ms,
    patient,
    serving,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 12  # of each operation

DESCRIPTION = App(Settings.from_environment({}), CurrentSite(SITE))._rest.openapi()
API = (
    schemathesis.openapi.from_dict(DESCRIPTION)
    .exclude(path=["/v1/live", "/v1/alerts"])
    .exclude(method="DELETE")
)
FOR_PAGES = "^/(v1/(homepage|me|picks)|ofrep/.*)$"


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with redis.Redis.from_url(redis_url) as store:
        activity = with_cell({}, interest_name("trains"), now_ms(), 3)
        activity = with_cell(activity, product_name("kite"), now_ms(), 1)
        known = device_state(activity=activity, logins=(("olga", 1, 1), ("", 9, 9)))
        store.set(device_key("0"), encode_device_state(known))  # what generators like to say
    with patient(), serving(addresses) as client:
        yield client


bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("headers", [{}, SERVER_KEY, BROWSER_KEY], ids=["", "server", "browser"])
@API.include(path_regex=FOR_PAGES).parametrize()
@bounded
def test_sites_and_pages_are_answered_as_described(
    case: schemathesis.Case[Any], client: Client, headers: dict[str, str]
) -> None:
    case.call_and_validate(base_url=client.url, headers=headers, checks=CHECKS)


@API.exclude(path_regex=FOR_PAGES).parametrize()
@bounded
def test_operators_are_answered_as_described(case: schemathesis.Case[Any], client: Client) -> None:
    case.call_and_validate(base_url=client.url, headers=ADMIN, checks=CHECKS)


def test_a_known_visitor_is_answered_as_described(client: Client) -> None:
    for path, headers in (
        ("/v1/me", {"Cookie": "ff_id=0x"}),
        ("/v1/visitors/{identifier}", ADMIN),
    ):
        operation = API[path]["GET"]
        for identifier in ("0", "olga"):
            given = {"identifier": identifier} if "{" in path else {}
            case = operation.Case(path_parameters=given)
            case.call_and_validate(base_url=client.url, headers=headers, checks=CHECKS)
