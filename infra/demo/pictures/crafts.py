"""Arts and crafts."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    STEEL,
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
    shadow,
    shape,
    star,
    stroke,
    turned,
)

_BRIGHT = ("#d9483b", "#ee8434", "#f2c23e", "#6f9f58", "#3fa7a0", "#3d6fa8", "#8464b0", "#e0588a")


def paint_box(c: Palette, chance: Random) -> str:
    lid = shape("M78 188l24-112h196l24 112z", c.light) + shape("M92 176l18-86h180l18 86z", CREAM)
    daubs = (
        oval(150, 138, 30, 17, c.accent, -8)
        + oval(212, 122, 26, 15, c.base, 10)
        + oval(258, 154, 30, 14, "#f2c23e", -5)
    )
    tray = box(62, 186, 276, 150, c.base, 18) + box(62, 312, 276, 26, c.dark, 13)
    colours = [*_BRIGHT, "#2f3f6e", "#5a3828"]
    chance.shuffle(colours)
    pans = "".join(
        circle(100 + at % 5 * 50, 222 + at // 5 * 48, 20, mix(colour, INK, 0.25))
        + circle(100 + at % 5 * 50, 224 + at // 5 * 48, 16, colour)
        for at, colour in enumerate(colours)
    )
    brush = moved(
        0,
        0,
        box(-7, -150, 14, 190, WOOD, 6)
        + box(-9, 36, 18, 34, STEEL, 3)
        + shape("M-9 70h18q4 26-9 44-13-18-9-44z", c.accent),
    )
    return shadow(width=290) + lid + daubs + tray + pans + placed(300, 214, -34, brush, scale=0.86)


def pencils(c: Palette, chance: Random) -> str:
    colours = list(_BRIGHT)
    chance.shuffle(colours)

    def pencil(x: float, y: float, colour: str) -> str:
        tip = shape(f"M{x} {y}l14-44 14 44z", WOOD) + shape(
            f"M{x + 8.5} {y - 27}l5.5-17 5.5 17z", colour
        )
        return tip + box(x, y, 28, 200, colour) + box(x + 19, y, 9, 200, mix(colour, INK, 0.18))

    if chance.random() < 0.5:
        row = "".join(
            pencil(62 + at * 35, 104 + chance.randint(-14, 14), colour)
            for at, colour in enumerate(colours)
        )
        box_ = (
            box(50, 202, 300, 136, c.base, 12)
            + box(50, 202, 300, 26, c.dark, 8)
            + star(200, 284, 32, CREAM)
        )
        return shadow(width=310) + row + box_
    bunch = "".join(
        turned(angle, 200, 330, pencil(186, 100 + lift, colour))
        for angle, lift, colour in zip(
            (-24, 22, -13, 12, -4, 5), (26, 20, 0, 6, 28, -14), colours, strict=False
        )
    )
    pot = shape("M126 210h148l-12 116q-2 14-16 14h-92q-14 0-16-14z", c.base)
    pot += shape("M238 210h36l-12 116q-2 14-16 14h-18z", c.dark) + box(
        118, 200, 164, 24, c.light, 10
    )
    face = (
        circle(178, 272, 7, INK) + circle(218, 272, 7, INK) + stroke("M188 288q10 10 20 0", INK, 5)
    )
    return shadow(width=180) + bunch + pot + face


def beads(c: Palette, chance: Random) -> str:
    tones = [c.base, c.accent, c.second, c.light, "#f2b134", CREAM]
    thread = oval(200, 186, 120, 112, "none", more=f'stroke="{c.deep}" stroke-width="3"')
    drawn = ""
    for at in range(24):
        colour = tones[(at + chance.randrange(2)) % len(tones)]
        drawn += turned(
            at * 15,
            200,
            186,
            circle(200, 72, 17 if at % 3 else 13, colour)
            + circle(195, 67, 4, WHITE, 'opacity=".55"'),
        )
    charm = (
        star(200, 306, 38, "#f2b134")
        if chance.random() < 0.5
        else circle(200, 306, 30, c.accent) + circle(200, 306, 13, CREAM)
    )
    loose = "".join(
        circle(chance.randint(140, 260), y, 14, chance.choice(tones)) for y in (150, 190, 226)
    )
    return shadow(width=190, y=348, depth=9) + thread + drawn + loose + charm


def clay(c: Palette, chance: Random) -> str:
    colours = [c.base, c.accent, c.second]

    def tub(x: float, y: float, colour: str) -> str:
        pot = box(x - 46, y - 66, 92, 66, CREAM, 8) + box(x - 46, y - 44, 92, 26, colour)
        dough = shape(f"M{x - 40} {y - 66}q4-36 40-36t40 36z", colour) + oval(
            x - 14, y - 86, 10, 5, WHITE, -20, 'opacity=".4"'
        )
        return dough + pot

    tubs = tub(102, 338, colours[1]) + tub(298, 338, colours[2])
    animal = oval(200, 292, 72, 46, c.base) + "".join(
        box(x, 314, 22, 26, c.dark, 10) for x in (146, 176, 206, 236)
    )
    shell = shape("M126 286q10-86 74-86t74 86q-74 22-148 0z", c.second)
    shell += "".join(
        circle(x, y, r, c.accent)
        for x, y, r in [
            (176, 246, 14),
            (216, 236, 12),
            (238, 266, 11),
            (154, 274, 10),
            (200, 272, 11),
        ]
    )
    head = (
        circle(284, 262, 31, c.base)
        + circle(292, 254, 6, INK)
        + circle(294, 252, 2, WHITE)
        + stroke("M286 274q10 6 18 0", INK, 4)
    )
    rolls = (
        stroke("M92 216q40-36 30-76t28-56", c.accent, 20)
        if chance.random() < 0.5
        else circle(110, 196, 32, c.accent) + circle(110, 140, 22, c.second)
    )
    return shadow(width=310) + rolls + tubs + animal + shell + head


def yarn(c: Palette, chance: Random) -> str:
    def ball(x: float, y: float, r: float, colour: str) -> str:
        dark, light = mix(colour, INK, 0.2), mix(colour, WHITE, 0.35)
        arcs = "".join(
            turned(
                angle,
                x,
                y,
                stroke(
                    f"M{x - r * 0.82:g} {y + at * r:g}q{r * 0.82:g}-{r * 0.5:g} {r * 1.64:g} 0",
                    tone,
                    6,
                    'opacity=".75"',
                ),
            )
            for angle, at, tone in [
                (-28, 0.3, dark),
                (-28, 0.0, light),
                (-28, 0.55, light),
                (48, 0.2, dark),
                (48, 0.45, light),
            ]
        )
        return circle(x, y, r, colour) + arcs

    needles = turned(28, 200, 160, box(192, 40, 11, 250, WOOD, 5), circle(197, 36, 14, c.accent))
    needles += turned(
        -26, 200, 160, box(192, 40, 11, 250, WOOD_DARK, 5), circle(197, 36, 14, c.second)
    )
    end = stroke("M292 322q44 16 62-8t-18-40", c.base, 7)
    return (
        shadow(width=270)
        + needles
        + end
        + ball(138, 262, 72, c.base)
        + ball(262, 274, 62, c.accent)
        + ball(206, 206 + chance.randint(-6, 4), 46, c.second)
    )


def paper(c: Palette, chance: Random) -> str:
    sheets = "".join(
        box(92, 290 - at * 5, 216, 50, tone, 4, angle)
        for at, (tone, angle) in enumerate([(c.second, -4), (c.accent, 3), (CREAM, -1)])
    )
    if chance.random() < 0.5:
        crane = shape("M64 132l118 96-32 48z", c.light) + shape("M336 116L214 226l38 46z", c.dark)
        crane += shape("M150 276l50-82 52 82-52 34z", c.base) + shape(
            "M200 194l52 82-52 34z", c.dark
        )
        crane += (
            shape("M252 272l74-104-2 30-60 90z", c.base)
            + shape("M150 274L74 196l-36 20 28-2 74 86z", c.light)
            + circle(62, 206, 3, INK)
        )
        return shadow(width=240) + sheets + moved(0, -14, crane)
    fox = shape("M120 74l80 66 80-66v98l-80 104-80-104z", c.base) + shape(
        "M280 74v98l-80 104V140z", c.dark
    )
    fox += shape("M120 172l80 104-36-92z", CREAM) + shape("M280 172l-80 104 36-92z", c.pale)
    fox += circle(168, 176, 7, INK) + circle(232, 176, 7, INK) + shape("M186 254h28l-14 22z", INK)
    return shadow(width=240) + sheets + moved(0, 14, fox)


DRAWINGS = {
    "paint-box": paint_box,
    "pencils": pencils,
    "beads": beads,
    "clay": clay,
    "yarn": yarn,
    "paper": paper,
}
