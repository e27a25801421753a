"""Which identifiers lead to a person, and why."""

from __future__ import annotations

from personalize_api.one_touch.identities import identities_of
from schemas.device_state import DeviceState
from schemas.identifiers import node_of

MAIL = node_of("email", "anna@toyhouse.example", "secret")


def device(first_seen: int = 1000, **more: object) -> DeviceState:
    return DeviceState(first_seen=first_seen, last_seen=first_seen, **more)  # type: ignore[arg-type]


def found(users: list[str], **devices: DeviceState | None) -> list[tuple[str, str, str]]:
    return [(each.kind, each.identifier, each.reason) for each in identities_of(users, devices)]


def test_a_device_is_somebodys_by_login_or_by_a_mail_that_was_clicked() -> None:
    phone = device(logins=(("anna", 2000, 3000), ("ben", 4000, 4000)))
    laptop = device(clicks=(("anna", 5000, 5000),))
    assert found(["anna"], phone=phone, laptop=laptop) == [
        ("user_id", "anna", "login"),
        ("cookie", "laptop", "mail_click"),
        ("cookie", "phone", "login"),
    ]
    (user, *_) = identities_of(["anna"], {"phone": phone, "laptop": laptop})
    assert user.since == "1970-01-01T00:00:02.000Z"


def test_a_login_that_was_taken_back_links_nothing() -> None:
    assert found(["anna"], phone=device(logins=(("anna", 2, 3),), revoked=(("anna", 9),))) == [
        ("user_id", "anna", "login")
    ]


def test_other_user_ids_are_there_by_alias() -> None:
    phone = device(logins=(("bea", 2000, 2000),))
    assert found(["ada", "bea"], phone=phone) == [
        ("user_id", "ada", "login"),
        ("user_id", "bea", "alias"),
        ("cookie", "phone", "login"),
    ]


def test_what_a_server_has_verified_is_named_by_its_kind_alone() -> None:
    states = {MAIL: device(logins=(("anna", 7000, 7000), ("eve", 8000, 8000)))}
    _, mail = identities_of(["anna"], states)
    assert (mail.kind, mail.identifier, mail.reason) == ("email", MAIL, "verified_email")
    assert mail.since == "1970-01-01T00:00:07.000Z"


def test_who_has_no_login_is_his_own_device() -> None:
    assert found([], cookie=device()) == [("cookie", "cookie", "own")]
    assert found([], cookie=device(logins=(("anna", 1, 1), ("", 2, 2)))) == []
    assert found([], p_1=device(), gone=None) == []


def test_a_click_after_a_login_was_taken_back_is_the_reason() -> None:
    phone = device(logins=(("anna", 2, 3),), revoked=(("anna", 9),), clicks=(("anna", 10, 10),))
    assert ("cookie", "phone", "mail_click") in found(["anna"], phone=phone)
