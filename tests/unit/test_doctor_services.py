"""What `footfall doctor` says of services that say something of themselves."""

from __future__ import annotations

from infra.doctor import Check, services
from schemas.heartbeat import Heartbeat, Service

NOW = 1_790_000_000_000
HERE = "0123456789ab"


def said(service: Service, *, ago_s: float = 1.0, site: str = HERE, stopped: bool = False) -> Check:
    beat = Heartbeat(
        service=service,
        instance="one:8080",
        at=NOW - int(ago_s * 1000),
        started_at=NOW - 7_300_000,
        site=site,
        stopped=stopped,
    )
    (check,) = services([beat], NOW, HERE)
    return check


def test_who_is_alive_is_told_with_its_site_file() -> None:
    check = said("collect")
    assert check.ok
    assert check.what == "collect one:8080"
    assert check.state == "alive, heard of 1.0 s ago, up 2 h, site file 0123456789ab"
    assert check.as_dict()["heard_s"] == 1.0


def test_who_is_silent_or_was_stopped_is_bad() -> None:
    assert said("sink", ago_s=60, site="").state == "silent, heard of 60.0 s ago"
    assert not said("sink", ago_s=60).ok
    assert not said("sink", stopped=True).ok


def test_who_follows_the_site_file_and_runs_another_is_bad() -> None:
    check = said("personalize", site="ffffffffffff")
    assert not check.ok
    assert f"site file ffffffffffff, here it is {HERE}: it refused that one" in check.state
    assert check.as_dict()["site_differs"] is True


def test_the_stream_may_count_by_the_site_file_that_it_began_with() -> None:
    check = said("stream", site="ffffffffffff")
    assert check.ok
    assert "restart it where that has changed" in check.state
