"""What was played, counted: people, visits, events by name, orders by how they came."""

from __future__ import annotations

from collections import Counter

from infra.simulate.messages import Happening
from schemas.referrer import classify
from schemas.site import Site

_INSIDE = "internal"


class Summary:
    """Counts messages as they pass; duplicates once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._origins: dict[str, str] = {}  # visit -> medium and source of its first page
        self._people: set[str] = set()
        self._devices: set[str] = set()
        self.events: Counter[str] = Counter()
        self._orders: list[str] = []  # the visit of each
        self.bots = 0
        self.duplicates = 0
        self.without_consent = 0

    @property
    def people(self) -> int:
        return len(self._people)

    @property
    def devices(self) -> int:
        return len(self._devices)

    @property
    def visits(self) -> Counter[str]:
        """By medium and source."""
        return Counter(self._origins.values())

    @property
    def orders(self) -> Counter[str]:
        """By medium and source of their visit."""
        return Counter(self._origins[visit] for visit in self._orders)

    def add(self, happening: Happening) -> None:
        truth, message = happening.truth, happening.message
        if truth is None:
            self.duplicates += 1
            return
        if truth.kind == "bot":
            self.bots += 1
            return
        name = message.get("event") or message["type"]
        self.events[name] += 1
        self._people.add(truth.person)
        if truth.device_id:
            self._devices.add(truth.device_id)
        self.without_consent += truth.consent == "denied"
        if "page" not in message["context"]:  # the backend's
            return
        self._note_origin(truth.session, message["context"]["page"])
        if name == "Order Completed":
            self._orders.append(truth.session)

    def _note_origin(self, visit: str, page: dict[str, str]) -> None:
        """The landing page tells; it may come after the page that followed it."""
        if self._origins.get(visit, _INSIDE) == _INSIDE:
            found = classify(page["url"], page.get("referrer", ""), self._site)
            self._origins[visit] = " ".join(filter(None, (found.medium, found.source)))
