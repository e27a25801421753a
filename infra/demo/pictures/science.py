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


def microscope(c: Palette, chance: Random) -> str:
    base = box(96, 306, 208, 34, c.deep, 15)
    arm = stroke("M246 306q80-36 62-124-10-44-66-60l-42-6", c.base, 35)
    stage = (
        box(112, 244, 156, 21, INK, 8)
        + box(146, 234, 68, 10, _GLASS, 4)
        + circle(180, 238, 5, c.accent)
    )
    lamp = shape("M152 306l10-26h36l10 26z", "#ffe08a")
    tube = (
        box(168, 78, 58, 118, c.base, 12)
        + box(206, 78, 20, 118, c.dark, 8)
        + box(160, 60, 74, 26, c.deep, 9)
    )
    tube += (
        box(170, 36, 54, 28, INK, 9)
        + box(176, 194, 42, 26, STEEL, 5)
        + box(184, 216, 26, 20, STEEL_DARK, 4)
    )
    knob = circle(302, 214, 23, c.accent) + circle(302, 214, 10, CREAM)
    germs = "".join(
        oval(x, y, 17, 11, tone, turn) + circle(x + 4, y, 3, CREAM)
        for x, y, tone, turn in [
            (74, 120, c.accent, 20),
            (62, 196, c.second, -30),
            (110, 66, c.base, 40),
        ]
    )
    return (
        shadow(width=240)
        + (germs if chance.random() < 0.6 else "")
        + arm
        + base
        + lamp
        + stage
        + turned(-12, 200, 200, tube)
        + knob
    )


def telescope(c: Palette, chance: Random) -> str:
    legs = stroke("M204 206l-66 130M204 206l70 130", WOOD_DARK, 14) + stroke(
        "M204 206v118", WOOD, 14
    )
    tube = (
        box(76, 136, 118, 60, c.base, 10)
        + box(184, 126, 112, 80, c.base, 10)
        + box(288, 118, 46, 96, c.accent, 10)
    )
    tube += (
        box(76, 176, 118, 20, c.dark, 8)
        + box(184, 180, 112, 26, c.dark, 8)
        + box(44, 148, 38, 36, INK, 8)
        + box(180, 126, 13, 80, CREAM)
    )
    mount = circle(204, 208, 25, c.deep) + circle(204, 208, 9, CREAM)
    stars = "".join(
        star(x, y, r, "#f2b134") for x, y, r in [(82, 74, 13), (150, 46, 8), (262, 62, 10)]
    )
    planet = circle(330, 70, 25, c.second) + stroke("M292 82q38 12 76-24", CREAM, 7)
    return (
        shadow(width=200)
        + stars
        + (planet if chance.random() < 0.7 else "")
        + legs
        + turned(-18, 200, 180, tube)
        + mount
    )


def magnifier(c: Palette, chance: Random) -> str:
    leaf = shape("M40 268q40-104 178-96-10 130-128 128-28 0-50-32z", "#7ea65a") + stroke(
        "M52 270q80-20 150-84M96 262l-8-36M136 242l-6-40M118 254l34 18", "#5f8a45", 5
    )
    handle = turned(
        -45, 258, 240, box(240, 234, 36, 136, c.base, 15), box(264, 234, 12, 136, c.dark, 6)
    )
    ring = circle(190, 172, 104, c.base) + circle(190, 172, 84, _GLASS)
    if chance.random() < 0.5:
        bug = (
            oval(190, 184, 46, 52, "#d9483b")
            + shape("M144 176q2-52 46-52t46 52q-46-22-92 0z", INK)
            + stroke("M190 150v84", INK, 6)
        )
        bug += "".join(
            circle(x, y, 9, INK) for x, y in [(168, 190), (212, 190), (172, 216), (208, 216)]
        )
        bug += stroke(
            "M174 130l-14-20M206 130l14-20M146 196l-18 6M234 196l18 6M150 222l-16 12M230 222l16 12",
            INK,
            5,
        )
    else:
        bug = mirrored(
            oval(160, 152, 38, 32, c.accent, 30),
            oval(166, 202, 28, 26, c.second, -30),
            circle(152, 150, 9, CREAM),
        )
        bug = moved(
            -10,
            0,
            bug
            + oval(200, 178, 9, 52, INK)
            + stroke("M196 130q-10-18-22-18M204 130q10-18 22-18", INK, 4),
        )
    shine = stroke("M124 146q12-34 44-46", WHITE, 11, 'opacity=".85"')
    return shadow(220, 220, 346, 9) + leaf + handle + ring + bug + shine


def globe(c: Palette, chance: Random) -> str:
    foot = shape("M128 338q6-30 56-34v-26h32v26q50 4 56 34z", WOOD_DARK)
    arc = '<path d="M118 74a136 136 0 1 0 176 206" fill="none" stroke="{}" stroke-width="15" stroke-linecap="round"/>'.format(
        "#d9a83f"
    )
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
    clip = f'<clipPath id="{name}"><circle cx="208" cy="172" r="108"/></clipPath><g clip-path="url(#{name})">{land}{oval(208, 60, 60, 12, WHITE)}{oval(208, 284, 56, 12, WHITE)}</g>'
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


def kaleidoscope(c: Palette, chance: Random) -> str:
    tones = [c.base, c.accent, c.second, "#f2b134", "#3fa7a0"]
    rose = circle(262, 150, 106, c.deep)
    sides = [
        shape("M262 150l-22-58 22-38 22 38z", tones[chance.randrange(5)]),
        circle(262, 70, 10, tones[chance.randrange(5)]),
        shape("M262 150l-13-30 13-14 13 14z", CREAM),
    ]
    rose += "".join(turned(at * 60, 262, 150, *sides) for at in range(6))
    between = [
        shape("M262 140l-11-40 11-22 11 22z", tones[chance.randrange(5)]),
        circle(262, 62, 6, CREAM),
    ]
    rose += "".join(turned(at * 60 + 30, 262, 150, *between) for at in range(6)) + circle(
        262, 150, 13, CREAM
    )
    tube = (
        box(-42, -60, 84, 220, c.base, 12)
        + box(14, -60, 28, 220, c.dark, 10)
        + box(-50, -76, 100, 34, c.accent, 12)
        + box(-48, 136, 96, 30, INK, 10)
    )
    tube += "".join(star(-10, y, 13, CREAM) for y in (-10, 34, 78))
    return (
        shadow(190, 250, 348, 9)
        + rose
        + f'<g transform="translate(148 228) rotate(38) scale(.84)">{tube}</g>'
    )


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
    "microscope": microscope,
    "telescope": telescope,
    "magnifier": magnifier,
    "globe": globe,
    "flask": flask,
    "robot": robot,
    "rocket": rocket,
    "kaleidoscope": kaleidoscope,
    "circuit": circuit,
}
