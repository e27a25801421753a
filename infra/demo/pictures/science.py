"""Science and discovery."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    STEEL,
    STEEL_DARK,
    WHITE,
    WOOD,
    WOOD_DARK,
    Palette,
    box,
    circle,
    clipped,
    mirrored,
    moved,
    oval,
    shadow,
    shape,
    star,
    stroke,
    turned,
)

_GLASS = "#d5ebf2"


def globe(c: Palette, chance: Random) -> str:
    foot = shape("M128 338q6-30 56-34v-26h32v26q50 4 56 34z", WOOD_DARK)
    arc = stroke("M118 74a136 136 0 1 0 176 206", "#d9a83f", 15)
    ball = circle(208, 172, 108, c.base)
    shift = chance.randint(-14, 14)
    name = f"g{chance.getrandbits(32):08x}"
    land = moved(
        shift,
        0,
        shape("M126 112q36-36 74-28 8 24-16 32 14 22-10 40-20-4-28 20-28-18-20-64z", "#8fb560"),
        shape("M222 90q40-22 96 30-8 36-40 30-14 16-34-2-20-26-22-58z", "#8fb560"),
        shape("M182 190q44-14 58 18-4 46-34 62-28-32-24-80z", "#8fb560"),
        oval(284, 212, 24, 17, "#8fb560"),
    )
    ice = oval(208, 60, 60, 12, WHITE) + oval(208, 284, 56, 12, WHITE)
    clip = clipped(circle(208, 172, 108, WHITE), name, land, ice)
    shade = shape(
        "M208 280a108 108 0 0 0 76-184 120 120 0 0 1-152 152 108 108 0 0 0 76 32z",
        INK,
        'opacity=".12"',
    )
    shine = stroke("M126 144q14-44 52-58", WHITE, 9, 'opacity=".5"')
    pins = circle(144, 62, 11, "#d9a83f") + circle(276, 284, 11, "#d9a83f")
    return shadow(width=170) + foot + arc + ball + clip + shade + shine + pins


def flask(c: Palette, chance: Random) -> str:
    def tube(x: float, colour: str, level: float) -> str:
        return (
            box(x, 132, 38, 172, _GLASS, 19)
            + shape(f"M{x} {level}h38v{304 - level - 19:g}a19 19 0 0 1-38 0z", colour)
            + box(x - 6, 124, 50, 15, STEEL, 7)
            + box(x + 7, 150, 6, 120, WHITE, 3, more='opacity=".6"')
        )

    rack = (
        box(214, 196, 146, 19, WOOD, 7)
        + box(206, 318, 160, 22, WOOD_DARK, 8)
        + box(216, 200, 14, 124, WOOD_DARK)
        + box(344, 200, 14, 124, WOOD_DARK)
    )
    tubes = tube(236, c.accent, 210) + tube(298, c.second, 236)
    body = shape("M104 92h56v86l68 124q14 36-26 36H62q-40 0-26-36l68-124z", _GLASS)
    liquid = shape("M84 216h96l44 82q12 32-20 32H60q-32 0-20-32z", c.base) + oval(
        132, 216, 48, 11, c.light
    )
    neck = box(94, 78, 76, 20, STEEL, 9)
    fizz = "".join(
        circle(x, y, r, c.pale)
        for x, y, r in [(110, 270, 13), (152, 292, 9), (168, 256, 8), (92, 306, 7), (132, 244, 6)]
    )
    up = "".join(
        circle(x, y, r, c.light, 'opacity=".8"')
        for x, y, r in [(126, 56, 13), (150, 32, 9), (112, 24, 6)]
    )
    face = ""
    if chance.random() < 0.35:
        face = (
            circle(112, 266, 7, INK)
            + circle(152, 266, 7, INK)
            + stroke("M122 282q10 9 20 0", INK, 5)
        )
        fizz = ""
    return (
        shadow(width=330)
        + tubes
        + rack
        + body
        + liquid
        + fizz
        + face
        + neck
        + up
        + stroke("M100 190L62 270", WHITE, 8, 'opacity=".65"')
    )


def robot(c: Palette, chance: Random) -> str:
    antenna = stroke("M200 74V42", STEEL_DARK, 8) + circle(200, 36, 15, c.accent)
    arms = mirrored(
        stroke("M124 222q-46 4-46 52", STEEL, 24),
        shape("M58 272h40v16q-4 24-20 24t-20-24z", c.dark),
    )
    legs = mirrored(box(146, 294, 40, 36, STEEL_DARK, 6), box(132, 318, 62, 22, c.deep, 10))
    body = box(122, 190, 156, 116, c.base, 20) + box(146, 212, 108, 58, CREAM, 10)
    kind = chance.randrange(3)
    if kind == 0:
        panel = "".join(
            circle(168 + at * 32, 241, 11, tone)
            for at, tone in enumerate((c.accent, "#f2b134", c.second))
        )
    elif kind == 1:
        panel = stroke("M156 244h18l12-20 16 36 14-26 8 10h22", c.accent, 6)
    else:
        panel = circle(200, 241, 22, c.light) + stroke("M200 241l12-12", INK, 5)
    head = box(116, 74, 168, 110, c.light, 30) + box(132, 92, 136, 72, c.deep, 22)
    eyes = mirrored(circle(170, 122, 16, "#ffe08a"), circle(172, 122, 7, INK))
    if chance.random() < 0.3:
        eyes = mirrored(stroke("M156 124q14-18 28 0", "#ffe08a", 8))
    mouth = (
        stroke("M182 148h36", "#ffe08a", 6)
        if chance.random() < 0.5
        else stroke("M182 144q18 14 36 0", "#ffe08a", 6)
    )
    ears = mirrored(box(98, 106, 22, 44, c.accent, 9))
    neck = box(180, 178, 40, 18, STEEL_DARK)
    return (
        shadow(width=210) + antenna + arms + legs + neck + body + panel + ears + head + eyes + mouth
    )


def rocket(c: Palette, chance: Random) -> str:
    stars = "".join(
        star(chance.randint(*xs), y, r, "#f2b134")
        for xs, y, r in [
            ((56, 100), 90, 12),
            ((300, 344), 150, 14),
            ((50, 90), 220, 8),
            ((310, 346), 64, 8),
        ]
    )
    flame = shape("M164 296q8 60 36 82 28-22 36-82z", "#f2b134") + shape(
        "M180 296q4 34 20 52 16-18 20-52z", "#e76f51"
    )
    fins = mirrored(shape("M150 218q-58 34-54 104 30-26 62-28z", c.accent))
    body = shape("M200 28q78 74 66 190l-14 78H148l-14-78Q122 102 200 28z", CREAM)
    nose = shape("M200 28q44 42 58 96H142q14-54 58-96z", c.base)
    side = shape("M200 28q78 74 66 190l-14 78h-28q34-140-24-268z", INK, 'opacity=".1"')
    window = (
        circle(200, 178, 33, c.dark)
        + circle(200, 178, 24, "#a9d6ea")
        + stroke("M188 170q4-8 12-10", WHITE, 5)
    )
    band = box(142, 252, 116, 17, c.base) + box(160, 290, 80, 16, c.deep, 6)
    fin = box(192, 236, 16, 74, c.accent, 8)
    lean = chance.choice([-10, 8, 12])
    return stars + turned(lean, 200, 200, flame, fins, body, nose, window, band, side, fin)


def circuit(c: Palette, chance: Random) -> str:
    board = box(52, 92, 296, 238, c.base, 22) + box(52, 308, 296, 26, c.dark, 12)
    pads = "".join(
        circle(x, y, 5, c.light) for x in range(84, 330, 39) for y in range(122, 300, 39)
    )
    wires = stroke("M110 258H200V196H254M110 258V160H160M254 196V258H300", "#f2c23e", 7)
    lamp = (
        circle(278, 132, 62, "#ffe08a", 'opacity=".45"')
        + circle(278, 128, 33, "#ffe9a8")
        + box(262, 156, 32, 28, STEEL_DARK, 5)
        + stroke("M268 130q5-14 10 0t10 0", "#d98e3f", 4)
    )
    cell = (
        box(86, 222, 84, 50, INK, 10)
        + box(86, 222, 24, 50, c.accent, 10)
        + box(168, 236, 11, 22, STEEL, 3)
    )
    switch = box(126, 140, 66, 40, CREAM, 9) + circle(
        174 if chance.random() < 0.5 else 146, 160, 14, c.accent
    )
    chip = (
        box(222, 228, 70, 54, INK, 7)
        + "".join(box(x, 220, 7, 70, STEEL) for x in (232, 252, 272))
        + box(222, 230, 70, 50, INK, 7)
    )
    rays = "".join(
        turned(a, 278, 128, stroke("M278 74V56", "#f2b134", 7)) for a in (-60, -30, 0, 30, 60)
    )
    return shadow(width=310) + board + pads + wires + lamp + rays + cell + switch + chip


DRAWINGS = {
    "globe": globe,
    "flask": flask,
    "robot": robot,
    "rocket": rocket,
    "circuit": circuit,
}
