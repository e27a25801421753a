"""Outdoor toys."""

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
    mix,
    moved,
    oval,
    placed,
    ring,
    shadow,
    shape,
    star,
    stroke,
    turned,
    wheel,
)


def kite(c: Palette, chance: Random) -> str:
    line = stroke("M180 262q-40 40-20 66t-30 62", c.deep, 3)
    sail = shape("M214 34l92 106-30 0-96 128L108 132z", c.base)
    quarters = shape("M214 34L108 132l92 0z", c.light) + shape("M214 34l92 104-106-6z", c.accent)
    quarters += shape("M108 132l72 136 20-136z", c.base) + shape("M306 138L180 268l20-136z", c.dark)
    bars = stroke("M214 34L180 268M108 132l198 6", CREAM, 5)
    bow = "M0 0l-22-12v24zM0 0l22-12v24z"
    ribbons = [(160, 296, 30, c.accent), (158, 334, -25, c.second), (138, 370, 40, c.base)]
    bows = "".join(
        placed(x, y, angle, shape(bow, colour), circle(0, 0, 5, CREAM))
        for x, y, angle, colour in ribbons
    )
    face = ""
    if chance.random() < 0.45:
        face = (
            circle(176, 156, 8, INK)
            + circle(228, 158, 8, INK)
            + stroke("M184 180q16 16 32 1", INK, 5)
        )
    cloud = moved(
        chance.randint(-10, 30),
        chance.randint(0, 40),
        oval(290, 280, 56, 20, WHITE),
        oval(318, 262, 36, 24, WHITE),
        oval(270, 266, 26, 18, WHITE),
    )
    return cloud + turned(
        chance.choice([-6, 0, 6]), 200, 180, line, sail, quarters, bars, bows, face
    )


def ball(c: Palette, chance: Random) -> str:
    kind = chance.randrange(3)
    disc = circle(200, 216, 122, c.base)
    if kind == 0:
        art = shape("M200 94q-70 122 0 244-122-8-122-122t122-122z", CREAM)
        art += shape("M200 94q96 96 96 122 0 60-96 122 122-8 122-122T200 94z", c.accent)
        art += circle(200, 96, 14, c.second)
    elif kind == 1:
        art = shape("M83 182q112 44 234 0l5 24q-122 48-244 0z", CREAM)
        art += shape("M78 230q118 48 244-2l-5 24q-112 46-233 2z", CREAM) + star(200, 150, 28, CREAM)
    else:
        places = [(140, 160), (206, 134), (262, 186), (166, 226)]
        places += [(234, 248), (128, 272), (196, 304), (284, 250)]
        tones = (CREAM, c.accent, c.second)
        art = "".join(circle(x, y, chance.randint(14, 20), chance.choice(tones)) for x, y in places)
    dark = "M200 338a122 122 0 0 0 92-202 130 130 0 0 1-172 172 122 122 0 0 0 80 30z"
    shade = shape(dark, INK, 'opacity=".1"')
    shine = oval(150, 152, 26, 15, WHITE, -40, 'opacity=".6"')
    return shadow(width=200, y=342) + disc + art + shade + shine


def scooter(c: Palette, chance: Random) -> str:
    stem = stroke("M262 100l32 196", c.base, 17) + stroke("M266 126l10 62", c.light, 6)
    bars = stroke("M216 112l98-20", STEEL_DARK, 11) + stroke(
        "M208 114l34-8M286 98l34-8", c.accent, 19
    )
    deck = shape("M92 282h178l16-40 22 8-20 60H96z", c.base) + stroke("M112 282h136", INK, 9)
    guard = stroke("M74 292a46 46 0 0 1 56-34", c.dark, 12)
    bag = (
        box(282, 146, 46, 54, c.second, 10, 8) + star(305, 174, 13, CREAM)
        if chance.random() < 0.5
        else stroke("M208 118q-20 24-8 48M210 116q-6 30 10 50", c.accent, 6)
    )
    return (
        shadow(200, 310)
        + stem
        + bars
        + deck
        + guard
        + bag
        + wheel(102, 302, 38, c.accent)
        + wheel(302, 302, 38, c.accent)
    )


def balance_bike(c: Palette, chance: Random) -> str:
    frame = stroke("M108 276L168 186L262 190L296 276M168 186L150 156", c.base, 17)
    frame += stroke("M262 190L248 120", c.base, 17) + stroke("M168 190L256 196", c.light, 6)
    saddle = shape("M108 142q44-14 82 6 2 16-18 16h-46q-18 0-18-22z", INK)
    bars = stroke("M236 118q10-22 40-16", STEEL_DARK, 12) + stroke("M262 102l26 2", c.accent, 19)
    bell = circle(238, 106, 11, "#f2b134")
    basket = ""
    if chance.random() < 0.5:
        basket = shape("M268 128h66l-10 50h-46z", WOOD) + stroke(
            "M270 144h60M276 160h50", WOOD_DARK, 4
        )
        basket += circle(292, 122, 12, c.second) + circle(312, 120, 12, c.accent)

    def bicycle_wheel(x: float) -> str:
        spokes = "".join(
            turned(at * 45, x, 274, stroke(f"M{x} 222v104", STEEL, 3)) for at in range(4)
        )
        tyre = ring(x, 274, 56, INK, 17)
        return tyre + spokes + circle(x, 274, 12, c.accent)

    return (
        shadow(202, 320)
        + bicycle_wheel(108)
        + bicycle_wheel(296)
        + frame
        + saddle
        + bars
        + bell
        + basket
    )


