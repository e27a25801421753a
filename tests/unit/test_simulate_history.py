"""The simulated past: repeatable, as dirty as its tables say, and plausible."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from infra.simulate.acts import Act
from infra.simulate.messages import Happening, history
from infra.simulate.odds import Dirt
from infra.simulate.past import Past
from infra.simulate.truth import Truth
from infra.simulate.truth_book import TruthBook
from schemas.decision_token import read
from schemas.referrer import classify
from tests.unit.simulated import UNTIL, plan, site

MINUTE = 60_000
SECRET = "a secret for tests"


@pytest.fixture(scope="module")
def past() -> list[Happening]:
    return list(history(plan(shoppers=1500, secret=SECRET)))


@pytest.fixture(scope="module")
def truths(past: list[Happening]) -> list[Truth]:
    return [each.truth for each in past if each.truth is not None]


@pytest.fixture(scope="module")
def acts() -> list[Act]:
    return list(Past(plan(shoppers=1500)).acts())


def written(directory: Path, **options: object) -> tuple[bytes, bytes]:
    """Messages and truth as bytes."""
    encode = msgspec.json.Encoder().encode
    lines = []
    with TruthBook() as book:
        for happening in history(plan(**options)):
            lines.append(encode(happening.message))
            if happening.truth is not None:
                book.add(happening.truth)
        book.write(directory / "truth.csv")
    return b"\n".join(lines), (directory / "truth.csv").read_bytes()


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    options = {"shoppers": 150, "seed": 5, "secret": SECRET}
    assert written(tmp_path, **options) == written(tmp_path, **options)


def test_another_seed_shares_no_identifier() -> None:
    def identifiers(seed: int) -> set[str]:
        found: set[str] = set()
        for each in history(plan(shoppers=150, seed=seed)):
            message = each.message
            order = message.get("properties", {}).get("order_id", "")
            found |= {message["messageId"], message.get("anonymousId", ""), order}
            found |= {message.get("userId", ""), each.truth.person if each.truth else ""}
        return found - {""}

    assert not identifiers(1) & identifiers(2)


def test_every_message_has_one_truth_and_a_duplicate_is_the_same_message(
    past: list[Happening], truths: list[Truth]
) -> None:
    sent = Counter(each.message["messageId"] for each in past)
    assert sorted(sent) == sorted(truth.event_id for truth in truths)
    texts = {(each.message["messageId"], msgspec.json.encode(each.message)) for each in past}
    assert len(texts) == len(sent)
    first_seen: set[str] = set()
    for each in past:
        if each.truth is None:
            assert each.message["messageId"] in first_seen, "the first copy carries the truth"
        first_seen.add(each.message["messageId"])


def test_dirt_is_near_its_shares(past: list[Happening], truths: list[Truth]) -> None:
    dirt = Dirt()
    people = {truth.person: truth.consent for truth in truths if truth.person}
    refusing = sum(consent == "denied" for consent in people.values()) / len(people)
    assert refusing == pytest.approx(dirt.refusals, abs=0.04)
    assert len(past) / len(truths) - 1 == pytest.approx(dirt.duplicates, rel=0.3)
    pages = [e for e in past if e.truth is not None and e.message["type"] == "page"]
    bots = sum(each.truth.kind == "bot" for each in pages if each.truth) / len(pages)
    assert bots == pytest.approx(dirt.bots, rel=0.25)
    behind, newest = 0, 0
    for truth in truths:
        behind += truth.event_time < newest
        newest = max(newest, truth.event_time)
    assert behind / len(truths) == pytest.approx(dirt.disorder, rel=0.5)


def test_without_dirt_everything_comes_once_and_in_order() -> None:
    clean = Dirt(bots=0, duplicates=0, disorder=0, refusals=0, deleted_cookies=0, offline=0)
    happenings = list(history(plan(dirt=clean)))
    times = [each.truth.event_time for each in happenings if each.truth is not None]
    assert len(times) == len(happenings)
    assert times == sorted(times)
    assert {e.truth.consent for e in happenings if e.truth} == {"granted"}
    assert {e.truth.kind for e in happenings if e.truth} == {"visitor"}


def test_refusing_people_and_bots_leave_no_identifier(past: list[Happening]) -> None:
    for message in (e.message for e in past if e.message["context"]["consent"] == "denied"):
        assert "anonymousId" not in message
        assert "userId" not in message
        assert "profile_id" not in message["context"]
    agents = {
        (truth.person, each.message["context"]["ip"], each.message["context"]["userAgent"])
        for each in past
        if (truth := each.truth) and truth.person and truth.consent == "denied"
    }
    assert len(agents) < 1.5 * len({person for person, _, _ in agents}), "one pseudonym a device"


def test_visits_of_a_device_are_apart_and_have_no_gap_inside(truths: list[Truth]) -> None:
    devices: dict[str, list[Truth]] = {}
    for truth in truths:
        if truth.device_id and not truth.session.startswith("backend-"):
            devices.setdefault(truth.device_id, []).append(truth)
    for seen in devices.values():
        for before, after in pairwise(sorted(seen, key=lambda truth: truth.event_time)):
            pause = after.event_time - before.event_time
            if before.session == after.session:
                assert 0 < pause < 30 * MINUTE
            else:
                assert pause >= 31 * MINUTE


def test_the_past_lies_between_its_ends(truths: list[Truth]) -> None:
    since = plan().since
    assert all(since <= truth.event_time <= UNTIL for truth in truths)
    assert max(truth.event_time for truth in truths) > UNTIL - 3_600_000


def test_an_order_is_worth_its_products(past: list[Happening]) -> None:
    orders = [e.message for e in past if e.message.get("event") == "Order Completed" and e.truth]
    assert len(orders) > 50
    for order in orders:
        properties = order["properties"]
        total = sum(line["price"] * line["quantity"] for line in properties["products"])
        assert properties["revenue"] == pytest.approx(total)
        assert properties["currency"] == "EUR"
    assert len({order["properties"]["order_id"] for order in orders}) == len(orders)


def test_homepages_are_the_default_until_the_launch_and_decided_from_then_on() -> None:
    launch = UNTIL - 2 * 86_400_000
    before, after = Counter[str](), Counter[str]()
    for each in history(plan(shoppers=1500, launch=launch, secret=SECRET)):
        context = each.message["context"]
        if "variant" not in context or each.truth is None:
            continue
        if each.truth.event_time < launch:
            before[context["variant"]] += 1
            assert "decision_id" not in context
            continue
        after[context["variant"]] += 1
        decided = read(context["decision_id"], SECRET)
        assert decided is not None
        assert decided.variant == context["variant"]
        assert bool(decided.arm) == (decided.scenario == "search-toys" and bool(decided.arm))
    assert set(before) == {site().homepage.default}
    every = {s.variant for s in site().homepage.scenarios if s.variant} | {"search-hero"}
    assert every <= set(after), "every scenario of the shop happens"


def test_readers_of_the_encyclopedia_get_bestsellers_and_order_twice_as_often() -> None:
    visits: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    for seed in (1, 2, 3):
        shown: dict[str, str] = {}
        for act in Past(plan(shoppers=5000, seed=seed)).acts():
            if act.shown is not None and act.visit not in shown:
                source = classify("https://toyhouse.example/", act.step.referrer, site()).source
                shown[act.visit] = act.shown.variant if source == "Encyclopedia" else ""
            if act.step.name == "Order Completed":
                orders[shown.get(act.visit, "")] += 1
        visits.update(shown.values())
    classic, bestsellers = (orders[v] / visits[v] for v in ("classic", "bestsellers"))
    assert classic == pytest.approx(0.05, abs=0.02)
    assert bestsellers == pytest.approx(0.11, abs=0.03)


def test_people_share_computers_return_on_other_devices_and_lose_cookies(
    acts: list[Act],
) -> None:
    people: dict[str, set[str]] = {}
    devices: dict[str, set[str]] = {}
    for act in acts:
        if act.device:
            people.setdefault(act.person, set()).add(act.device)
            devices.setdefault(act.device, set()).add(act.person)
    assert sum(len(found) > 1 for found in people.values()) > 100
    assert sum(len(found) > 1 for found in devices.values()) > 10
    assert sum(act.step.name == "Logged Out" for act in acts) > 20
    assert sum(bool(act.step.profile_id) and act.step.type == "identify" for act in acts) > 20
