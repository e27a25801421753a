"""Login, logout, and the children a member shops for."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from infra.demo.toyhouse import demo_members
from infra.demo.toyhouse.door import own_path, render, see
from infra.demo.toyhouse.footfall import Visit
from infra.demo.toyhouse.forms import Form, read_form
from infra.demo.toyhouse.members import (
    MAX_CHILDREN,
    MAX_EMAIL,
    MAX_NAME,
    MAX_PASSWORD,
    OLDEST,
    Child,
    NotAnAddress,
    WrongPassword,
)
from infra.demo.toyhouse.shopper import Shopper, as_child

MAX_PATH = 500


async def login_form(shopper: Shopper) -> Response:
    going_to = own_path(shopper.request.query_params.get("next", ""), "/account")
    if shopper.member is not None:
        return see(going_to)
    return _login(shopper, going_to)


async def log_in(shopper: Shopper) -> Response:
    form = await read_form(shopper.request)
    going_to = own_path(form.text("next", MAX_PATH), "/account")
    members = shopper.shop.members
    ready_made = demo_members.BY_FIRST_NAME.get(form.text("as", 10))
    email = form.text("email", MAX_EMAIL)
    try:
        if ready_made is not None:
            member = await demo_members.log_in(members, ready_made)
        else:
            member = await members.log_in(email, form.secret("password", MAX_PASSWORD))
    except (NotAnAddress, WrongPassword) as error:
        return _login(shopper, going_to, email, str(error))
    shopper.log_in(member)
    introduce(shopper)
    return see(going_to)


async def log_out(shopper: Shopper) -> Response:
    was_somebody = shopper.member is not None
    shopper.log_out()
    if was_somebody:
        # Said by the device, which is nobody's from here on; so the event names no member.
        shopper.shop.footfall.track(shopper.deed(), "Logged Out")
    return see("/")


async def account(shopper: Shopper) -> Response:
    if shopper.member is None:
        return see("/login?next=/account")
    orders = shopper.shop.sessions.orders_of(shopper.member.id, 10)
    return render(
        shopper,
        "account.html",
        orders=[(_day(order.placed_at), order) for order in orders],
        oldest=OLDEST,
        room_for_more=len(shopper.member.children) < MAX_CHILDREN,
    )


async def keep_child(shopper: Shopper) -> Response:
    """The short questionnaire: a new child, or one known already."""
    form = await read_form(shopper.request)
    if shopper.member is None:
        return see("/login?next=/account")
    name, birth_year, interests = _answers(form, shopper)
    child = shopper.shop.members.keep_child(
        shopper.member, name, birth_year, interests, old=form.text("child", 40)
    )
    if child is not None:
        shopper.refresh()
        _describe(shopper, shopper.deed(), child)
    return see("/account")


async def remove_child(shopper: Shopper) -> Response:
    form = await read_form(shopper.request)
    member = shopper.member
    child_id = form.text("child", 40)
    if member is not None and shopper.shop.members.remove_child(member, child_id):
        visit = as_child(shopper.deed(), child_id)
        # Null takes an attribute away: what is not there any more matches no scenario.
        shopper.shop.footfall.identify(visit, {"age": None, "interests": None})
    return see("/account")


async def choose_child(shopper: Shopper) -> Response:
    """For whom the member is shopping now; '' : for nobody in particular."""
    form = await read_form(shopper.request)
    member = shopper.member
    if member is None:
        return see("/login?next=/account")
    chosen = form.text("child", 40)
    if chosen == "" or any(child.id == chosen for child in member.children):
        shopper.shop.members.shop_for(member, chosen)
        shopper.refresh()
        if shopper.child is not None:
            _describe(shopper, shopper.deed(), shopper.child)
    return see(own_path(form.text("next", MAX_PATH), "/account"))


def introduce(shopper: Shopper) -> None:
    """Tells Footfall who has logged in, and what is known of the children today: they grow."""
    member = shopper.member
    if member is None:
        return
    visit = shopper.deed()
    shopper.shop.footfall.identify(as_child(visit, ""), {"name": member.name})
    for child in member.children:
        _describe(shopper, visit, child)


def _describe(shopper: Shopper, visit: Visit, child: Child) -> None:
    """A child is an age and interests; its name is nobody's business but its parents'."""
    traits = {"age": child.age, "interests": list(child.interests)}
    shopper.shop.footfall.identify(as_child(visit, child.id), traits)


def _answers(form: Form, shopper: Shopper) -> tuple[str, int, tuple[str, ...]]:
    this_year = datetime.now(UTC).year
    known = [category.slug for category in shopper.shop.catalogue.categories]
    chosen = set(form.all("interests"))
    return (
        form.text("name", MAX_NAME) or "My child",
        this_year - form.number("age", 0, OLDEST, 5),
        tuple(slug for slug in known if slug in chosen),
    )


def _login(shopper: Shopper, going_to: str, email: str = "", said: str = "") -> Response:
    return render(
        shopper,
        "login.html",
        422 if said else 200,
        going_to=going_to,
        email=email,
        said=said,
        ready_made=demo_members.BY_FIRST_NAME.values(),
    )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%-d %B %Y")
