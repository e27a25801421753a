"""Sessions, carts and orders: what a cookie of the shop leads to.

A session begins with the first thing put into a cart, or with a login: whoever only looks around
has none, and gets no cookie of it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence

import msgspec

from infra.demo.catalogue import Catalogue
from infra.demo.product import Product
from infra.demo.toyhouse.database import Database

LIFE_S = 30 * 86_400
MAX_QUANTITY = 9  # of one product
MAX_LINES = 50
RECENT = 24  # products that are remembered for a device

_USED_EVERY_S = 3600.0
_placed = msgspec.json.Decoder(list[tuple[str, int, int]])


class Line(msgspec.Struct, frozen=True):
    """Some of one product, at its price in cents."""

    product: Product
    quantity: int
    price: int

    @property
    def total(self) -> int:
        return self.price * self.quantity


class Cart(msgspec.Struct, frozen=True):
    lines: tuple[Line, ...] = ()

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)

    def quantity_of(self, sku: str) -> int:
        return next((line.quantity for line in self.lines if line.product.sku == sku), 0)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    placed_at: float  # seconds since 1970
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return sum(line.total for line in self.lines)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    token: str  # the cookie; stored as its hash only
    member_id: str = ""

    @property
    def key(self) -> bytes:
        return _key(self.token)


class Sessions:
    """Sessions with their carts, and the orders that came of them."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue

    def get(self, token: str) -> Session | None:
        row = self._database.row("SELECT member, used_at FROM session WHERE key = ?", _key(token))
        if row is None:
            return None
        used_at, now = float(str(row[1])), time.time()
        if now - used_at > LIFE_S:
            self.end(token)
            return None
        if now - used_at > _USED_EVERY_S:
            self._database.change("UPDATE session SET used_at = ? WHERE key = ?", now, _key(token))
        return Session(token=token, member_id=str(row[0] or ""))

    def begin(self) -> Session:
        session = Session(token=secrets.token_urlsafe(24))
        with self._database.changes():
            self._database.change("DELETE FROM session WHERE used_at < ?", time.time() - LIFE_S)
            self._database.change(
                "INSERT INTO session VALUES (?, NULL, ?)", session.key, time.time()
            )
        return session

    def log_in(self, session: Session, member_id: str) -> Session:
        """The same cart under a new token: one that was known before a login is worth nothing."""
        renewed = Session(token=secrets.token_urlsafe(24), member_id=member_id)
        with self._database.changes():
            self._database.change(
                "UPDATE session SET key = ?, member = ? WHERE key = ?",
                *(renewed.key, member_id, session.key),
            )
            self._database.change(
                "UPDATE placed SET session = ? WHERE session = ?", renewed.key, session.key
            )
        return renewed

    def end(self, token: str) -> None:
        self._database.change("DELETE FROM session WHERE key = ?", _key(token))

    def cart(self, session: Session) -> Cart:
        rows = self._database.rows(
            "SELECT sku, quantity FROM line WHERE session = ? ORDER BY rowid", session.key
        )
        lines = []
        for sku, quantity in rows:
            product = self._catalogue.by_sku(str(sku))
            if product is not None:
                lines.append(Line(product, int(str(quantity)), product.price))
        return Cart(tuple(lines))

    def put(self, session: Session, product: Product, quantity: int) -> int:
        """Sets how many of a product are in the cart (0: none). The change in pieces."""
        cart = self.cart(session)
        before = cart.quantity_of(product.sku)
        after = max(0, min(quantity, MAX_QUANTITY, product.stock))
        if not before and len(cart.lines) >= MAX_LINES:
            return 0
        if after:
            self._database.change(
                "INSERT INTO line VALUES (?, ?, ?) "
                "ON CONFLICT (session, sku) DO UPDATE SET quantity = excluded.quantity",
                *(session.key, product.sku, after),
            )
        else:
            self._database.change(
                "DELETE FROM line WHERE session = ? AND sku = ?", session.key, product.sku
            )
        return after - before

    def empty(self, session: Session) -> None:
        self._database.change("DELETE FROM line WHERE session = ?", session.key)

    def order(self, session: Session) -> Order | None:
        """Turns the cart into an order; None where it is empty, as for a form sent twice."""
        with self._database.changes():
            cart = self.cart(session)
            if not cart.lines:
                return None
            order = Order(id=_order_id(), placed_at=time.time(), lines=cart.lines)
            lines = [(line.product.sku, line.quantity, line.price) for line in cart.lines]
            self._database.change(
                "INSERT INTO placed VALUES (?, ?, ?, ?, ?)",
                *(order.id, session.key, session.member_id or None, order.placed_at),
                msgspec.json.encode(lines).decode(),
            )
            self.empty(session)
        return order

    def placed(self, order_id: str, session: Session) -> Order | None:
        """An order of this session or its member; nobody else's."""
        row = self._database.row(
            "SELECT id, placed_at, lines FROM placed "
            "WHERE id = ? AND (session = ? OR member = ? AND ? != '')",
            *(order_id, session.key, session.member_id, session.member_id),
        )
        return self._order(row) if row else None

    def orders_of(self, member_id: str, n: int) -> list[Order]:
        """The newest first."""
        rows = self._database.rows(
            "SELECT id, placed_at, lines FROM placed WHERE member = ? "
            "ORDER BY placed_at DESC LIMIT ?",
            *(member_id, n),
        )
        return [self._order(row) for row in rows]

    def looked_at(self, device: str, product: Product) -> None:
        """Remembers for a device whose visitor agreed to be recognized."""
        with self._database.changes():
            self._database.change(
                "INSERT OR REPLACE INTO looked_at VALUES (?, ?, ?)",
                *(device, product.sku, time.time()),
            )
            self._database.change(
                "DELETE FROM looked_at WHERE device = ?1 AND sku NOT IN "
                "(SELECT sku FROM looked_at WHERE device = ?1 ORDER BY at DESC LIMIT ?2)",
                *(device, RECENT),
            )

    def recent(self, device: str) -> list[Product]:
        """What a device looked at, the latest first."""
        rows = self._database.rows(
            "SELECT sku FROM looked_at WHERE device = ? ORDER BY at DESC", device
        )
        found = (self._catalogue.by_sku(str(row[0])) for row in rows)
        return [product for product in found if product is not None]

    def forget(self, device: str) -> None:
        self._database.change("DELETE FROM looked_at WHERE device = ?", device)

    def _order(self, row: Sequence[object]) -> Order:
        lines = []
        for sku, quantity, price in _placed.decode(str(row[2])):
            product = self._catalogue.by_sku(sku)
            if product is not None:  # it may have left the catalogue since
                lines.append(Line(product, quantity, price))
        return Order(id=str(row[0]), placed_at=float(str(row[1])), lines=tuple(lines))


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _order_id() -> str:
    return "TH-" + base64.b32encode(secrets.token_bytes(5)).decode()