def bucket(c: Palette, chance: Random) -> str:
    sand = shape("M22 340q40-60 118-56t120 6 120 50z", "#ecd3a0") + shape(
        "M228 340q10-50 60-50t66 50z", "#e2c288"
    )
    handle = stroke("M110 176q0-104 90-104t90 104", c.dark, 11)
    pail = shape("M104 168h192l-24 152q-2 14-18 14H146q-16 0-18-14z", c.base) + shape(
        "M252 168h44l-24 152q-2 14-18 14h-22z", c.dark
    )
    rim = box(96, 158, 208, 24, c.light, 12)
    kind = chance.randrange(3)
    if kind == 0:
        sign = star(186, 252, 42, CREAM)
    elif kind == 1:
        sign = shape("M146 256q26-34 66 0l22-20v40l-22-20q-40 34-66 0z", CREAM) + circle(
            166, 252, 5, INK
        )
    else:
        sign = "".join(stroke(f"M{128 + at} {210 + at * 6}q56 16 112 0", CREAM, 9) for at in (0, 6))
    spade = (
        box(-8, -120, 16, 130, WOOD, 7)
        + box(-28, -134, 56, 18, c.accent, 9)
        + shape("M-34 6h68v44q0 40-34 50-34-10-34-50z", c.accent)
    )
    return (
        sand
        + handle
        + pail
        + rim
        + sign
        + placed(330, 246, 18, spade, scale=0.95)
        + shape("M282 340q8-26 48-26t52 26z", "#e2c288")
    )


def skipping_rope(c: Palette, chance: Random) -> str:
    rope = "M126 190C60 70 150 30 200 110S330 300 232 320 96 286 190 236 330 150 274 106"
    cord = stroke(rope, c.base, 13) + stroke(rope, c.light, 4, 'stroke-dasharray="9 13"')

    def handle(x: float, y: float, angle: float, colour: str) -> str:
        grip = (
            box(-17, -8, 34, 112, WOOD, 15)
            + box(-17, 16, 34, 13, colour)
            + box(-17, 38, 34, 13, colour)
        )
        return placed(x, y, angle, grip, circle(0, 98, 17, colour))

    handles = handle(126, 186, 14, c.accent) + handle(
        274, 106, chance.choice([-150, -138]), c.accent
    )
    return shadow(210, 230, 346, 9) + cord + handles


def bubbles(c: Palette, chance: Random) -> str:
    def bubble(x: float, y: float, r: float, colour: str) -> str:
        rim = circle(x, y, r, colour, 'opacity=".28"')
        rim += ring(x, y, r, mix(colour, WHITE, 0.35), 5)
        return (
            rim
            + oval(x - r * 0.38, y - r * 0.42, r * 0.22, r * 0.13, WHITE, -40, 'opacity=".95"')
            + stroke(
                f"M{x + r * 0.2:g} {y + r * 0.72:g}"
                f"q{r * 0.4:g}-{r * 0.1:g} {r * 0.5:g}-{r * 0.5:g}",
                WHITE,
                4,
                'opacity=".8"',
            )
        )

    tones = [c.base, "#4b8fc7", "#e0588a", "#3fa7a0", c.accent, "#8464b0"]
    chance.shuffle(tones)
    many = "".join(
        bubble(x, y, r, tone)
        for (x, y, r), tone in zip(
            [
                (270, 106, 60),
                (168, 92, 38),
                (338, 204, 34),
                (238, 212, 27),
                (92, 132, 25),
                (318, 290, 20),
            ],
            tones,
            strict=True,
        )
    )
    bottle = (
        box(100, 214, 96, 126, c.base, 20)
        + box(122, 186, 52, 34, c.dark, 8)
        + box(100, 252, 96, 50, CREAM)
        + circle(148, 277, 16, c.accent)
    )
    wand = stroke("M206 300L238 246", c.accent, 10)
    return (
        shadow(150, 150)
        + many
        + bottle
        + turned(-16, 206, 300, wand)
        + ring(240, 222, 25, c.accent, 9)
    )


DRAWINGS = {
    "kite": kite,
    "ball": ball,
    "scooter": scooter,
    "balance-bike": balance_bike,
    "bucket": bucket,
    "skipping-rope": skipping_rope,
    "bubbles": bubbles,
}
