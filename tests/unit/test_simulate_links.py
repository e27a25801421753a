"""What the rules entail between devices and users, by hand."""

from __future__ import annotations

import pytest

from infra.simulate.entailed import Entailed, Facts
from infra.simulate.oracle import Owner, Said, owner
from infra.simulate.oracle_links import (
    JOIN_MS,
    Alias,
    Claim,
    Seen,
    claimants,
    device_of_line,
    roots,
    sightings,
)
from infra.simulate.truth import Truth
from schemas.ids import person_of_device, person_of_user

MINUTE = 60_000
DAY_MS = 86_400_000
ANNA, BEN = person_of_user("anna"), person_of_user("ben")


def login(at: int, user: str) -> Said:
    return Said(at, user)


def click(at: int, user: str) -> Said:
    return Said(at, clicked_by=user)


def takes_back(at: int, user: str) -> Said:
    return Said(at, takes_back=user)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([click(20, "anna")], Owner("anna")),
        ([click(5, "anna"), click(20, "anna")], Owner("anna")),
        ([click(5, "anna"), click(20, "ben")], Owner()),  # they disagree
        ([login(20, "ben"), click(5, "anna")], Owner("ben")),  # a forwarded mail captures nobody
        ([login(20, "anna"), click(5, "anna")], Owner("anna")),
        ([Said(8, logs_out=True), click(5, "anna")], Owner("", 8)),
        ([click(5, "anna"), takes_back(5, "anna")], Owner()),
        ([click(5, "anna"), click(7, "ben"), takes_back(6, "anna")], Owner("ben")),
        ([login(5, "anna"), takes_back(5, "anna")], Owner()),
        ([login(5, "anna"), takes_back(9, "anna"), login(12, "anna")], Owner("anna")),
        ([login(5, "anna"), takes_back(9, "ben")], Owner("anna")),
        ([login(n, f"u{n}") for n in range(5)], Owner("u4")),
        ([login(n, f"u{n}") for n in range(6)], Owner()),  # more than a family
        ([*(login(n, f"u{n}") for n in range(6)), login(DAY_MS, "anna")], Owner("anna")),
        ([*(login(n, f"u{n}") for n in range(6)), click(DAY_MS, "anna")], Owner()),
    ],
)
def test_whose_a_device_is_at_ten(said: list[Said], expected: Owner) -> None:
    assert owner(said, 10) == expected
    assert owner(list(reversed(said)), 10) == expected, "whatever came first"


def test_an_identifier_is_of_whoever_claimed_it_first_and_still_does() -> None:
    claims = [Claim("email:1", "ben", 20), Claim("email:1", "anna", 10), Claim("phone:1", "ben", 5)]
    assert claimants(claims) == {"email:1": "anna", "phone:1": "ben"}
    assert claimants([*claims, Claim("email:1", "anna", 15, revoked=True)])["email:1"] == "ben"
    again = [Claim("email:1", "anna", 15, revoked=True), Claim("email:1", "anna", 16)]
    assert claimants([*claims, *again])["email:1"] == "anna"
    alone = [Claim("email:1", "anna", 10), Claim("email:1", "anna", 10, revoked=True)]
    assert claimants(alone) == {}


def test_joined_users_have_the_smallest_of_them_as_root() -> None:
    aliases = [Alias("c", "b", 1, "e1"), Alias("d", "c", 2, "e2"), Alias("x", "y", 3, "e3")]
    assert roots(aliases) == {"b": "b", "c": "b", "d": "b", "x": "x", "y": "x"}
    parted = [*aliases, Alias("b", "c", 4, "e4", revoked=True)]
    assert roots(parted) == {"b": "b", "c": "c", "d": "c", "x": "x", "y": "x"}
    assert roots([*parted, Alias("c", "b", 5, "e5")]) == roots(aliases), "the last word holds"
    assert roots(reversed(parted)) == roots(parted)


def test_a_line_is_of_the_only_device_that_was_near() -> None:
    noon = DAY_MS // 2 + 3 * MINUTE
    one, other = Seen("ip", "ua", noon, "d1"), Seen("ip", "ua", noon + 3 * JOIN_MS, "d2")
    refused = Seen("ip", "ua", noon + 6 * JOIN_MS, "")

    def of(at: int, *seen: Seen) -> str:
        return device_of_line(sightings(seen), at)

    assert of(noon + JOIN_MS, one, other, refused) == "d1"
    assert of(noon + JOIN_MS + 1, one, other, refused) == ""
    assert of(noon + 2 * JOIN_MS, one, other, refused) == "d2"
    assert of(noon + 6 * JOIN_MS, one, other, refused) == "", "somebody who refused asked for it"
    assert of(noon, one, Seen("ip", "ua", noon + 1, "d2")) == "", "two candidates"
    assert of(noon, one, Seen("ip", "ua", noon + 1, "")) == ""
    again = Seen("ip", "ua", noon + MINUTE, "d1")
    end = noon + JOIN_MS + MINUTE
    assert of(end - MINUTE, one, again) == "d1"
    assert of(end, one, again) == "", "ends are known to five minutes: what is unsure joins none"
    assert of(end, Seen("ip", "ua", noon + 2 * JOIN_MS, "d2"), one, again) == ""


def truth(device: str, at: int, person: str = "ann", **more: object) -> Truth:
    return Truth(f"{device}{at}", device, at, person, "v", "visitor", "granted", **more)  # type: ignore[arg-type]


def test_every_kind_of_evidence_leads_to_the_root_of_its_user() -> None:
    login_b = truth("d2", 2, user_id="anna-b", is_own=True)
    rows = {
        "login": truth("d1", 1, user_id="anna", is_own=True),
        "alias": login_b,
        "verified": truth("email:1", 5),
        "click": truth("d3", 6, clicked_by="anna"),
        "log": truth("", 1, is_line=True, ip="i", user_agent="u"),
    }
    facts = Facts()
    said = [
        truth("user:anna", 3, user_id="anna", is_own=True, claims=["email:1"]),
        truth("user:anna", 4, user_id="anna", is_own=True, same_as="anna-b"),
        truth("d1", 2, ip="i", user_agent="u"),
    ]
    for each in [*rows.values(), *said]:
        facts.add(each)
    entailed = Entailed(facts)
    assert {kind: entailed.evidence(row) for kind, row in rows.items()} == {k: k for k in rows}
    assert {entailed.person(row) for row in rows.values()} == {ANNA}
    assert [entailed.evidence(each) for each in said] == ["login"] * 3


def test_what_is_no_evidence_says_why() -> None:
    rows = {
        "cookie": truth("d1", 1),
        "shared": truth("d2", 15),
        "misleading": truth("d3", 1, "ben", clicked_by="anna"),
        "apart": truth("d4", 1, user_id="anna-b", is_own=True),
        "": truth("", 1),
    }
    facts = Facts()
    for each in (
        *rows.values(),
        truth("d2", 10, user_id="anna", is_own=True),
        truth("d2", 20, "ben", logs_out=True),
    ):
        facts.add(each)
    entailed = Entailed(facts)
    del rows[""]
    assert {kind: entailed.evidence(row) for kind, row in rows.items()} == {k: k for k in rows}
    assert entailed.person(rows["cookie"]) == person_of_device("d1")
    after = truth("d2", 30)
    facts.add(after)
    entailed = Entailed(facts)
    assert entailed.evidence(after) == "shared"
    assert entailed.person(after) == person_of_device("d2", 20)
    assert entailed.person(rows["shared"]) == ANNA, "by luck: anybody might have been there"
    assert entailed.person(rows["misleading"]) == ANNA
