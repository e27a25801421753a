"""Pictures of everything that Toyhouse sells, drawn by code as SVG.

A picture is a complete SVG document with a square viewBox, without text, scripts or anything from
outside. The same product always has the same picture.
"""

from __future__ import annotations

from infra.demo.pictures.backdrop import backdrop
from infra.demo.pictures.brand import logo, wordmark
from infra.demo.pictures.ink import SIDE, chance_of, palette
from infra.demo.pictures.kinds import DRAWINGS, THEMED
from infra.demo.product import Product

__all__ = ["KINDS", "figure", "logo", "picture_of", "wordmark"]

KINDS = frozenset(DRAWINGS) | frozenset(THEMED)


def picture_of(product: Product) -> str:
    """The picture of a product, on its own background. Raises KeyError for a kind not drawn."""
    return figure(
        product.kind, product.colour, product.sku, str(product.attributes.get("theme", ""))
    )


def figure(kind: str, colour: str, seed: str, theme: str = "") -> str:
    """A drawing by what it shows, its main colour (#rrggbb) and a seed for its small details.

    `theme` chooses what is printed on a book, a box or a puzzle.
    """
    chance = chance_of(seed)
    tones = palette(colour, chance)
    behind = backdrop(tones, chance)
    themed = THEMED.get(kind)
    drawn = themed(tones, chance, theme) if themed else DRAWINGS[kind](tones, chance)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" role="img">'
    return f"{head}{behind}{drawn}</svg>"
