"""The funnels that every site has: what they ask for, and who may redefine them."""

from __future__ import annotations

import pytest

from infra.cli.context import EXAMPLE_SITE
from schemas.event import EnrichedEvent, Medium
from schemas.site import Experiment, Funnel, Homepage, Scenario, Site, Step
from schemas.site_file import load
from streams.matching import Matcher

DEMO = load(EXAMPLE_SITE)
SHOWING = Homepage(default="classic", scenarios=(Scenario(name="s", variant="offers"),))


def steps_of(funnel: str, **fields: object) -> int:
    """The steps of the demo's standard funnel that an event satisfies, as bits."""
    plain = {"event_id": "e", "event_time": 1, "received_at": 1, "site": "", "type": "page",
             "name": "Page Viewed", "protocol": "beacon", "device_id": "d", "consent": "granted",
             "path": "/about"}  # fmt: skip
    row = EnrichedEvent(**{**plain, **fields})  # type: ignore[arg-type]
    said = Matcher([DEMO.live_funnels[funnel]]).evidence(row)
    return said.said.steps[0] if said is not None else 0


@pytest.mark.parametrize(
    ("medium", "arrives"), [("internal", 0), ("direct", 1), ("search", 1), ("unknown", 1)]
)
def test_a_visit_begins_with_a_page_that_was_come_to_from_outside(
    medium: Medium, arrives: int
) -> None:
    assert steps_of("visits", referrer_medium=medium) == arrives
    assert steps_of("visits", referrer_medium=medium, type="track", name="Looked") == 0
    assert steps_of("visits", type="track", name="Order Completed") == 2


def test_a_homepage_is_a_page_that_says_which_one_it_shows() -> None:
    assert steps_of("homepages", variant="bestsellers") == 1
    assert steps_of("homepages", variant="search-hero") == 1, "an arm of an experiment"
    assert steps_of("homepages", variant="classic") == 1, "the default"
    assert steps_of("homepages", variant="of-last-week") == 1, "whether or not it is still chosen"
    assert steps_of("homepages") == 0


def test_another_scenario_or_arm_begins_no_count_anew() -> None:
    before = Site(name="T", homepage=SHOWING).live_funnels["homepages"]
    another = Homepage(default="new", scenarios=(Scenario(name="s", variant="newer"),))
    hero = Experiment(name="hero", arms={"a": 1, "b": 1})
    site = Site(name="T", homepage=another, experiments={"hero": hero})
    assert site.live_funnels["homepages"].key == before.key


def test_a_site_without_scenarios_shows_no_homepages() -> None:
    assert list(Site(name="T").live_funnels) == ["visits"]
    assert list(Site(name="T", homepage=SHOWING).live_funnels) == ["visits", "homepages"]


def test_a_sites_own_funnel_of_that_name_wins() -> None:
    own = Funnel(name="visits", steps=(Step(name="any", page="*"),))
    assert Site(name="T", funnels={"visits": own}).live_funnels == {"visits": own}
