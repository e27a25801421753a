"""One visit as a script: what a shopper does, step by step, and how the homepage changes it.

The script asks which homepage is shown when it gets to one; whoever plays it answers, by the rules
of the past (`homepage.py`) or by asking the running service (`live.py`).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from random import Random

from infra.demo.product import Product
from infra.simulate import odds
from infra.simulate.arrivals import Arrival
from infra.simulate.odds import Reach, is_drawn
from infra.simulate.people import Device, Person
from infra.simulate.shelves import Shelves, money, search_path
from infra.simulate.steps import Script, Shown, Step


class Visit:
    """Plays one visit. Changes person and device as it goes: logins, orders, profiles."""

    def __init__(
        self,
        chance: Random,
        shelves: Shelves,
        origin: str,
        person: Person,
        device: Device,
        arrival: Arrival,
        default: str,
        order_numbers: Iterator[str],
    ) -> None:
        self._chance = chance
        self._shelves = shelves
        self._origin = origin  # https://toyhouse.example
        self._person = person
        self._device = device
        self._arrival = arrival
        self._default = default
        self._order_numbers = order_numbers
        self._at = ""  # path of the page in front
        self._referrer = arrival.referrer
        self._title = ""
        self._variant = ""
        self._likes = self._kinds()

    def script(self) -> Script:
        yield from self._land()
        lift = self._lift()
        orders = is_drawn(self._chance, odds.ORDERS[self._arrival.way] * lift)
        reach: Reach = "order" if orders else odds.falls_short(self._chance, lift)
        if reach == "bounce":
            return
        yield from self._log_in()
        yield from self._browse(reach)
        if reach in ("cart", "checkout", "order"):
            yield from self._buy(reach)
        if not self._person.newsletter and is_drawn(self._chance, odds.SIGNS_UP):
            yield self._page("/newsletter", "Newsletter")
            yield self._track("Newsletter Signed Up")
            self._person.newsletter = True
        yield from self._log_out()

    def _land(self) -> Script:
        arrival = self._arrival
        if arrival.product is not None:
            yield from self._look_at(arrival.product, arrival.path)
        elif arrival.category:
            yield self._page(arrival.path, self._shelves.category_title(arrival.category))
        else:
            yield from self._home(arrival.path)

    def _home(self, path: str) -> Script:
        step = self._page(path, "Toyhouse")
        step.is_home = True
        step.profile_id = self._device.profile_id
        shown = yield step
        if shown is not None and not self._variant:
            self._variant = shown.variant

    def _browse(self, reach: Reach) -> Script:
        looks = 1 + int(self._chance.expovariate(0.7)) if reach != "browse" else 1
        for _ in range(min(looks, 12)):
            wanted = self._wanted()
            if is_drawn(self._chance, odds.SEARCHES):
                words, results = self._shelves.search(self._chance, wanted)
                yield self._page(search_path(words), f"Search: {words}")
                yield self._track("Products Searched", query=words, search_results=results)
            else:
                title = self._shelves.category_title(wanted.category)
                yield self._page(f"/c/{wanted.category}", title)
            if reach != "browse":
                yield from self._look_at(wanted)
        if is_drawn(self._chance, odds.SEES_HOME_AGAIN):
            yield from self._home("/")

    def _look_at(self, product: Product, path: str = "") -> Script:
        yield self._page(path or f"/p/{product.slug}", product.title)
        yield self._track(
            "Product Viewed",
            product_id=product.sku,
            name=product.title,
            category=product.category,
            price=money(product.price),
            currency="EUR",
        )

    def _buy(self, reach: Reach) -> Script:
        cart = yield from self._fill_cart()
        yield self._page("/cart", "Cart")
        if is_drawn(self._chance, odds.EMPTIES_CART):
            yield self._track("Cart Emptied")
            if reach == "cart":
                return
            cart = yield from self._fill_cart()
        if reach == "cart":
            return
        order = self._order(cart)
        yield self._page("/checkout", "Checkout")
        yield self._track("Checkout Started", **order)
        if reach == "checkout":
            return
        if not self._person.orders and is_drawn(self._chance, odds.MAKES_ACCOUNT):
            yield from self._make_account()
        order_id = next(self._order_numbers)
        yield self._track("Order Completed", order_id=order_id, revenue=order["value"], **order)
        yield self._page(f"/order/{order_id}", "Thank you")
        self._person.orders += 1
        self._device.orders += 1

    def _fill_cart(self) -> Generator[Step, Shown | None, list[tuple[Product, int]]]:
        cart: list[tuple[Product, int]] = []
        for _ in range(self._chance.choices((1, 2, 3, 4), (60, 25, 10, 5))[0]):
            product = self._wanted()
            if any(product is taken for taken, _ in cart):
                continue
            quantity = 2 if is_drawn(self._chance, 0.08) else 1
            if not self._at.startswith(f"/p/{product.slug}"):
                yield from self._look_at(product)
            yield self._track("Product Added", quantity=quantity, **_described(product))
            cart.append((product, quantity))
        return cart

    def _order(self, cart: list[tuple[Product, int]]) -> dict[str, object]:
        total = sum(product.price * quantity for product, quantity in cart)
        lines = [{**_described(product), "quantity": quantity} for product, quantity in cart]
        return {"value": money(total), "currency": "EUR", "products": lines}

    def _wanted(self) -> Product:
        """Readers of the encyclopedia mostly want what they read about."""
        articles = self._shelves.of_the_articles
        if self._arrival.way == "encyclopedia" and is_drawn(self._chance, 0.6):
            return articles[0] if "Teddy" in self._arrival.referrer else articles[-1]
        return self._shelves.product_for(self._chance, self._person, self._variant)

    def _log_in(self) -> Script:
        person, device = self._person, self._device
        account = person.account_on(device)
        if not account:
            return
        somebody_else = device.user_id not in ("", account)
        if somebody_else:
            if not is_drawn(self._chance, odds.NOTICES_OTHER_LOGIN):
                return
            yield self._logged_out()
        if device.user_id or not (somebody_else or is_drawn(self._chance, odds.LOGS_IN)):
            return
        yield self._page("/login", "Log in")
        yield self._identified()
        if person.is_parent and (
            person.has_profiles or is_drawn(self._chance, odds.MAKES_PROFILES)
        ):
            yield from self._children()
        if is_drawn(self._chance, odds.SEES_HOME_LOGGED_IN):
            yield from self._home("/")

    def _make_account(self) -> Script:
        if self._device.user_id or not self._person.consents:
            return
        self._person.user_id = self._person.account_number
        yield self._identified()

    def _identified(self) -> Step:
        self._device.user_id = self._person.account_on(self._device)
        self._device.known_users = True
        step = self._step("identify", self._think())
        step.traits = {"name": self._person.name, "newsletter": self._person.newsletter}
        return step

    def _children(self) -> Script:
        """The questionnaire on the account's page, once; then a child is selected here."""
        person = self._person
        if not person.has_profiles:
            yield self._page("/account", "Your account")
            for child in person.children:
                step = self._step("identify", self._think())
                step.profile_id = child.profile_id
                step.traits = {"age": child.age, "interests": child.interests}
                yield step
            person.has_profiles = True
        selected = self._chance.choice(person.children)
        self._device.profile_id, self._device.age = selected.profile_id, selected.age

    def _log_out(self) -> Script:
        device = self._device
        if not device.user_id:
            return
        share = odds.LOGS_OUT
        if device.shared:
            share = 0.0 if self._person.forgets_logout else odds.LOGS_OUT_SHARED
        if is_drawn(self._chance, share):
            yield self._logged_out()

    def _logged_out(self) -> Step:
        step = self._track("Logged Out")
        device = self._device
        device.user_id = device.profile_id = ""
        device.age = None
        device.orders = 0  # what was ordered before is the account's
        return step

    def _page(self, path: str, title: str) -> Step:
        if self._at:
            self._referrer = self._origin + self._at
        wait = self._think() if self._at else 0.0
        self._at, self._title = path, title
        return Step(wait, "page", path, self._referrer, title)

    def _track(self, name: str, /, **properties: object) -> Step:
        at_once = name in ("Product Viewed", "Products Searched")
        wait = self._chance.uniform(0.2, 1.0) if at_once else self._think()
        step = self._step("track", wait)
        step.name = name
        step.properties = properties
        return step

    def _step(self, type_: str, wait: float) -> Step:
        step = Step(wait, type_, self._at, self._referrer, self._title)
        step.user_id = self._device.user_id
        return step

    def _think(self) -> float:
        """Seconds on a page."""
        median, sigma = odds.THINKING_S
        return min(1 + self._chance.lognormvariate(math.log(median), sigma), odds.LONGEST_S)

    def _kinds(self) -> tuple[str, ...]:
        """What this visitor is, for `odds.LIFTS`."""
        person, device, way = self._person, self._device, self._arrival.way
        kinds = [str(way)]
        if way == "search" and not device.visits:
            kinds.append("new from search")
        if device.user_id and device.age is not None:
            kinds.append("parent")
        if person.user_id:
            kinds.append("member")
        if device.visits:
            kinds.append("returning")
        return tuple(kinds)

    def _lift(self) -> float:
        if self._variant in ("", self._default):
            return 1.0
        lifts = (odds.LIFTS.get((kind, self._variant), 1.0) for kind in self._likes)
        return max(lifts)


def _described(product: Product) -> dict[str, object]:
    return {
        "product_id": product.sku,
        "sku": product.sku,
        "name": product.title,
        "category": product.category,
        "price": money(product.price),
        "currency": "EUR",
    }
