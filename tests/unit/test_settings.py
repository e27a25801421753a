"""What a process reads from its environment."""

from __future__ import annotations

import pytest

from schemas.settings import Settings


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8081"),
        ("0.0.0.0", "http://127.0.0.1:8081"),
        ("::", "http://[::1]:8081"),
        ("::1", "http://[::1]:8081"),
        ("10.0.0.7", "http://10.0.0.7:8081"),
    ],
)
def test_a_service_is_reached_from_its_own_machine(bind: str, url: str) -> None:
    environment = {"FOOTFALL_BIND": bind, "FOOTFALL_SECRET_KEY": "s"}
    assert Settings.from_environment(environment).url(8081) == url
