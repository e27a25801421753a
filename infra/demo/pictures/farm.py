"""Animals of the farm, carved and painted."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    WHITE,
    WOOD_LIGHT,
    Palette,
    box,
    circle,
    mix,
    oval,
    shadow,
    shape,
    star,
    stroke,
)

_GRASS = shape(
    "M40 340q20-26 40-4 16-30 36-2 14-26 32 6zM270 340q12-30 34-6 18-28 40 6z", "#86ad5c"
)


def cow(c: Palette, chance: Random) -> str:
    legs = "".join(
        box(x, 262, 30, 76, colour, 8)
        for x, colour in [(110, c.pale), (152, CREAM), (236, c.pale), (272, CREAM)]
    )
    body = box(92, 156, 222, 128, CREAM, 44)
    spots = (
        oval(150, 196, 34, 28, c.base, 20)
        + oval(262, 236, 40, 30, c.base, -14)
        + oval(226, 172, 22, 15, c.base)
    )
    tail = stroke("M312 190q34 20 22 84", CREAM, 9) + oval(334, 282, 10, 17, c.base)
    head = box(46, 106, 104, 112, CREAM, 38) + shape("M98 106h14q38 0 38 40-30 22-52-4z", c.base)
    horns = stroke("M66 108q-14-16-4-32M130 108q14-16 4-32", WOOD_LIGHT, 12)
    ears = oval(40, 128, 24, 12, c.base, 20) + oval(158, 128, 24, 12, c.base, -20)
    muzzle = (
        oval(98, 198, 56, 30, "#f2b8ac") + circle(78, 194, 6, c.deep) + circle(118, 194, 6, c.deep)
    )
    eyes = circle(78, 146, 8, INK) + circle(118, 146, 8, INK)
    bell = circle(98, 240, 14, "#f2b134") + stroke("M64 222q34 14 68 0", c.accent, 9)
    return (
        shadow(width=280)
        + tail
        + legs
        + body
        + spots
        + horns
        + ears
        + head
        + eyes
        + muzzle
        + bell
        + _GRASS
    )


def pig(c: Palette, chance: Random) -> str:
    pink = mix("#f2a9a4", c.base, 0.15)
    shade = mix(pink, INK, 0.14)
    legs = "".join(box(x, 276, 34, 62, shade, 9) for x in (112, 158, 240, 280))
    body = oval(214, 224, 128, 90, pink)
    tail = stroke("M336 206q30-4 20-24-14-10-16 10 4 16 28 6", shade, 8)
    ears = shape("M74 156l6-54 44 26zM154 128l40-30 6 52z", shade)
    head = oval(132, 196, 78, 72, pink)
    snout = (
        oval(108, 214, 36, 27, mix(pink, WHITE, 0.3))
        + oval(96, 214, 6, 9, shade)
        + oval(120, 214, 6, 9, shade)
    )
    eyes = circle(104, 170, 8, INK) + circle(158, 172, 8, INK)
    mud = oval(262, 250, 42, 24, mix(c.base, INK, 0.2), 12, 'opacity=".35"')
    scarf = stroke("M162 262q36-20 44-60", c.accent, 14)
    return (
        shadow(width=260) + tail + legs + body + mud + ears + head + snout + eyes + scarf + _GRASS
    )


def horse(c: Palette, chance: Random) -> str:
    legs = "".join(
        box(x, 252, 25, 86, colour, 7)
        for x, colour in [(132, c.dark), (166, c.base), (252, c.dark), (284, c.base)]
    )
    tail = stroke("M306 190q42 14 28 88", c.deep, 22)
    body = box(120, 168, 196, 104, c.base, 46)
    neck = shape("M122 232L104 104q30-30 70-8l34 96z", c.base)
    head = shape("M168 92q-20-28-58-6l-52 54q-14 20 4 34 14 8 30-2l52-18z", c.base)
    mane = stroke("M150 66q38 14 52 104M164 84q28 24 34 78", c.deep, 17) + shape(
        "M134 84l4-38 24 30z", c.dark
    )
    face = (
        circle(118, 112, 8, INK)
        + circle(68, 156, 5, c.deep)
        + shape("M108 92l-40 50 12 6 40-48z", CREAM, 'opacity=".8"')
    )
    cloth = shape("M206 168h62v52q-32 16-62 0z", c.accent) + star(237, 192, 13, CREAM)
    return shadow(width=260) + tail + legs + body + neck + mane + head + face + cloth + _GRASS


DRAWINGS = {"cow": cow, "pig": pig, "horse": horse}
