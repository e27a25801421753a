"""Games. What is printed on a box or a card comes from its theme."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    WHITE,
    WOOD,
    WOOD_DARK,
    WOOD_LIGHT,
    Palette,
    box,
    circle,
    heart,
    inset,
    mix,
    moved,
    oval,
    placed,
    shadow,
    shape,
    star,
    stroke,
    turned,
)
from infra.demo.pictures.scenes import scene


def die(x: float, y: float, side: float, turn: float, colour: str, pips: int) -> str:
    """A die seen from the front, its middle at (x, y)."""
    spots = {
        1: [(0, 0)],
        2: [(-1, -1), (1, 1)],
        3: [(-1, -1), (0, 0), (1, 1)],
        4: [(-1, -1), (1, -1), (-1, 1), (1, 1)],
        5: [(-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)],
        6: [(-1, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (1, 1)],
    }[pips]
    face = box(x - side / 2, y - side / 2, side, side, colour, side * 0.2)
    face += box(
        x - side / 2 + side * 0.08,
        y - side / 2 + side * 0.07,
        side * 0.84,
        side * 0.3,
        WHITE,
        side * 0.15,
        more='opacity=".16"',
    )
    dots = "".join(
        circle(x + dx * side * 0.26, y + dy * side * 0.26, side * 0.09, CREAM) for dx, dy in spots
    )
    return turned(turn, x, y, face, dots)


def pawn(x: float, foot: float, colour: str, size: float = 1) -> str:
    skirt = shape("M-24 0q2-40 14-62h20q12 22 14 62z", colour)
    base = box(-30, -12, 60, 16, mix(colour, INK, 0.2), 8)
    head = circle(0, -74, 21, colour) + circle(-7, -81, 5, WHITE, 'opacity=".5"')
    return moved(x, foot, skirt, base, head, scale=size)


def board_game(c: Palette, chance: Random, theme: str) -> str:
    lid = box(46, 78, 216, 216, c.base, 14) + box(58, 90, 192, 192, c.light, 10)
    art = inset(64, 96, 180, scene(theme, c, chance))
    edge = shape("M46 280q0 14 14 14h188q14 0 14-14v28q0 14-14 14H60q-14 0-14-14z", c.dark)
    pieces = pawn(292, 330, c.accent, 0.95) + pawn(340, 336, c.second, 0.8)
    cube = die(262, 314, 46, chance.choice([-14, 9, 18]), "#d9483b", chance.randint(1, 6))
    return shadow(204, 310) + edge + lid + art + pieces + cube


def card_game(c: Palette, chance: Random, theme: str) -> str:
    def card(colour: str, inside: str) -> str:
        return box(-62, -92, 124, 184, WHITE, 14) + box(-52, -82, 104, 164, colour, 9) + inside

    rings = "".join(
        circle(x, y, 6, c.light) for x in range(-36, 40, 24) for y in range(-64, 70, 26)
    )
    back = moved(0, 0, card(c.base, rings))
    art = inset(-46, -46, 92, scene(theme, c, chance))
    front = card(mix(CREAM, c.accent, 0.25), circle(0, 0, 46, CREAM) + art)
    front += star(-38, -66, 10, c.accent) + star(38, 66, 10, c.accent)
    suit = heart(0, 0, 34, c.accent) + heart(-36, -66, 9, c.accent) + heart(36, 66, 9, c.accent)
    third = card(CREAM, suit if chance.random() < 0.5 else star(0, 0, 36, c.second))
    spread = chance.choice([17, 20, 23])
    return shadow(width=250) + "".join(
        moved(200, y, turned(angle, 0, 150, drawn))
        for angle, y, drawn in [(-spread, 214, back), (0, 206, third), (spread, 214, front)]
    )


def dice_game(c: Palette, chance: Random) -> str:
    cup = shape("M226 118h112l-14 206q-2 14-16 14h-52q-14 0-16-14z", WOOD)
    cup += shape("M300 118h38l-14 206q-2 14-16 14h-22z", WOOD_DARK) + oval(282, 118, 56, 16, INK)
    cup += shape("M232 190h100l-3 34h-94z", c.base)
    dice = die(106, 276, 106, chance.choice([-10, 6, 12]), c.base, chance.randint(4, 6))
    dice += die(178, 306, 62, chance.choice([-18, 14]), c.accent, chance.randint(1, 3))
    dice += die(142, 168, 70, chance.choice([-24, 20]), c.second, chance.randint(2, 5))
    return shadow(200, 290) + cup + dice


def memory(c: Palette, chance: Random, theme: str) -> str:
    twins = inset(-44, -44, 88, scene(theme, c, chance))
    shown = box(-52, -52, 104, 104, WHITE, 14) + circle(0, 0, 42, mix(CREAM, c.accent, 0.3)) + twins
    hidden = (
        box(-52, -52, 104, 104, c.base, 14)
        + box(-42, -42, 84, 84, c.light, 9)
        + star(0, 0, 26, c.base)
    )
    order = [shown, hidden, hidden, shown, hidden, hidden]
    chance.shuffle(order)
    drawn = ""
    for at, tile in enumerate(order):
        x, y = 84 + at % 3 * 116, 150 + at // 3 * 116
        drawn += moved(x + 4, y + 6, box(-52, -52, 104, 104, INK, 14, more='opacity=".12"'))
        drawn += placed(x, y, chance.randint(-5, 5), tile)
    return drawn


def chess(c: Palette, chance: Random) -> str:
    board = shape("M30 306h340l-44-66H74z", WOOD_DARK)
    cells = ""
    for row in range(3):
        y1, y2 = 244 + row * 20, 264 + row * 20
        for col in range(8):
            if (row + col) % 2:
                a1, a2 = 80 - (y1 - 240) * 0.6, 80 - (y2 - 240) * 0.6
                w1, w2 = (400 - 2 * a1) / 8, (400 - 2 * a2) / 8
                cells += shape(
                    f"M{a1 + col * w1:.1f} {y1}h{w1:.1f}L{a2 + (col + 1) * w2:.1f} {y2}h-{w2:.1f}z",
                    WOOD_LIGHT,
                )
    rim = shape("M30 306h340v22q0 10-10 10H40q-10 0-10-10z", c.deep)

    def king(x: float, foot: float, colour: str) -> str:
        cross = box(-5, -186, 10, 34, colour, 3) + box(-15, -176, 30, 10, colour, 3)
        body = shape("M-32 0q22-40 16-92h32q-6 52 16 92z", colour) + shape(
            "M-28-150h56l-10 40h-36z", colour
        )
        rings = box(-38, -14, 76, 20, mix(colour, INK, 0.2), 9) + box(
            -24, -104, 48, 13, mix(colour, INK, 0.2), 6
        )
        return moved(x, foot, cross, body, rings)

    def knight(x: float, foot: float, colour: str) -> str:
        head = shape(
            "M-30 0q4-42 22-58-26 6-40 20-16-6-12-22 30-52 58-74l8 16q46 22 34 118z", colour
        )
        eye = circle(-10, -92, 5, CREAM) + box(-40, -12, 84, 20, mix(colour, INK, 0.2), 9)
        return moved(x, foot, head, eye)

    light = mix(WOOD, CREAM, 0.12)
    men = (
        king(136, 270, c.base)
        + knight(256, 284, light)
        + pawn(190, 300, light, 0.75)
        + pawn(324, 292, c.base, 0.7)
    )
    if chance.random() < 0.5:
        men = (
            knight(140, 276, c.base)
            + king(258, 274, light)
            + pawn(204, 300, c.base, 0.75)
            + pawn(328, 290, light, 0.7)
        )
    return shadow(200, 350, 342) + board + cells + rim + men


def marbles(c: Palette, chance: Random) -> str:
    colours = [c.base, c.accent, c.second, "#4b8fc7", "#6f9f58", "#e0588a", "#f2b134"]
    chance.shuffle(colours)
    places = [
        (120, 270, 62),
        (240, 282, 54),
        (180, 180, 50),
        (308, 226, 44),
        (310, 314, 26),
        (86, 176, 32),
        (256, 132, 30),
    ]
    drawn = "".join(shadow(x, r * 1.6, y + r - 2, r * 0.16) for x, y, r in places)
    for (x, y, r), colour in zip(places, colours, strict=True):
        turn = chance.randint(-60, 60)
        deep = mix(colour, INK, 0.3)
        swirl = shape(
            f"M{x - r * 0.7:g} {y:g}q{r * 0.7:g}-{r * 0.8:g} {r * 1.4:g} 0"
            f"-{r * 0.7:g}-{r * 0.2:g}-{r * 1.4:g} 0z",
            CREAM,
            'opacity=".9"',
        )
        swirl += shape(
            f"M{x - r * 0.66:g} {y + r * 0.1:g}q{r * 0.66:g} {r * 0.7:g} {r * 1.32:g} 0"
            f"-{r * 0.66:g} {r * 0.2:g}-{r * 1.32:g} 0z",
            deep,
            'opacity=".55"',
        )
        drawn += circle(x, y, r, mix(colour, WHITE, 0.15)) + turned(turn, x, y, swirl)
        drawn += oval(x - r * 0.34, y - r * 0.46, r * 0.22, r * 0.14, WHITE, -35, 'opacity=".9"')
        drawn += stroke(
            f"M{x + r * 0.2:g} {y + r * 0.82:g}q{r * 0.5:g}-{r * 0.12:g} {r * 0.62:g}-{r * 0.6:g}",
            WHITE,
            r * 0.07,
            'opacity=".5"',
        )
    return drawn


DRAWINGS = {
    "dice-game": dice_game,
    "chess": chess,
    "marbles": marbles,
}
THEMED = {"board-game": board_game, "card-game": card_game, "memory": memory}
