"""Reading a catalogue's CSV: a column a field of Product, attributes as `name=value;name=value`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from infra.demo.product import CATEGORIES, CatalogueError, Product

COLUMNS = Product.__struct_fields__

_SKU = re.compile(r"[A-Z]-\d{4}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PRICE = re.compile(r"\d{1,7}\.\d\d")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_CATEGORIES = frozenset(category.slug for category in CATEGORIES)


def read(path: Path) -> Iterator[Product]:
    """The products of a file, in its order. Raises CatalogueError naming file and line."""
    seen: dict[str, int] = {}  # sku, slug or rank -> the line that has it
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        line = 1
        try:
            _check_header(rows.fieldnames)
            for row in rows:
                line = rows.line_num
                product = _product(row)
                _check(product)
                _check_unique(product, line, seen)
                yield product
        except (ValueError, csv.Error) as error:
            raise CatalogueError(f"{path}, line {line}: {error}") from error


def _check_header(header: object) -> None:
    if not isinstance(header, list) or set(header) != set(COLUMNS) or len(header) != len(COLUMNS):
        raise ValueError(f"the header must be {','.join(COLUMNS)}")


def _product(row: dict[str, str]) -> Product:
    if None in row or None in row.values():
        raise ValueError(f"a row has {len(COLUMNS)} cells")

    def whole(column: str) -> int:
        if not row[column].isdecimal():
            raise ValueError(f"{column} must be a whole number, not {row[column]!r}")
        return int(row[column])

    def cents(column: str) -> int:
        if not _PRICE.fullmatch(row[column]):
            raise ValueError(f"{column} must be an amount like 34.90, not {row[column]!r}")
        return int(row[column].replace(".", ""))

    return Product(
        sku=row["sku"],
        slug=row["slug"],
        title=row["title"],
        maker=row["maker"],
        category=row["category"],
        kind=row["kind"],
        price=cents("price"),
        list_price=cents("list_price"),
        age_from=whole("age_from"),
        age_to=whole("age_to"),
        colour=row["colour"],
        stock=whole("stock"),
        bestseller=whole("bestseller"),
        attributes=_attributes(row["attributes"]),
        description=row["description"],
    )


def _attributes(text: str) -> dict[str, str | float]:
    found: dict[str, str | float] = {}
    for part in filter(None, text.split(";")):
        name, equals, value = part.partition("=")
        if not name or not equals or not value or name in found:
            raise ValueError(f"attributes are name=value;name=value, each name once: {part!r}")
        found[name] = float(value) if _NUMBER.fullmatch(value) else value
    return found


def _check(product: Product) -> None:
    def must(holds: object, what: str) -> None:
        if not holds:
            raise ValueError(what)

    must(_SKU.fullmatch(product.sku), f"sku must look like T-0001, not {product.sku!r}")
    must(_SLUG.fullmatch(product.slug), f"slug has a-z, 0-9 and -, not {product.slug!r}")
    must(_SLUG.fullmatch(product.kind), f"kind has a-z, 0-9 and -, not {product.kind!r}")
    for column in ("title", "maker", "description"):
        must(getattr(product, column).strip(), f"{column} is empty")
    must(product.category in _CATEGORIES, f"there is no category {product.category!r}")
    must(product.price, "price is 0")
    must(product.price <= product.list_price, "list_price is below price")
    must(product.age_from <= product.age_to, "age_from is above age_to")
    must(_COLOUR.fullmatch(product.colour), f"colour is #rrggbb, not {product.colour!r}")


def _check_unique(product: Product, line: int, seen: dict[str, int]) -> None:
    names = [f"sku {product.sku}", f"slug {product.slug}"]
    if product.bestseller:
        names.append(f"bestseller {product.bestseller}")
    for name in names:
        if name in seen:
            raise ValueError(f"{name} is already in line {seen[name]}")
        seen[name] = line
