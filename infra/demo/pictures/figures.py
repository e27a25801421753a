"""Dolls, figures and their households."""

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
    WOOD_LIGHT,
    Palette,
    box,
    circle,
    heart,
    mirrored,
    mix,
    moved,
    oval,
    ring,
    shadow,
    shape,
    star,
    stroke,
    turned,
)

# skins, and hair that stands out against each
_PEOPLE = (
    ("#f3cfae", ("#5a3828", "#2e2430", "#c98a3c", "#a8482c")),
    ("#f6dcc3", ("#5a3828", "#2e2430", "#d9a24a", "#b5522f", "#8b6a4f")),
    ("#e3ad83", ("#4a2c20", "#2e2430", "#7a4428")),
    ("#b97a52", ("#2e2430", "#3d241c")),
    ("#8a5638", ("#241c22", "#2e2430")),
)
_BLUSH = "#ee7f78"


def _person(chance: Random) -> tuple[str, str]:
    skin, hairs = chance.choice(_PEOPLE)
    return skin, chance.choice(hairs)


def doll(c: Palette, chance: Random) -> str:
    skin, hair = _person(chance)
    style = chance.randrange(3)
    behind = ""
    if style == 0:
        behind = mirrored(
            stroke("M132 136q-26 50-12 98", hair, 28), box(104, 210, 32, 11, c.accent, 5)
        )
    elif style == 1:
        behind = mirrored(circle(128, 78, 30, hair))
    else:
        behind = oval(200, 146, 92, 92, hair)
    legs = mirrored(box(164, 290, 26, 44, CREAM, 6), oval(172, 334, 26, 11, c.deep))
    arms = mirrored(stroke("M156 216l-38 50", c.base, 25), circle(114, 272, 14, skin))
    dress = shape("M164 196h72l48 108q-84 24-168 0z", c.base)
    hem = stroke("M120 302q80 22 160 0", c.accent, 10)
    dots = "".join(
        circle(x, y, 5.5, CREAM)
        for x, y in [(170, 252), (200, 268), (230, 252), (156, 284), (244, 284)]
    )
    front = (
        shape("M176 196h48v44q-24 16-48 0z", c.light)
        + circle(200, 214, 4, c.deep)
        + circle(200, 230, 4, c.deep)
    )
    pattern = dots if chance.random() < 0.5 else front
    collar = mirrored(shape("M200 198q-34 22-44-2l20-14z", CREAM))
    head = oval(200, 134, 70, 68, skin)
    fringe = shape("M130 134q-4-74 70-74t70 74q-22-8-34-34-40 32-106 34z", hair)
    cheeks = mirrored(circle(158, 156, 11, _BLUSH, 'opacity=".5"'), circle(172, 136, 7, INK))
    mouth = stroke("M188 160q12 10 24 0", INK, 4)
    return (
        shadow(width=180)
        + behind
        + arms
        + legs
        + dress
        + pattern
        + hem
        + collar
        + head
        + fringe
        + cheeks
        + mouth
    )


def dolls_house(c: Palette, chance: Random) -> str:
    wall = mix(c.pale, CREAM, 0.3)
    chimney = box(262, 74, 34, 70, c.dark, 3)
    roof = shape("M48 168L200 52l152 116z", c.accent) + shape(
        "M76 168L200 74l124 94z", mix(c.accent, WHITE, 0.45)
    )
    rooms = box(70, 166, 260, 172, c.base, 4)
    cells = [(80, 176, wall), (204, 176, c.light), (80, 260, c.light), (204, 260, wall)]
    rooms += "".join(box(x, y, 116, 70, colour, 3) for x, y, colour in cells)
    window = box(180, 112, 40, 40, CREAM, 20) + stroke("M200 112v40M180 132h40", c.dark, 4)
    bed = (
        box(94, 222, 60, 20, c.accent, 5)
        + box(90, 206, 10, 40, WOOD_DARK, 3)
        + box(102, 214, 20, 12, WHITE, 5)
    )
    lamp = stroke("M262 176v16", INK, 3) + shape("M244 206h36l-10-18h-16z", "#f2b134")
    table = box(232, 222, 60, 8, WOOD_DARK, 3) + stroke("M240 228v16M284 228v16", WOOD_DARK, 5)
    stove = (
        box(96, 284, 42, 46, STEEL, 5) + circle(117, 308, 11, INK) + box(150, 298, 34, 32, WOOD, 4)
    )
    door = shape("M268 330v-40a18 18 0 0 1 36 0v40z", c.deep) + circle(298, 310, 3, "#f2b134")
    plant = box(220, 312, 22, 18, c.accent, 3) + circle(231, 302, 14, "#6f9f58")
    picture = box(220, 186 if chance.random() < 0.5 else 190, 18, 22, c.second, 2)
    return (
        shadow(width=290)
        + chimney
        + roof
        + rooms
        + window
        + bed
        + lamp
        + table
        + stove
        + door
        + plant
        + picture
    )


