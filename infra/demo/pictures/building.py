"""Building toys."""

from __future__ import annotations

import math
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
    mix,
    shadow,
    shape,
    star,
    stroke,
    turned,
)


def blocks(c: Palette, chance: Random) -> str:
    arrangement = chance.randrange(3)
    if arrangement == 0:
        return shadow(width=280) + _gate(c)
    if arrangement == 1:
        return shadow(width=280) + _pyramid(c, chance)
    return shadow(width=300) + _village(c)


def _block(x: float, y: float, w: float, h: float, colour: str, mark: str = "") -> str:
    edge = box(x + w - 9, y, 9, h, mix(colour, INK, 0.18), 4)
    return (
        box(x, y, w, h, colour, 7)
        + edge
        + box(x + 6, y + 5, w - 22, 6, WHITE, 3, more='opacity=".35"')
        + mark
    )


def _gate(c: Palette) -> str:
    pillars = _block(92, 212, 62, 126, c.base) + _block(246, 212, 62, 126, c.accent)
    arch = shape("M92 148h216v64H246a46 46 0 0 0-92 0H92z", WOOD)
    roof = shape("M124 148h152l-76-84z", c.second) + shape(
        "M200 64l76 84h-22l-62-76z", mix(c.second, INK, 0.18)
    )
    ends = _block(44, 278, 46, 60, WOOD_LIGHT) + circle(336, 312, 26, c.light)
    return pillars + arch + roof + ends + circle(200, 180, 12, CREAM)


def _pyramid(c: Palette, chance: Random) -> str:
    marks = [
        lambda x, y: star(x, y, 18, CREAM),
        lambda x, y: circle(x, y, 15, CREAM),
        lambda x, y: shape(f"M{x} {y - 17}l17 30h-34z", CREAM),
        lambda x, y: box(x - 13, y - 13, 26, 26, CREAM, 3, 45),
    ]
    chance.shuffle(marks)
    colours = [c.base, c.accent, WOOD, c.second, c.light, c.dark]
    cells = [(72, 252), (158, 252), (244, 252), (115, 166), (201, 166), (158, 80)]
    drawn = ""
    for at, (x, y) in enumerate(cells):
        mark = marks[at % 4](x + 39, y + 43)
        drawn += turned(
            (-3, 2, 0, 3, -2, 5)[at], x + 42, y + 84, _block(x, y, 84, 86, colours[at], mark)
        )
    return drawn


def _village(c: Palette) -> str:
    def house(x: float, y: float, w: float, wall: str, roof: str) -> str:
        door = box(x + w / 2 - 11, 300, 22, 38, mix(wall, INK, 0.45), 8)
        window = box(x + w / 2 - 13, y + 20, 26, 26, CREAM, 4)
        gable = shape(f"M{x - 8} {y}h{w + 16}l-{w / 2 + 8}-{w * 0.62:g}z", roof)
        return box(x, y, w, 338 - y, wall, 4) + gable + door + window

    tower = box(176, 130, 52, 208, CREAM, 4) + shape("M166 132h72l-36-82z", c.dark)
    tower += circle(202, 166, 14, c.accent) + box(192, 292, 20, 46, c.dark, 9)
    trees = "".join(
        box(x - 4, 308, 8, 30, WOOD_DARK) + shape(f"M{x} 232l30 82h-60z", "#6f9f58")
        for x in (58, 344)
    )
    return (
        trees + tower + house(84, 222, 82, c.base, c.accent) + house(238, 206, 84, WOOD, c.second)
    )


def castle(c: Palette, chance: Random) -> str:
    def tower(x: float, y: float, w: float) -> str:
        teeth = "".join(
            box(x - 8 + at * (w + 16) / 2.66, y - 18, w / 3.4, 24, c.base, 3) for at in range(3)
        )
        shade = box(x + w * 0.7, y, w * 0.3, 338 - y, c.dark)
        slit = box(x + w / 2 - 5, y + 38, 10, 34, c.deep, 5)
        return (
            box(x, y, w, 338 - y, c.base)
            + shade
            + box(x - 8, y - 2, w + 16, 20, c.light, 3)
            + teeth
            + slit
        )

    def flag(x: float, y: float, colour: str) -> str:
        return stroke(f"M{x} {y}v-54", WOOD_DARK, 6) + shape(
            f"M{x + 2} {y - 54}h46l-14 15 14 15h-46z", colour
        )

    wall = box(112, 224, 176, 114, c.light) + "".join(
        box(x, 206, 24, 24, c.light, 3) for x in (124, 164, 204, 244)
    )
    stones = "".join(box(chance.randint(128, 250), y, 26, 11, c.base, 4) for y in (242, 256, 244))
    gate = shape("M164 338v-50a36 36 0 0 1 72 0v50z", c.deep)
    gate += stroke("M182 262v74M200 254v84M218 262v74M166 300h68", WOOD, 5)
    keep = tower(168, 124, 64)
    return (
        shadow(width=300)
        + flag(200, 108, c.accent)
        + keep
        + wall
        + stones
        + gate
        + flag(101, 158, c.second)
        + tower(70, 172, 62)
        + flag(303, 158, c.second)
        + tower(268, 172, 62)
    )


