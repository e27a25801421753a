"""One visitor on a terminal: what to do first, then what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from personalize_api.one_touch.view import OneTouch

_MOST = 5  # lines of each list


def show(found: OneTouch, console: Console) -> None:
    name = found.user_id or found.identifier
    console.print(f"[bold]{_plain(name)}[/bold]  {', '.join(_standing(found))}")
    action = found.next_action
    about = f" ({_plain(', '.join(action.about))})" if action.about else ""
    console.print(f"[green]next: {action.action}[/green]{about}: {_plain(action.reason)}\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for what, lines in _rows(found):
        text = "\n".join(map(_plain, lines))
        if text:
            table.add_row(what, text)
    console.print(table)


def _standing(found: OneTouch) -> Iterator[str]:
    yield found.class_
    if found.person is not None and found.person.lifecycle != found.class_:
        yield found.person.lifecycle
    if found.value_tier:
        yield f"value tier {found.value_tier}"
    yield f"{found.sessions} sessions"
    yield f"{found.orders} orders"


def _rows(found: OneTouch) -> Iterator[tuple[str, Iterable[str]]]:
    yield "person", [found.person_id]
    yield (
        "identities",
        [
            f"{each.kind} {each.identifier}: {each.reason}{_since(each.since)}"
            for each in found.identities
        ],
    )
    if (person := found.person) is not None:
        yield "seen", [f"{_time(person.first_seen)} to {_time(person.last_seen)}"]
        yield "money", [f"{amount} {currency}" for currency, amount in person.money.items()]
        yield "segments", [", ".join(person.segments)]
        shares = [f"{each.category} {each.share:.0%}" for each in person.interests[:_MOST]]
        yield "interests", [", ".join(shares)]
        yield (
            "experiments",
            [f"{each.experiment}: {each.arm}" for each in person.experiments if each.running],
        )
    for profile in found.profiles:
        held = ", ".join(f"{name} {value}" for name, value in profile.attributes.items())
        yield f"profile {profile.profile_id}".strip(), [held]
    yield "sessions", [_time(each.started) for each in found.recent_sessions[:_MOST]]
    yield "pages", [f"{_time(each.time)} {each.path}" for each in found.last_pages]
    yield (
        "products",
        [f"{_time(each.time)} {each.product_id}" for each in found.last_products[:_MOST]],
    )
    yield "cart", [", ".join(found.cart)]
    yield (
        "contacts",
        [
            f"{_time(each.time)} {each.channel} {each.direction} {each.subject}"
            f"{' (not answered)' if each.answered is False else ''}"
            for each in found.contacts
        ],
    )


def _plain(text: str) -> str:
    """What others have sent, without what a terminal would obey."""
    return escape("".join(sign if sign.isprintable() else "\ufffd" for sign in text))


def _since(time: str | None) -> str:
    return f", since {_time(time)}" if time else ""


def _time(time: str | None) -> str:
    return time[:16].replace("T", " ") if time else "never"
