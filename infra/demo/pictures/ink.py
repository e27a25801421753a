"""What every drawing is made of: colours that go together, and SVG shapes.

Drawings are made on a square of 400 x 400 units; what is drawn stands on the floor at y = 340.
"""

from __future__ import annotations

import hashlib
import random
from typing import NamedTuple

SIDE = 400
FLOOR = 340
WHITE = "#ffffff"
CREAM = "#fff7e8"
INK = "#3a3036"  # a warm near-black: eyes, tyres, outlines of small things
WOOD = "#d9a86c"
WOOD_DARK = "#b9824a"
WOOD_LIGHT = "#ecca98"
STEEL = "#b9c4ce"
STEEL_DARK = "#8493a1"
_ACCENTS = ("#e76f51", "#f2b134", "#2a9d8f", "#3d6fa8", "#c65b7c", "#7a9e4b", "#8464b0")


class Palette(NamedTuple):
    """Tones of one product, from its colour."""

    base: str
    light: str
    pale: str
    dark: str
    deep: str
    accent: str
    second: str


def palette(colour: str, chance: random.Random) -> Palette:
    """The tones of a colour (#rrggbb), and two accents that stand out against it."""
    far = sorted(_ACCENTS, key=lambda other: -distance(colour, other))[:4]
    accent, second = chance.sample(far, 2)
    return Palette(
        base=colour,
        light=mix(colour, WHITE, 0.32),
        pale=mix(colour, WHITE, 0.72),
        dark=mix(colour, "#2b1d33", 0.22),
        deep=mix(colour, "#2b1d33", 0.5),
        accent=accent,
        second=second,
    )


def chance_of(seed: str) -> random.Random:
    """The same choices for the same seed, on every machine."""
    return random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))


def mix(one: str, other: str, share: float) -> str:
    """`one` with `share` (0..1) of `other` in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def distance(one: str, other: str) -> float:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return sum((a - b) ** 2 for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def circle(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}"{_spaced(more)}/>'


def oval(
    x: float, y: float, rx: float, ry: float, fill: str, turn: float = 0, more: str = ""
) -> str:
    """An ellipse, turned by degrees around its own middle."""
    turned = f' transform="rotate({turn:g} {x:g} {y:g})"' if turn else ""
    where = f'cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}"'
    return f'<ellipse {where} fill="{fill}"{turned}{_spaced(more)}/>'


def box(
    x: float, y: float, w: float, h: float, fill: str, r: float = 0, turn: float = 0, more: str = ""
) -> str:
    """A rectangle with corners of radius r, turned by degrees around its own middle."""
    turned = f' transform="rotate({turn:g} {x + w / 2:g} {y + h / 2:g})"' if turn else ""
    where = f'x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r:g}"'
    return f'<rect {where} fill="{fill}"{turned}{_spaced(more)}/>'


def shape(d: str, fill: str, more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}"{_spaced(more)}/>'


def stroke(d: str, colour: str, width: float, more: str = "") -> str:
    """An open line with round ends."""
    style = f'stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round"'
    return f'<path d="{d}" fill="none" {style} stroke-linejoin="round"{_spaced(more)}/>'


def turned(angle: float, x: float, y: float, *parts: str) -> str:
    """The parts, turned by degrees around (x, y)."""
    return f'<g transform="rotate({angle:g} {x:g} {y:g})">{"".join(parts)}</g>'


def moved(dx: float, dy: float, *parts: str, scale: float = 1) -> str:
    """The parts, scaled around the origin and then moved."""
    sized = f" scale({scale:g})" if scale != 1 else ""
    return f'<g transform="translate({dx:g} {dy:g}){sized}">{"".join(parts)}</g>'


def placed(x: float, y: float, angle: float, *parts: str, scale: float = 1) -> str:
    """Parts that are drawn around the origin: scaled, turned by degrees, then moved to (x, y)."""
    sized = f" scale({scale:g})" if scale != 1 else ""
    return f'<g transform="translate({x:g} {y:g}) rotate({angle:g}){sized}">{"".join(parts)}</g>'


def inset(x: float, y: float, side: float, *parts: str) -> str:
    """A whole picture of SIDE x SIDE, made small, its upper left corner at (x, y)."""
    view = f'viewBox="0 0 {SIDE} {SIDE}"'
    where = f'x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}"'
    return f"<svg {where} {view}>{''.join(parts)}</svg>"


def clipped(outline: str, name: str, *parts: str) -> str:
    """The parts, as far as they are inside the outline; `name` is unlike any other on the page."""
    clip = f'<clipPath id="{name}">{outline}</clipPath>'
    return f'{clip}<g clip-path="url(#{name})">{"".join(parts)}</g>'


def mirrored(*parts: str) -> str:
    """The parts and their mirror image about the middle of the picture."""
    drawn = "".join(parts)
    return f'{drawn}<g transform="translate({SIDE} 0) scale(-1 1)">{drawn}</g>'


def shadow(x: float = 200, width: float = 200, y: float = FLOOR, depth: float = 13) -> str:
    return oval(x, y, width / 2, depth, "#3b2340", more='opacity=".16"')


def ring(x: float, y: float, r: float, colour: str, width: float) -> str:
    return circle(x, y, r, "none", f'stroke="{colour}" stroke-width="{width:g}"')


def star(x: float, y: float, r: float, fill: str) -> str:
    points = "M0-10 2.9-3.6 9.5-3.1 4.5 1.4 6 8.1 0 4.5-6 8.1-4.5 1.4-9.5-3.1-2.9-3.6z"
    return moved(x, y, shape(points, fill), scale=r / 10)


def heart(x: float, y: float, r: float, fill: str) -> str:
    curve = "M0 9C-13 0-10-9-4.5-9-1.5-9 0-6 0-5 0-6 1.5-9 4.5-9 10-9 13 0 0 9z"
    return moved(x, y, shape(curve, fill), scale=r / 10)


def wheel(x: float, y: float, r: float, hub: str, tyre: str = INK) -> str:
    return (
        circle(x, y, r, tyre)
        + circle(x, y, r * 0.62, hub)
        + circle(x, y, r * 0.2, CREAM)
        + shape(
            f"M{x - r * 0.43:g} {y:g}a{r * 0.43:g} {r * 0.43:g} 0 0 1 {r * 0.43:g}-{r * 0.43:g}",
            "none",
            f'stroke="{CREAM}" stroke-width="{r * 0.09:g}" stroke-linecap="round" opacity=".7"',
        )
    )


def _spaced(more: str) -> str:
    return f" {more}" if more else ""
