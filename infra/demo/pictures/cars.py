"""What rolls on roads. It drives to the right."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    STEEL,
    STEEL_DARK,
    WOOD_DARK,
    Palette,
    box,
    circle,
    shadow,
    shape,
    star,
    stroke,
    turned,
    wheel,
)

_GLASS = "#cfe8f1"


def racing_car(c: Palette, chance: Random) -> str:
    body = shape(
        "M48 286q0-40 60-46l72-10q30-26 74-8l66 26q34 14 34 38v12q0 8-8 8H56q-8 0-8-8z", c.base
    )
    stripe = stroke("M66 282h268", CREAM, 12)
    driver = circle(212, 196, 32, CREAM) + shape("M178 194a34 34 0 0 1 68 0z", c.accent)
    driver += box(212, 184, 36, 16, _GLASS, 7) + shape("M256 226q6-24 30-30l10 34z", _GLASS)
    number = circle(140, 268, 26, CREAM) + star(140, 268, 17, c.accent)
    fin = shape("M50 272q-14-40 4-54h26l18 34z", c.dark)
    return (
        shadow(204, 310)
        + fin
        + driver
        + body
        + stripe
        + number
        + wheel(112, 304, 36, c.accent)
        + wheel(292, 304, 36, c.accent)
    )


def car(c: Palette, chance: Random) -> str:
    cabin = shape("M112 226q16-76 54-76h64q44 0 72 76z", c.dark)
    glass = shape("M132 222q12-52 38-52h20v52z", _GLASS) + shape(
        "M206 222v-52h22q28 0 48 52z", _GLASS
    )
    body = shape("M52 300v-40q0-36 42-38h204q52 2 56 44v34q0 8-8 8H60q-8 0-8-8z", c.base)
    line = stroke("M60 262h282", c.light, 7)
    lamp = circle(338, 258, 12, "#ffe08a") + box(48, 250, 14, 22, "#e0584f", 5)
    roof = (
        box(144, 128, 104, 12, WOOD_DARK, 6) + box(156, 104, 78, 26, c.accent, 8)
        if chance.random() < 0.6
        else ""
    )
    door = stroke("M198 228v66M212 246h18", c.dark, 4)
    return (
        shadow(204, 310)
        + roof
        + cabin
        + glass
        + body
        + line
        + lamp
        + door
        + wheel(118, 306, 35, c.accent)
        + wheel(288, 306, 35, c.accent)
    )


def van(c: Palette, chance: Random) -> str:
    body = shape(
        "M52 304V164q0-28 28-28h174q30 0 48 34l36 62q10 8 10 30v42q0 6-6 6H58q-6 0-6-6z", c.base
    )
    lower = shape("M52 244h294q2 8 2 18v42q0 6-6 6H58q-6 0-6-6z", CREAM)
    glass = box(80, 164, 62, 54, _GLASS, 8) + box(156, 164, 62, 54, _GLASS, 8)
    glass += shape("M234 164h20q16 0 28 22l18 32h-66z", _GLASS)
    lamp = circle(336, 262, 11, "#ffe08a")
    mark = star(150, 276, 18, c.accent) if chance.random() < 0.5 else circle(150, 276, 14, c.accent)
    return (
        shadow(204, 310)
        + body
        + lower
        + glass
        + lamp
        + mark
        + wheel(116, 308, 34, c.base)
        + wheel(286, 308, 34, c.base)
    )


def fire_engine(c: Palette, chance: Random) -> str:
    body = box(40, 196, 218, 112, c.base, 10)
    cab = shape("M258 308V160q0-10 10-10h46q14 0 20 14l22 60q4 8 4 20v56q0 8-8 8z", c.base)
    glass = shape("M276 168h36q8 0 12 8l20 50h-68z", _GLASS)
    stripe = box(40, 252, 320, 16, CREAM)
    ladder = stroke("M62 172h262M62 146h262", STEEL, 9) + "".join(
        stroke(f"M{x} 146v26", STEEL, 6) for x in range(78, 320, 27)
    )
    lift = turned(chance.choice([-13, -9, -5]), 90, 172, ladder)
    mount = box(78, 160, 40, 44, STEEL_DARK, 6)
    light = shape("M284 150a16 16 0 0 1 32 0z", "#5aa7dd")
    lockers = (
        box(62, 212, 52, 32, STEEL, 5)
        + box(126, 212, 52, 32, STEEL, 5)
        + circle(220, 226, 20, CREAM)
        + circle(220, 226, 9, c.accent)
    )
    return (
        shadow(200, 330)
        + lift
        + mount
        + body
        + cab
        + light
        + glass
        + stripe
        + lockers
        + wheel(106, 306, 36, STEEL)
        + wheel(298, 306, 36, STEEL)
    )


DRAWINGS = {"racing-car": racing_car, "car": car, "van": van, "fire-engine": fire_engine}
