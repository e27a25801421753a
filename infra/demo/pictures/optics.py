"""Instruments to look through."""

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
    placed,
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
    return shadow(190, 250, 348, 9) + rose + placed(148, 228, 38, tube, scale=0.84)


def binoculars(c: Palette, chance: Random) -> str:
    strap = stroke("M128 150q-76-112 40-112 30 0 32 26 2-26 32-26 116 0 40 112", c.deep, 9)
    tube = shape("M120 116h66v60l8 20v118H96V200l24-40z", c.base)
    tube += shape("M168 116h18v60l8 20v118h-26z", c.dark)
    tube += box(112, 92, 82, 34, INK, 10) + box(90, 296, 108, 38, c.deep, 12)
    tube += box(98, 232, 96, 13, c.accent, 4) + oval(144, 334, 46, 9, _GLASS)
    bridge = box(178, 150, 44, 82, c.deep, 10) + box(184, 128, 32, 40, STEEL_DARK, 8)
    bird = oval(326, 84, 26, 17, c.second, -16) + circle(348, 72, 12, c.second)
    bird += shape("M358 70l16 2-15 6z", "#ef8a3c") + circle(351, 69, 2.4, INK)
    bird += shape("M304 88l-26 4 22 10z", c.second)
    seen = bird if chance.random() < 0.7 else star(330, 80, 16, "#f2b134")
    return shadow(width=230) + seen + strap + mirrored(tube) + bridge


DRAWINGS = {
    "microscope": microscope,
    "telescope": telescope,
    "binoculars": binoculars,
    "magnifier": magnifier,
    "kaleidoscope": kaleidoscope,
}
