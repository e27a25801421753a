"""Instruments."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    STEEL,
    WHITE,
    WOOD,
    WOOD_DARK,
    WOOD_LIGHT,
    Palette,
    box,
    circle,
    mirrored,
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

_SCALE = ("#d9483b", "#ee8434", "#f2c23e", "#8fb04e", "#3fa7a0", "#3d6fa8", "#8464b0", "#e0588a")


def note(x: float, y: float, colour: str, size: float = 1) -> str:
    return moved(
        x, y, oval(0, 0, 15, 11, colour, -18), stroke("M13-4v-56q4 18 22 20", colour, 6), scale=size
    )


def xylophone(c: Palette, chance: Random) -> str:
    rails = shape("M44 150l312 34v20L44 176z", WOOD_DARK) + shape(
        "M44 316l312-40v-20L44 290z", WOOD_DARK
    )
    tones = (
        _SCALE
        if chance.random() < 0.6
        else (c.deep, c.dark, c.base, c.light, c.accent, c.second, c.base, c.dark)
    )
    bars = ""
    for at, colour in enumerate(tones):
        x, half = 52 + at * 38, 112 - at * 8.5
        bars += box(x, 232 - half, 31, half * 2, colour, 9) + box(
            x + 5, 240 - half, 7, half * 1.7, WHITE, 3, more='opacity=".25"'
        )
        bars += circle(x + 15.5, 232 - half + 20, 4.5, CREAM) + circle(
            x + 15.5, 232 + half - 20, 4.5, CREAM
        )
    mallets = stroke("M92 60l74 128", WOOD_DARK, 9) + circle(168, 192, 20, c.accent)
    mallets += stroke("M352 84L272 196", WOOD_DARK, 9) + circle(270, 200, 20, c.accent)
    return shadow(200, 320, 346) + rails + bars + mallets


def drum(c: Palette, chance: Random) -> str:
    body = shape("M76 176v116q0 48 124 48t124-48V176z", c.base) + shape(
        "M262 176h62v116q0 30-62 42z", c.dark
    )
    zigzag = stroke("M80 206l40 108 40-92 40 108 40-108 40 92 40-108", CREAM, 7)
    hoops = shape("M70 172v26q0 48 130 48t130-48v-26z", c.accent)
    low = stroke("M76 294q4 46 124 46t124-46", c.accent, 17)
    skin = oval(200, 172, 130, 46, c.light) + oval(200, 170, 118, 38, CREAM)
    stick = box(-7, -100, 14, 170, WOOD, 7) + oval(0, -104, 17, 20, c.second)
    angle = chance.choice([46, 52])
    sticks = placed(262, 118, angle, stick) + placed(132, 110, 8 - angle, stick)
    marks = (
        "".join(star(x, 290, 14, "#f2b134") for x in (140, 200, 260))
        if chance.random() < 0.4
        else zigzag
    )
    return shadow(width=270) + body + marks + low + hoops + skin + sticks


def ukulele(c: Palette, chance: Random) -> str:
    neck = box(186, 46, 28, 150, WOOD_DARK, 5) + shape("M176 14h48l-6 44h-36z", c.deep)
    pegs = "".join(circle(x, y, 6, CREAM) for x in (168, 232) for y in (26, 46))
    frets = "".join(stroke(f"M188 {y}h24", STEEL, 3) for y in range(74, 180, 22))
    body = shape(
        "M200 166q62 0 60 44-2 18 4 26 32 24 26 58-10 48-90 48"
        "t-90-48q-6-34 26-58 6-8 4-26-2-44 60-44z",
        c.base,
    )
    inner = shape(
        "M200 178q50 0 48 34-2 18 6 30 28 24 24 48-10 40-78 40"
        "t-78-40q-4-24 24-48 8-12 6-30-2-34 48-34z",
        c.light,
        'opacity=".55"',
    )
    hole = circle(200, 236, 29, WOOD_LIGHT) + circle(200, 236, 22, INK)
    bridge = box(170, 290, 60, 14, c.deep, 5)
    strings = "".join(stroke(f"M{x} 40V296", CREAM, 1.8) for x in (191, 197, 203, 209))
    flower = "".join(
        turned(k * 72, 256, 296, oval(256, 282, 8, 12, CREAM)) for k in range(5)
    ) + circle(256, 296, 7, "#f2b134")
    decor = flower if chance.random() < 0.5 else ""
    whole = neck + pegs + frets + body + inner + hole + bridge + strings + decor
    return shadow(214, 200) + turned(chance.choice([12, 16, -14]), 200, 220, whole)


def recorder(c: Palette, chance: Random) -> str:
    def pipe(tone: str, dark: str) -> str:
        mouth = shape("M-20-140q0-30 14-34h20q8 6 8 34z", dark) + box(-11, -120, 22, 14, INK, 4)
        body = box(-21, -142, 42, 262, tone, 10) + box(6, -142, 15, 262, dark, 8)
        rings = box(-25, -78, 50, 16, CREAM, 6) + box(-25, 78, 50, 16, CREAM, 6)
        foot = shape("M-21 112h42l8 48h-58z", dark)
        holes = "".join(circle(-3, y, 6.5, INK) for y in (-44, -20, 4, 28, 52)) + circle(
            -3, 104, 5.5, INK
        )
        return mouth + body + rings + foot + holes

    notes = (
        note(104, 128, c.accent, 1.1) + note(310, 270, c.second, 1.2) + note(92, 280, c.dark, 0.8)
    )
    angle = chance.choice([38, 30, -36])
    return shadow(width=220, y=348, depth=9) + notes + placed(204, 196, angle, pipe(c.base, c.dark))


def music_box(c: Palette, chance: Random) -> str:
    lid = shape("M86 178L108 82h212l-20 96z", c.dark) + shape("M100 168l18-74h186l-16 74z", c.pale)
    base = (
        box(70, 198, 260, 136, c.base, 14)
        + box(60, 184, 280, 26, c.light, 12)
        + box(62, 318, 276, 22, c.dark, 11)
    )
    drum_ = box(130, 160, 130, 34, "#e0b04f", 12) + "".join(
        circle(146 + at * 17, 168 + at % 3 * 9, 3, INK) for at in range(7)
    )
    plate = box(110, 232, 132, 66, CREAM, 10)
    crank = stroke("M338 252h26v-40", STEEL, 10) + circle(364, 204, 15, c.accent)
    if chance.random() < 0.5:
        dancer = (
            circle(206, 66, 13, "#f3cfae")
            + shape("M206 78l34 66h-68z", c.accent)
            + stroke("M206 92l-30-18M206 92l30-18", "#f3cfae", 7)
            + circle(206, 52, 8, INK)
        )
    else:
        dancer = note(176, 88, c.accent, 1.1) + note(232, 64, c.second)
    print_ = "".join(star(x, 265, 15, c.base) for x in (140, 176, 212))
    return shadow(width=290) + lid + drum_ + base + plate + print_ + crank + dancer


def tambourine(c: Palette, chance: Random) -> str:
    rim = (
        circle(200, 200, 142, c.base)
        + circle(200, 200, 112, CREAM)
        + circle(200, 196, 106, mix(CREAM, c.base, 0.12))
    )
    jingles = ""
    for at in range(6):
        slot = (
            box(178, 62, 44, 22, INK, 8)
            + box(182, 56, 14, 34, "#f0c65a", 6)
            + box(204, 56, 14, 34, "#d9a83f", 6)
        )
        jingles += turned(at * 60 + 30, 200, 200, slot)
    kind = chance.randrange(2)
    petals = "".join(
        turned(k * 45, 200, 200, oval(200, 152, 20, 36, c.accent if k % 2 else c.second))
        for k in range(8)
    ) + circle(200, 200, 24, c.base)
    face = (
        circle(166, 184, 11, INK)
        + circle(234, 184, 11, INK)
        + stroke("M156 226q44 44 88 0", INK, 8)
        + mirrored(circle(138, 216, 16, "#f08a7c", 'opacity=".5"'))
    )
    return shadow(width=210, y=350, depth=10) + rim + jingles + (petals if kind else face)


DRAWINGS = {
    "xylophone": xylophone,
    "drum": drum,
    "ukulele": ukulele,
    "recorder": recorder,
    "music-box": music_box,
    "tambourine": tambourine,
}