def knight(c: Palette, chance: Random) -> str:
    plume = shape("M200 62q-8-44 38-40-8 14 2 22-6 16-30 26z", c.accent)
    helmet = shape("M132 152q0-92 68-92t68 92v18H132z", STEEL) + shape(
        "M200 60q68 0 68 92v18h-28q6-80-40-110z", STEEL_DARK
    )
    face = box(146, 134, 108, 34, INK, 15) + circle(178, 151, 7, WHITE) + circle(222, 151, 7, WHITE)
    visor = shape("M132 166h136v16q-20 24-68 24t-68-24z", STEEL_DARK)
    visor += "".join(circle(x, 184, 4, INK) for x in (176, 200, 224))
    body = shape("M142 204h116l22 104H120z", c.base) + shape("M200 204h58l22 104h-80z", c.dark)
    belt = box(124, 280, 152, 16, WOOD_DARK, 6) + box(188, 276, 24, 24, "#f2b134", 5)
    legs = box(146, 304, 42, 34, STEEL, 8) + box(212, 304, 42, 34, STEEL_DARK, 8)
    arm = stroke("M266 224l34 30", STEEL, 26)
    sword = (
        box(298, 96, 15, 150, WHITE, 6)
        + box(280, 238, 52, 13, "#f2b134", 6)
        + box(299, 248, 13, 32, WOOD_DARK, 6)
    )
    shield = shape("M66 208h96v62q-4 46-48 62-44-16-48-62z", c.accent) + shape(
        "M80 222h68v48q-4 32-34 46-30-14-34-46z", CREAM
    )
    emblem = star(114, 262, 24, c.base) if chance.random() < 0.5 else heart(114, 262, 22, c.base)
    return (
        shadow(width=230)
        + sword
        + plume
        + helmet
        + face
        + visor
        + body
        + belt
        + legs
        + arm
        + shield
        + emblem
    )


def dragon(c: Palette, chance: Random) -> str:
    wing = shape("M214 192q10-120 126-116-24 26-14 48-28-2-32 26-28-2-34 54z", c.accent)
    far = moved(
        -6,
        8,
        shape(
            "M176 196q-30-104-120-88 22 20 16 42 26-4 32 22 22-4 34 34z", mix(c.accent, INK, 0.15)
        ),
    )
    tail = shape("M236 324q90 20 108-66l22 10-34-40-30 30 18 2q-12 36-76 26z", c.base)
    body = shape("M128 266q0-92 72-92t76 92q2 72-74 72t-74-72z", c.base)
    belly = oval(194, 278, 42, 54, c.pale) + stroke("M162 258h64M158 280h72M164 302h60", c.light, 5)
    head = oval(194, 140, 66, 56, c.base) + oval(180, 166, 50, 32, c.light)
    horns = shape("M148 98l-12-46 38 32zM216 86l30-38 4 50z", CREAM)
    face = (
        circle(172, 128, 10, INK)
        + circle(218, 128, 10, INK)
        + circle(175, 124, 3.5, WHITE)
        + circle(221, 124, 3.5, WHITE)
    )
    face += (
        circle(162, 160, 4, c.deep)
        + circle(194, 160, 4, c.deep)
        + stroke("M150 178q28 16 58-2", c.deep, 5)
    )
    feet = oval(156, 330, 34, 15, c.dark) + oval(242, 330, 34, 15, c.dark)
    return shadow(width=240) + far + wing + tail + body + belly + feet + horns + head + face


