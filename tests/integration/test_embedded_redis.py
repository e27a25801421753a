"""The embedded Redis: keeps its data over SIGTERM and kill -9, and is not mistaken for another."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import redis

from infra.embedded import redis_server
from infra.embedded.service import EmbeddedError, NotReady
from tests.servers import own_settings, running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_data_survives(tmp_path: Path, number: signal.Signals) -> None:
    settings = own_settings()
    service = redis_server.service(tmp_path / "redis", settings.ports.redis)
    with (
        running(service, tmp_path / "log") as process,
        redis.Redis.from_url(settings.redis_url) as client,
    ):
        client.set("visitor", "returning")
        process.send_signal(number)
        process.wait(10)

    with (
        running(service, tmp_path / "log"),
        redis.Redis.from_url(settings.redis_url) as client,
    ):
        assert client.get("visitor") == b"returning"


def test_a_full_memory_refuses_writes_and_forgets_nothing(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_another_redis_on_the_port_is_not_taken_for_ours(redis_url: str, tmp_path: Path) -> None:
    port = int(redis_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(NotReady, match="another Redis"):
        redis_server.service(tmp_path, port).ready(os.getpid())


def test_a_server_that_is_too_old_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.7 sha=0 bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.find_binary() != old


def test_without_any_server_the_error_names_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EmbeddedError, match="FOOTFALL_REDIS_URL"):
        redis_server.find_binary()
