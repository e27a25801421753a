"""`footfall visitor` on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from infra.cli.visitor_card import show
from personalize_api.one_touch.identities import IdentityView
from personalize_api.one_touch.next_action import NextAction
from personalize_api.one_touch.shapes import ContactView, PageView, ProfileView
from personalize_api.one_touch.view import OneTouch

TIME = "2026-11-22T12:30:00.000Z"

ANNA = OneTouch(
    identifier="anna",
    kind="user_id",
    person_id="the-person",
    user_id="anna",
    aliases=[],
    class_="customer",
    logged_in=False,
    sessions=3,
    orders=2,
    person=None,
    device=None,
    devices=[],
    devices_apart=[],
    profiles=[ProfileView(profile_id="kid", attributes={"age": 7})],
    identities=[IdentityView(kind="cookie", identifier="phone", reason="login", since=TIME)],
    value_tier="large",
    revenue_site="350",
    recent_sessions=[],
    last_pages=[PageView(time=TIME, path="/\x1b[2J[red]:smile:", device_id="phone")],
    last_products=[],
    cart=["kite"],
    contacts=[
        ContactView(time=TIME, channel="mail", direction="in", subject="late", answered=False)
    ],
    next_action=NextAction(action="answer-contact", reason="a mail has waited", about=("late",)),
)


def shown(found: OneTouch) -> str:
    text = StringIO()
    show(found, Console(file=text, width=100, emoji=False, highlight=False))
    return text.getvalue()


def test_what_to_do_stands_above_what_is_known() -> None:
    lines = shown(ANNA).splitlines()
    assert lines[0] == "anna  customer, value tier large, 3 sessions, 2 orders"
    assert lines[1] == "next: answer-contact (late): a mail has waited"
    text = "\n".join(lines)
    assert "cookie phone: login, since 2026-11-22 12:30" in text
    assert "2026-11-22 12:30 mail in late (not answered)" in text
    assert "age 7" in text
    assert "products" not in text, "what is not known has no line"


def test_what_others_have_sent_does_nothing_to_the_terminal() -> None:
    text = shown(ANNA)
    assert "\x1b" not in text
    assert "/\ufffd[2J[red]:smile:" in text
