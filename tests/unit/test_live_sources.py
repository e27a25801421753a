"""What the live page shows of pages and stages."""

from __future__ import annotations

from personalize_api.live.pulse import Page, composed
from personalize_api.live.sources import pages_of_many, stages_and_services
from schemas.heartbeat import SILENT_MS, Heartbeat, StageBeat

NOW_MS = 1_800_000_000_000


def pages(*seen: tuple[str, int]) -> list[tuple[str, int]]:
    return [(p.path, p.views) for p in pages_of_many([Page(path=a, views=n) for a, n in seen])]


def test_a_page_that_few_have_seen_shows_no_number() -> None:
    assert pages(("/orders/A-7e57-99", 4), ("/orders/A-1", 2)) == [("/orders/*", 6)]
    assert pages(("/p/T-0001/more", 1)) == [("/p/*/more", 1)]


def test_a_page_that_many_see_is_nobodys_own() -> None:
    assert pages(("/p/T-0001", 5), ("/about", 1)) == [("/p/T-0001", 5), ("/about", 1)]


def beat(service: str, instance: str, ago_ms: int = 0, *stages: StageBeat) -> Heartbeat:
    at = NOW_MS - ago_ms
    return Heartbeat(
        service=service,  # type: ignore[arg-type]
        instance=instance,
        at=at,
        started_at=0,
        site="",
        stages=list(stages),
    )


def test_a_service_without_stages_is_told_too() -> None:
    beats = [
        beat("stream", "a", 0, StageBeat("stream.raw", 0, 3, 0.5)),
        beat("personalize", "a"),
        beat("personalize", "b", SILENT_MS + 1000),
    ]
    raw, personalize = stages_and_services(composed(NOW_MS, [], [], {}, beats))
    assert (raw.name, raw.behind, raw.state) == ("stream.raw", 3, "ok")
    assert (personalize.name, personalize.state) == ("personalize", "silent")
