"""The catalogue and the costs of campaigns, one row a product, or a day and campaign."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.imports import values
from ingest.imports.columns import Column, Kind, Row
from ingest.imports.errors import BadCell, BadRow, Fault
from schemas.reference import Cost, Product

PRODUCTS = Kind(
    "products",
    "The catalogue. The last import of a product holds.",
    (
        Column("product_id", "its number, as events and orders name it",
               ("sku", "id", "article", "article_number", "product")),
        Column("title", "its name", ("name", "product_name")),
        Column("category", "its category", ("product_category",)),
        Column("brand", "who makes it", ("maker", "manufacturer", "vendor")),
        Column("price", "what one costs"),
        Column("list_price", "before an offer", ("original_price", "regular_price")),
        Column("currency", "of the prices; the site's own where left out"),
        Column("url", "its page", ("link",)),
        Column("image", "address of its picture", ("image_url", "image_link", "picture")),
        Column("stock", "how many are there", ("quantity", "inventory")),
        Column("attributes", "name=value;name=value"),
    ),
    needs=(("product_id",),),
    others="attributes of the product, by their name",
)  # fmt: skip

COSTS = Kind(
    "costs",
    "What campaigns cost a day. The last import of a day and campaign holds.",
    (
        Column("day", "2026-11-22, in the site's timezone", ("date", "at")),
        Column("utm_source", "of the campaign's links", ("source", "network")),
        Column("utm_medium", "of the campaign's links", ("medium", "channel")),
        Column("utm_campaign", "of the campaign's links", ("campaign", "campaign_name")),
        Column("utm_content", "of the campaign's links", ("content",)),
        Column("utm_term", "of the campaign's links", ("term", "keyword")),
        Column("cost", "what it cost that day", ("costs", "spend", "amount")),
        Column("currency", "of the cost; the site's own where left out"),
        Column("impressions", "how often it was shown", ("views",)),
        Column("clicks", "how often it was clicked"),
        Column("sent", "how many mails or letters went out"),
    ),
    needs=(("day",), ("cost",), ("utm_source", "utm_medium", "utm_campaign")),
)  # fmt: skip


class Products:
    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def take(self, row: Row) -> Iterator[Product | BadRow]:
        """Raises BadCell."""
        cells = row.cells
        number = values.needed_identifier(cells, "product_id")
        product = Product(
            product_id=number,
            title=values.text(cells, "title"),
            category=values.text(cells, "category"),
            brand=values.text(cells, "brand"),
            price=values.not_negative(cells, "price"),
            list_price=values.not_negative(cells, "list_price"),
            currency=values.currency(cells),
            url=values.text(cells, "url"),
            image=values.text(cells, "image"),
            stock=values.whole(cells, "stock"),
            attributes={**row.others, **_attributes(cells.get("attributes", ""))},
        )
        if (earlier := self._seen.setdefault(number, row.line)) != row.line:
            raise BadCell(Fault.REPEATED, f"product {number} is in line {earlier} too")
        yield product

    def finish(self) -> Iterator[Product | BadRow]:
        yield from ()


class Costs:
    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], int] = {}

    def take(self, row: Row) -> Iterator[Cost | BadRow]:
        """Raises BadCell."""
        cells = row.cells
        values.needed(cells, "cost")
        cost = values.not_negative(cells, "cost")
        assert cost is not None
        found = Cost(
            day=values.day(cells, "day"),
            utm_source=values.text(cells, "utm_source"),
            utm_medium=values.text(cells, "utm_medium"),
            utm_campaign=values.text(cells, "utm_campaign"),
            utm_content=values.text(cells, "utm_content"),
            utm_term=values.text(cells, "utm_term"),
            cost=cost,
            currency=values.currency(cells),
            impressions=values.whole(cells, "impressions"),
            clicks=values.whole(cells, "clicks"),
            sent=values.whole(cells, "sent"),
        )
        key = (found.day, found.utm_source, found.utm_medium, found.utm_campaign,
               found.utm_content, found.utm_term)  # fmt: skip
        if (earlier := self._seen.setdefault(key, row.line)) != row.line:
            raise BadCell(
                Fault.REPEATED,
                f"line {earlier} has the costs of that day and campaign: add them up",
            )
        yield found

    def finish(self) -> Iterator[Cost | BadRow]:
        yield from ()


def _attributes(cell: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, cell.split(";"))):
        name, equals, value = part.partition("=")
        if not name.strip() or not equals:
            raise BadCell(Fault.NOT_ALLOWED, f"attributes {part[:60]!r}; allowed: name=value")
        found[name.strip()] = value.strip()
    return found
