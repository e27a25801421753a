"""The description names every route, and nothing that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.openapi.utils import get_openapi

from personalize_api.app import App
from personalize_api.decision.homepage import PATH
from personalize_api.openapi import OPERATIONS
from personalize_api.picks.endpoint import PATH as PICKS_PATH
from schemas.current_site import CurrentSite
from schemas.settings import Settings
from schemas.site import Site

APP = App(Settings.from_environment({}), CurrentSite(Site(name="Toyhouse")))
REST = APP._rest
SCHEMA: dict[str, Any] = REST.openapi()


def described() -> set[tuple[str, str]]:
    return {(method, path) for path, item in SCHEMA["paths"].items() for method in item}


def test_every_route_is_described_and_nothing_else() -> None:
    listed = get_openapi(title="routes", version="1", routes=REST.routes)["paths"]
    served = {(method, path) for path, item in listed.items() for method in item}
    assert set(OPERATIONS) == served
    beside = {(method, PATH) for method in ("get", "head", "post")}
    beside |= {(method, PICKS_PATH) for method in ("get", "post")}
    assert described() == served | beside


@pytest.mark.parametrize(("method", "path"), sorted(described()))
def test_each_operation_says_what_it_answers_and_to_whom(method: str, path: str) -> None:
    operation = SCHEMA["paths"][path][method]
    assert operation["summary"]
    assert operation["security"]
    for status, answer in operation["responses"].items():
        assert answer["description"], status
        if method != "head" and status not in ("303", "304"):
            assert answer["content"], status


def test_references_lead_somewhere_and_everything_is_used() -> None:
    text = str(SCHEMA)
    for name in SCHEMA["components"]["schemas"]:
        assert f"#/components/schemas/{name}'" in text, f"{name} is not used"
    assert "HTTPValidationError" not in text
    named = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= SCHEMA["components"]["schemas"].keys()
