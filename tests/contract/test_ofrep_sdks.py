"""OpenFeature's stock OFREP providers, unchanged, of PyPI and npm, against the real service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, Reason

from schemas.decision_token import Decided, read
from schemas.settings import Settings
from tests.integration.personalize_service import (
    ORIGIN,
    Client,
    patient,
    serving,
)
from tests.npm import installed
from tests.servers import own_settings

ARTICLE = "https://encyclopedia.example/wiki/Toy"
SOURCE = Path(__file__).parent / "openfeature"


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with patient(), serving(addresses) as client:
        yield client


@pytest.fixture(scope="module")
def python(client: Client) -> Iterator[OpenFeatureClient]:
    provider = OFREPProvider(
        client.url, headers_factory=lambda: {"Authorization": "Bearer sk_demo"}
    )
    api.set_provider(provider)
    yield api.get_client()
    api.shutdown()
    provider.session.close()


def asked(
    python: OpenFeatureClient, flag: str, key: str | None = None, **context: Any
) -> FlagEvaluationDetails[str]:
    return python.get_string_details(flag, "fallback", EvaluationContext(key, context))


def test_python_is_told_the_homepage_and_why(
    python: OpenFeatureClient, addresses: Settings
) -> None:
    found = asked(python, "homepage", "python-1", referrer=ARTICLE)
    assert (found.value, found.variant, found.reason) == (
        *("bestsellers", "bestsellers"),
        Reason.TARGETING_MATCH,
    )
    metadata = found.flag_metadata
    assert metadata["scenario"] == "encyclopedia"
    assert metadata["anonymous_id"] == "python-1"
    assert metadata["why"] == "referrer_source is Encyclopedia"
    decided = read(str(metadata["decision_id"]), addresses.secret_key)
    assert decided == Decided("encyclopedia", "bestsellers")
    assert asked(python, "homepage", "python-2").reason == Reason.DEFAULT


def test_python_gets_the_arm_of_an_experiment(
    python: OpenFeatureClient, addresses: Settings
) -> None:
    found = asked(python, "hero", "python-1")
    assert (found.value, found.variant, found.reason) == (
        *("search-hero", "search-hero"),
        Reason.SPLIT,
    )
    decided = read(str(found.flag_metadata["decision_id"]), addresses.secret_key)
    assert decided == Decided("", "search-hero", "hero", "search-hero")


def test_python_is_answered_as_a_member_with_a_server_key(python: OpenFeatureClient) -> None:
    assert asked(python, "homepage", "python-3", user_id="zoe").value == "my-home"


@pytest.mark.parametrize(
    ("flag", "key", "context", "code"),
    [
        ("nothing", "python-1", {}, ErrorCode.FLAG_NOT_FOUND),
        ("hero", None, {}, ErrorCode.TARGETING_KEY_MISSING),
        ("homepage", "python-1", {"referrer": ["x"]}, ErrorCode.INVALID_CONTEXT),
    ],
)
def test_python_falls_back_and_says_why(
    python: OpenFeatureClient, flag: str, key: str | None, context: Any, code: ErrorCode
) -> None:
    found = asked(python, flag, key, **context)
    assert (found.value, found.reason, found.error_code) == ("fallback", Reason.ERROR, code)


def test_python_still_gets_a_decision_while_redis_is_away(
    addresses: Settings, kafka_address: str
) -> None:
    away = msgspec.structs.replace(addresses, redis_url=own_settings().redis_url)
    with serving(away) as client:
        provider = OFREPProvider(client.url)
        api.set_provider(provider, "away")
        found = asked(api.get_client("away"), "homepage", "python-4", referrer=ARTICLE)
        provider.session.close()
    assert (found.value, found.reason) == ("bestsellers", Reason.STALE)
    assert found.flag_metadata["degraded"] is True


@pytest.fixture(scope="module")
def node(client: Client) -> Any:
    """What evaluate.mjs prints."""
    script = installed(SOURCE, "evaluate.mjs") / "evaluate.mjs"
    done = subprocess.run(
        ["node", script, client.url, ORIGIN], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_node_is_told_the_homepage_and_the_arm(node: Any) -> None:
    server = node["server"]
    assert (server["homepage"]["value"], server["homepage"]["reason"]) == (
        *("bestsellers", "TARGETING_MATCH"),
    )
    assert server["homepage"]["flagMetadata"]["anonymous_id"] == "node-1"
    assert server["member"]["value"] == "my-home"
    assert (server["arm"]["value"], server["arm"]["reason"]) == ("search-hero", "SPLIT")


def test_node_falls_back_and_says_why(node: Any) -> None:
    server = node["server"]
    assert [server[name]["value"] for name in ("unknown", "nobody", "invalid")] == ["fallback"] * 3
    assert server["unknown"]["errorCode"] == "FLAG_NOT_FOUND"
    assert server["nobody"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert server["invalid"]["errorCode"] == "INVALID_CONTEXT"
    assert (server["number"]["value"], server["number"]["errorCode"]) == (7, "TYPE_MISMATCH")


def test_a_page_gets_all_flags_at_once_and_polls_without_new_decisions(node: Any) -> None:
    web = node["web"]
    assert (web["homepage"]["value"], web["homepage"]["reason"]) == (
        *("bestsellers", "TARGETING_MATCH"),
    )
    assert (web["arm"]["value"], web["arm"]["reason"]) == ("search-hero", "SPLIT")
    assert (web["unknown"]["value"], web["unknown"]["errorCode"]) == ("fallback", "FLAG_NOT_FOUND")
    assert web["statuses"] == [200, 304, 304]