def marble_run(c: Palette, chance: Random) -> str:
    posts = "".join(
        box(x, y, 20, 340 - y, WOOD_DARK, 5) for x, y in [(86, 92), (292, 128), (188, 108)]
    )
    rails = ""
    for at, (x1, y1, x2, y2) in enumerate(
        [(66, 108, 316, 156), (334, 188, 84, 232), (66, 262, 316, 304)]
    ):
        colour = (c.base, c.accent, c.second)[at]
        rails += stroke(f"M{x1} {y1}L{x2} {y2}", colour, 26)
        rails += stroke(f"M{x1} {y1 - 6}L{x2} {y2 - 6}", WHITE, 5, 'opacity=".35"')
    funnel = shape("M58 56h76l-22 40H80z", c.light) + shape("M58 56h76l-6 11H64z", c.dark)
    tray = shape("M300 300h70v24q0 16-16 16h-54z", WOOD)
    top, middle = chance.randint(150, 270), chance.randint(130, 270)
    places = [
        (top, 80 + (top - 66) * 0.192, "#e76f51"),
        (middle, 160 + (334 - middle) * 0.176, "#4b8fc7"),
        (336, 302, "#f2b134"),
    ]
    marbles = "".join(
        circle(x, y, 15, colour) + circle(x - 5, y - 5, 4, WHITE, 'opacity=".8"')
        for x, y, colour in places
    )
    return shadow(width=310) + posts + rails + tray + funnel + marbles


def magnet_tiles(c: Palette, chance: Random) -> str:
    def pane(points: str, colour: str) -> str:
        return shape(
            points,
            colour,
            f'fill-opacity=".62" stroke="{mix(colour, INK, 0.1)}" '
            'stroke-width="7" stroke-linejoin="round"',
        )

    tones = [c.base, c.accent, c.second, "#f2b134", "#3fa7a0", "#e0588a"]
    chance.shuffle(tones)
    lower = pane("M66 226h104v108H66z", tones[0]) + pane("M170 226h104v108H170z", tones[1])
    right = pane("M274 226h66v108h-66z", tones[2])
    upper = pane("M118 118h104v108H118z", tones[3])
    roof = pane("M118 118l52-76 52 76z", tones[4]) + pane("M222 118l52 108h-52z", tones[5])
    left = pane("M118 118L66 226h52z", tones[5])
    light = stroke(
        "M84 246l30 0M84 246v30M188 246h30M188 246v30M136 138h30M136 138v30",
        WHITE,
        6,
        'opacity=".75"',
    )
    cast = shape("M66 338h274l34 22H96z", c.light, 'opacity=".35"')
    return cast + shadow(width=290) + lower + right + upper + roof + left + light


def gears(c: Palette, chance: Random) -> str:
    def gear(x: float, y: float, r: float, teeth: int, colour: str) -> str:
        turn = chance.randint(0, 30)
        cogs = "".join(
            box(
                x - r * 0.13,
                y - r * 1.2,
                r * 0.26,
                r * 0.4,
                colour,
                5,
                more=f'transform="rotate({turn + 360 / teeth * at:g} {x} {y})"',
            )
            for at in range(teeth)
        )
        holes = "".join(
            circle(
                x + r * 0.52 * math.cos(a),
                y + r * 0.52 * math.sin(a),
                r * 0.15,
                mix(colour, INK, 0.25),
            )
            for a in (turn / 30 + k * math.tau / 5 for k in range(5))
        )
        return (
            cogs
            + circle(x, y, r, colour)
            + circle(x, y, r * 0.78, mix(colour, WHITE, 0.18))
            + holes
            + circle(x, y, r * 0.2, CREAM)
        )

    board = box(60, 70, 280, 262, mix(CREAM, c.base, 0.5), 26)
    pegs = "".join(circle(x, y, 4, c.light) for x in range(88, 330, 45) for y in range(98, 320, 45))
    wheels = (
        gear(146, 230, 70, 12, c.base)
        + gear(262, 152, 58, 10, c.accent)
        + gear(274, 270, 40, 8, c.second)
    )
    crank = stroke("M146 230l-44-44", CREAM, 16) + circle(102, 186, 17, c.deep)
    return shadow(width=260) + board + pegs + wheels + crank


DRAWINGS = {
    "blocks": blocks,
    "castle": castle,
    "marble-run": marble_run,
    "magnet-tiles": magnet_tiles,
    "gears": gears,
}
