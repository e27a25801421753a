"""The simulated world beside visits: shared places, bots in a hurry, mails, the shop's backend."""

from __future__ import annotations

from collections import Counter

import pytest

from infra.simulate import odds
from infra.simulate.acts import Act
from infra.simulate.messages import Happening, history
from infra.simulate.odds import FORWARDED, HARD, Dirt
from infra.simulate.past import Past
from infra.simulate.truth import Truth
from infra.simulate.weblog import Scribe
from schemas import click_token
from tests.unit.simulated import plan

SECRET = "a secret for tests"
HOUR = 3_600_000


@pytest.fixture(scope="module")
def acts() -> list[Act]:
    return list(Past(plan(shoppers=2600, secret=SECRET)).acts())


@pytest.fixture(scope="module")
def sent() -> list[Happening]:
    return list(history(plan(shoppers=2600, secret=SECRET)))


@pytest.fixture(scope="module")
def truths(sent: list[Happening]) -> list[Truth]:
    return [each.truth for each in sent if each.truth is not None]


def what_people_do(**options: object) -> list[tuple[int, str, str]]:
    return [
        (act.at, act.person, act.step.path.partition("ff_click")[0])
        for act in Past(plan(shoppers=300, **options)).acts()
        if act.person
    ]


def test_neither_bots_nor_a_secret_change_what_people_do() -> None:
    quiet = what_people_do()
    assert what_people_do(dirt=Dirt(bots=0.3)) == quiet
    assert [each[:2] for each in what_people_do(secret=SECRET)] == [each[:2] for each in quiet]


def test_more_people_log_in_on_a_public_computer_than_a_day_may_have() -> None:
    logins: dict[tuple[str, int], set[str]] = {}
    for each in history(plan(shoppers=2600, dirt=HARD)):
        truth = each.truth
        if truth is not None and truth.user_id and ":" not in truth.device_id:
            day = truth.event_time // (24 * HOUR)
            logins.setdefault((truth.device_id, day), set()).add(truth.user_id)
    assert max(map(len, logins.values())) > 5


def test_logins_on_shared_computers_are_taken_back() -> None:
    sent = [each.truth for each in history(plan(dirt=HARD)) if each.truth is not None]
    back = [truth for truth in sent if truth.revokes and ":" not in truth.device_id]
    assert back
    for truth in back:
        earlier = [e for e in sent if e.device_id == truth.device_id and not e.revokes]
        assert any(e.user_id == truth.user_id and e.event_time < truth.event_time for e in earlier)


def test_strangers_share_an_address_and_a_browser(acts: list[Act]) -> None:
    visitors: dict[tuple[str, str], set[str]] = {}
    refusing: set[tuple[str, str]] = set()
    for act in acts:
        if act.person and not act.is_backend:
            visitors.setdefault((act.ip, act.user_agent), set()).add(act.person)
            if not act.consents:
                refusing.add((act.ip, act.user_agent))
    shared = {key for key, people in visitors.items() if len(people) > 1}
    assert len(shared) > 30
    assert shared & refusing, "one of them refuses"


def test_who_runs_no_beacon_stands_in_the_log_alone() -> None:
    logged: list[Truth] = []
    scribe = Scribe(plan())

    def write(act: Act) -> None:
        logged.extend(line.truth for line in scribe.lines(act) if line.truth is not None)

    beacons = {e.truth.person for e in history(plan(), write) if e.truth is not None}
    in_log = {truth.person for truth in logged}
    assert beacons < in_log
    assert (len(in_log) - len(beacons)) / len(in_log) == pytest.approx(0.03, abs=0.02)


def test_some_visits_arrive_hours_late_as_a_whole(sent: list[Happening]) -> None:
    newest, behind = 0, Counter[str]()
    for each in sent:
        if each.truth is not None:
            if newest - each.truth.event_time > HOUR:
                behind[each.truth.session] += 1
            newest = max(newest, each.truth.event_time)
    assert len(behind) > 20
    assert behind.total() > 1.5 * len(behind)


def test_a_scraper_asks_for_more_in_a_minute_than_anybody_reads() -> None:
    minutes: Counter[tuple[str, int]] = Counter()
    agents: dict[str, str] = {}
    for act in Past(plan(dirt=Dirt(scrapers=0.5))).acts():
        minutes[act.visit, act.at // 60_000] += act.step.type == "page"
        agents[act.visit] = act.user_agent
    fast = {visit for (visit, _), count in minutes.items() if count > 150}
    assert fast
    assert all(visit.startswith("crawl-") and "Mozilla" in agents[visit] for visit in fast)
    assert max(n for (visit, _), n in minutes.items() if visit.startswith("visit-")) < 30


def test_links_in_mails_name_their_recipient_and_some_are_forwarded(
    sent: list[Happening], truths: list[Truth]
) -> None:
    accounts = {truth.user_id: truth.person for truth in truths if truth.is_own}
    own, forwarded = 0, 0
    for each in sent:
        if each.truth is None or each.truth.consent == "denied":
            continue
        url = each.message["context"].get("page", {}).get("url", "")
        click = click_token.read(click_token.token_in(url), SECRET)
        assert (click.user_id if click else "") == each.truth.clicked_by
        if each.truth.clicked_by in accounts:
            own += accounts[each.truth.clicked_by] == each.truth.person
            forwarded += accounts[each.truth.clicked_by] != each.truth.person
    assert own > 20
    assert 0 < forwarded < own
    assert 0 < FORWARDED < 1


def test_the_backend_says_what_no_browser_may(truths: list[Truth]) -> None:
    backend = [truth for truth in truths if truth.session.startswith("backend-")]
    kinds = Counter(truth.device_id.partition(":")[0] for truth in backend)
    assert {"email", "phone", "order", "user"} <= kinds.keys()
    claims = {node: truth.person for truth in truths for node in truth.claims if not truth.revokes}
    named = [truth for truth in backend if truth.device_id in claims]
    assert len(named) > 30
    right = sum(claims[truth.device_id] == truth.person for truth in named)
    assert right / len(named) > 0.8
    assert sum(truth.revokes for truth in backend) > 0, "mistakes are taken back"


def test_a_mistake_is_taken_back_before_the_past_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odds, "MISTAKEN", 0.8)
    accounts: dict[str, str] = {}
    said: dict[tuple[str, str], list[bool]] = {}
    for each in history(plan(days=2)):
        if (truth := each.truth) is not None and truth.is_own:
            accounts[truth.user_id] = truth.person
        if truth is not None and truth.same_as:
            said.setdefault((truth.same_as, truth.user_id), []).append(truth.revokes)
    wrong = [pair for pair in said if len({accounts.get(user, user) for user in pair}) > 1]
    assert len(wrong) > 5
    assert all(sorted(said[pair]) == [False, True] for pair in wrong)