def puppet(c: Palette, chance: Random) -> str:
    skin, hair = _person(chance)
    gown = shape(
        "M150 194h100q20 64 74 84l-20 42q-28-10-44-26l8 46"
        "H132l8-46q-16 16-44 26l-20-42q54-20 74-84z",
        c.base,
    )
    hands = circle(82, 300, 20, skin) + circle(318, 300, 20, skin)
    trim = box(128, 322, 144, 18, c.accent, 6)
    front = "".join(circle(200, y, 8, c.accent) for y in (232, 262, 292))
    ruff = "".join(circle(x, 200, 16, CREAM) for x in range(152, 260, 24))
    head = circle(200, 134, 64, skin)
    face = mirrored(circle(176, 130, 8, INK), circle(162, 152, 12, _BLUSH, 'opacity=".55"')) + oval(
        200, 146, 11, 14, mix(skin, _BLUSH, 0.5)
    )
    kind = chance.randrange(3)
    if kind == 0:
        top = shape("M134 104V38l34 30 32-42 32 42 34-30v66z", "#f2b134") + circle(
            200, 78, 9, c.accent
        )
        face += shape("M158 160q42-12 84 0-10 44-42 46-32-2-42-46z", hair) + stroke(
            "M186 172q14 8 28 0", CREAM, 5
        )
    elif kind == 1:
        top = shape("M128 114q10-90 120-70 26-12 36 14-30 2-14 56z", c.accent) + circle(
            284, 60, 13, "#f2b134"
        )
        face += stroke("M172 166q28 26 56 0", INK, 5)
    else:
        top = shape("M130 140q-12-90 70-90t70 90q0-44-70-52-70 8-70 52z", hair) + circle(
            200, 40, 22, hair
        )
        face += (
            ring(176, 130, 18, INK, 4)
            + ring(224, 130, 18, INK, 4)
            + stroke("M182 170q18 12 36 0", INK, 5)
        )
    return shadow(width=200) + hands + gown + trim + front + head + ruff + face + top


def tea_set(c: Palette, chance: Random) -> str:
    tray = oval(200, 318, 160, 26, WOOD) + oval(200, 312, 148, 20, WOOD_LIGHT)
    handle = stroke("M112 176q-56-6-52 40t64 44", c.dark, 15)
    spout = shape("M250 236q36-6 42-54l26-8q0 84-58 106z", c.dark)
    pot = shape("M104 216q0-64 78-64t78 64q0 86-48 92h-60q-48-6-48-92z", c.base)
    lid = shape("M132 160q6-32 50-32t50 32z", c.light) + circle(182, 120, 13, c.accent)
    if chance.random() < 0.5:
        print_ = "".join(
            circle(x, y, 10, CREAM)
            for x, y in [(140, 210), (182, 224), (224, 210), (160, 256), (206, 260)]
        )
    else:
        print_ = "".join(
            turned(k * 72, 182, 226, oval(182, 204, 12, 17, CREAM)) for k in range(5)
        ) + circle(182, 226, 11, "#f2b134")
    cup = shape("M270 256h72q0 52-26 56h-20q-26-4-26-56z", c.accent) + oval(
        306, 256, 36, 9, WOOD_DARK
    )
    cup += stroke("M342 266q22-2 20 14t-26 16", c.accent, 8)
    saucer = oval(306, 316, 52, 9, CREAM)
    return shadow(200, 320) + tray + handle + spout + pot + print_ + lid + saucer + cup


DRAWINGS = {
    "doll": doll,
    "dolls-house": dolls_house,
    "knight": knight,
    "dragon": dragon,
    "puppet": puppet,
    "tea-set": tea_set,
}
