"""Books: the form says what kind it is, the cover shows what it is about."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    STEEL,
    WHITE,
    WOOD,
    Palette,
    box,
    circle,
    clipped,
    inset,
    mix,
    placed,
    shadow,
    shape,
    star,
    stroke,
    turned,
)
from infra.demo.pictures.scenes import scene

_PAGES = "#f7efdc"
_GOLD = "#e8c46c"


def picture_book(c: Palette, chance: Random, theme: str) -> str:
    block = box(70, 70, 274, 270, _PAGES, 5) + stroke(
        "M80 334h258M338 80v254", mix(_PAGES, INK, 0.18), 2
    )
    cover = box(58, 60, 274, 270, c.base, 9) + box(58, 60, 24, 270, c.dark, 9)
    sky = _window(92, 72, 230, 246, c, theme, chance, full=chance.random() < 0.6)
    return shadow(204, 290) + turned(chance.choice([-3, 0, 3]), 200, 200, block, cover, sky)


def board_book(c: Palette, chance: Random, theme: str) -> str:
    leaves = ""
    for at in range(4, 0, -1):
        leaves += box(
            62 + at * 6, 74 + at * 5, 258, 246, (CREAM, c.light, CREAM, c.accent)[at - 1], 26
        )
    cover = box(60, 72, 258, 246, c.base, 26)
    disc = circle(189, 195, 102, mix(CREAM, c.base, 0.12))
    art = inset(97, 103, 184, scene(theme, c, chance))
    corners = "".join(
        circle(x, y, 9, c.light) for x, y in [(88, 100), (290, 100), (88, 290), (290, 290)]
    )
    return shadow(204, 280) + turned(
        chance.choice([-4, -2, 3]), 200, 200, leaves, cover, corners, disc, art
    )


def story_book(c: Palette, chance: Random, theme: str) -> str:
    block = box(104, 56, 216, 284, _PAGES, 4) + stroke(
        "M112 334h204M315 64v268", mix(_PAGES, INK, 0.18), 2
    )
    cover = box(92, 46, 216, 284, c.deep if chance.random() < 0.4 else c.base, 7)
    cover += box(92, 46, 20, 284, mix(c.deep, INK, 0.2), 7)
    frame = box(126, 62, 168, 252, "none", 4, more=f'stroke="{_GOLD}" stroke-width="3"')
    art = _arch(c, theme, chance)
    plate = (
        box(146, 246, 128, 9, _GOLD, 4) + box(164, 266, 92, 9, _GOLD, 4) + star(210, 294, 8, _GOLD)
    )
    ribbon = shape("M262 326h16v42l-8-9-8 9z", c.accent)
    return shadow(208, 230) + turned(
        chance.choice([-4, -2, 2, 4]), 200, 200, ribbon, block, cover, frame, art, plate
    )


def fact_book(c: Palette, chance: Random, theme: str) -> str:
    block = box(76, 60, 262, 280, _PAGES, 4) + stroke(
        "M84 334h250M333 70v264", mix(_PAGES, INK, 0.18), 2
    )
    cover = (
        box(64, 50, 262, 280, CREAM, 7)
        + box(64, 50, 262, 84, c.base, 7)
        + box(64, 50, 18, 280, c.dark, 7)
    )
    title = (
        box(98, 74, 148, 14, CREAM, 6)
        + box(98, 100, 96, 10, c.light, 5)
        + circle(290, 92, 22, c.accent)
        + star(290, 92, 13, CREAM)
    )
    art = _window(94, 146, 222, 172, c, theme, chance, full=True)
    return shadow(206, 280) + turned(chance.choice([-3, 2, 3]), 200, 200, block, cover, art, title)


def activity_book(c: Palette, chance: Random, theme: str) -> str:
    sheets = box(82, 66, 240, 272, _PAGES, 9, 2) + box(78, 60, 240, 272, WHITE, 9)
    cover = box(74, 56, 240, 272, c.base, 11)
    dots = "".join(
        circle(x, y, 4, c.light) for x in range(104, 310, 28) for y in range(84, 320, 28)
    )
    card = box(100, 108, 188, 188, CREAM, 22)
    art = inset(110, 118, 168, scene(theme, c, chance))
    rings = "".join(stroke(f"M{x} 44v26", STEEL, 9) for x in range(98, 300, 26))
    colour = chance.choice([c.accent, c.second])
    pencil = (
        box(-11, -110, 22, 160, colour)
        + box(4, -110, 7, 160, mix(colour, INK, 0.2))
        + shape("M-11 50h22L0 84z", WOOD)
        + shape("M-4 71h8L0 84z", INK)
        + box(-11, -130, 22, 24, "#e8a0a4", 7)
    )
    return (
        shadow(204, 270) + sheets + cover + dots + card + art + rings + placed(312, 246, 24, pencil)
    )


def _window(
    x: int, y: int, w: int, h: int, c: Palette, theme: str, chance: Random, full: bool
) -> str:
    """The cover's picture: a whole landscape, or a motif on a plain ground."""
    if full:
        picture = box(0, 0, 400, 400, mix(c.base, WHITE, 0.6)) + scene(
            theme, c, chance, landscape=True
        )
    else:
        picture = box(0, 0, 400, 400, mix(c.base, WHITE, 0.78)) + scene(theme, c, chance)
    side = max(w, h)
    art = inset(x - (side - w) / 2, y - (side - h), side, picture)
    return clipped(box(x, y, w, h, WHITE, 7), f"b{chance.getrandbits(32):08x}", art)


def _arch(c: Palette, theme: str, chance: Random) -> str:
    arch = "M142 230v-82a68 68 0 0 1 136 0v82z"
    name = f"s{chance.getrandbits(32):08x}"
    ground = box(0, 0, 400, 400, mix(c.base, WHITE, 0.7))
    art = inset(130, 76, 160, ground, scene(theme, c, chance, landscape=True))
    return clipped(shape(arch, WHITE), name, art) + stroke(arch, _GOLD, 4)


THEMED = {
    "picture-book": picture_book,
    "board-book": board_book,
    "story-book": story_book,
    "fact-book": fact_book,
    "activity-book": activity_book,
}
