"""Wooden toys."""

from __future__ import annotations

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
    moved,
    oval,
    ring,
    shadow,
    shape,
    star,
    stroke,
    turned,
    wheel,
)


def spinning_top(c: Palette, chance: Random) -> str:
    knob = box(186, 60, 28, 70, WOOD, 12) + box(194, 60, 8, 70, WOOD_LIGHT, 4)
    knob += oval(200, 62, 26, 14, c.accent)
    upper = shape("M84 190q0-66 116-70 116 4 116 70z", c.base)
    bands = shape("M84 190h232q0 30-32 56H116q-32-26-32-56z", c.accent)
    bands += shape("M84 190h232q0 10-4 20H88q-4-10-4-20z", CREAM)
    lower = shape("M116 246h168q-26 44-84 90-58-46-84-90z", c.base)
    tip = shape("M176 314q12 12 24 24 12-12 24-24z", WOOD_DARK)
    shine = stroke("M118 168q14-26 52-32", WHITE, 9, 'opacity=".55"')
    pattern = chance.randrange(3)
    if pattern == 0:
        marks = "".join(circle(x, 158, 9, CREAM) for x in (150, 200, 250))
    elif pattern == 1:
        marks = "".join(star(x, 158, 12, c.second) for x in (146, 200, 254))
    else:
        marks = stroke("M96 168q104-40 208 0", c.second, 10)
    top = knob + upper + marks + bands + lower + tip + shine
    swirl = stroke("M70 300q-26-14-24-36M330 300q26-14 24-36", c.dark, 5, 'opacity=".35"')
    return shadow(206, 110) + swirl + turned(chance.choice([-8, -5, 5, 8]), 200, 336, top)


def rocking_horse(c: Palette, chance: Random) -> str:
    rockers = stroke("M62 302q138 66 282-4", c.accent, 17)
    far = stroke("M156 240l-24 76M262 240l28 70", WOOD_DARK, 19)
    near = stroke("M174 240l-14 84M246 240l12 82", c.dark, 20)
    tail = stroke("M286 196q44 8 36 74", c.deep, 19)
    body = shape("M126 200q0-34 40-34h92q40 2 40 42t-44 46h-84q-44 0-44-54z", c.base)
    neck = shape("M128 214L104 116q26-44 60-24l44 92z", c.base)
    head = shape("M112 84q34-14 50 22 4 26-20 38l-54 26q-22 4-28-16-2-14 12-22z", c.base)
    ear = shape("M138 92l6-36 20 30z", c.dark)
    mane = stroke("M150 76q40 16 50 92M160 92q32 18 36 76", c.deep, 16)
    bridle = stroke("M84 136l20 32M98 130l52-8M150 122l46 62", c.accent, 6)
    face = circle(122, 116, 7, INK) + circle(124, 114, 2.4, WHITE) + circle(78, 156, 4, c.deep)
    cloth = c.second
    saddle = shape("M184 162h64v40q0 26-32 26t-32-26z", cloth)
    saddle += shape("M178 164q6-20 38-12 28 2 40-14 6 22-4 34-36 16-70 2z", c.deep)
    saddle += circle(216, 206, 7, CREAM) if chance.random() < 0.5 else star(216, 206, 10, CREAM)
    return (
        shadow(204, 240)
        + far
        + rockers
        + tail
        + near
        + neck
        + body
        + mane
        + head
        + ear
        + bridle
        + face
        + saddle
    )


def stacking_rings(c: Palette, chance: Random) -> str:
    colours = [c.base, c.accent, c.light, c.second, c.dark, "#f2b134"]
    rings = ""
    for row in range(5):
        wide = 112 - row * 16
        y = 292 - row * 38
        rings += box(200 - wide, y - 19, wide * 2, 38, colours[row], 19)
        rings += box(200 - wide + 16, y - 13, wide * 0.6, 8, WHITE, 4, more='opacity=".35"')
    base = shape("M92 312h216q-10 28-60 28h-96q-50 0-60-28z", WOOD)
    crown = circle(200, 90, 28, colours[5]) + circle(190, 82, 7, WHITE, 'opacity=".5"')
    if chance.random() < 0.5:
        crown += circle(191, 92, 3.5, INK) + circle(209, 92, 3.5, INK)
        crown += stroke("M194 101q6 5 12 0", INK, 3)
    return shadow(width=220) + base + rings + crown


def pull_along(c: Palette, chance: Random) -> str:
    cord = stroke("M318 300q40 6 34-40-4-34-18-52", INK, 4) + circle(332, 204, 12, c.accent)
    board = box(84, 282, 236, 26, WOOD, 12)
    wheels = wheel(130, 312, 28, c.accent) + wheel(274, 312, 28, c.accent)
    body = shape(
        "M88 214q-2-26 24-22 44 22 74-4 18-10 22-60 62-26 82 22-4 26-20 42 32 92-70 92"
        "H146q-54 0-58-70z",
        c.base,
    )
    beak = shape("M282 138q44 0 44 14-10 16-46 10z", "#ef8a3c")
    eye = circle(256, 132, 9, INK) + circle(259, 129, 3.2, WHITE)
    wing = shape("M136 216q52-24 92 2-6 46-52 46-32-4-40-48z", c.dark)
    wing += stroke("M156 226q14 18 40 16M150 238q10 10 22 12", c.light, 4, 'opacity=".7"')
    spots = "".join(circle(x, y, 6, CREAM) for x, y in [(112, 218), (122, 240), (214, 190)])
    worn = stroke("M212 178q30 16 62 4", c.accent, 11)
    return (
        shadow(204, 250)
        + cord
        + board
        + wheels
        + body
        + beak
        + eye
        + wing
        + worn
        + (spots if chance.random() < 0.5 else "")
    )


def dog_on_wheels(c: Palette, chance: Random) -> str:
    cord = stroke("M318 300q40 6 34-40-4-34-18-52", INK, 4) + circle(332, 204, 12, c.accent)
    board = box(84, 282, 236, 26, WOOD, 12)
    wheels = wheel(130, 312, 28, c.accent) + wheel(274, 312, 28, c.accent)
    tail = stroke("M104 200q-24-28-10-60", c.dark, 16)
    legs = box(108, 230, 36, 56, c.dark, 10) + box(214, 230, 36, 56, c.dark, 10)
    body = box(96, 178, 164, 76, c.base, 34) + oval(150, 206, 34, 24, c.light, 12)
    head = box(218, 104, 84, 92, c.base, 34) + box(262, 144, 66, 46, c.light, 22)
    face = oval(322, 154, 12, 10, INK) + circle(272, 134, 8, INK) + circle(275, 131, 2.8, WHITE)
    face += stroke("M300 176q10 8 20-2", INK, 4)
    ear = oval(232, 146, 19, 44, c.dark, 10)
    worn = stroke("M222 190q20 16 50 8", c.accent, 12) + circle(252, 206, 8, "#f2b134")
    whole = cord + board + tail + legs + body + worn + head + ear + face + wheels
    return shadow(204, 250) + moved(0, chance.choice((0, 0, -2)), whole)


def yo_yo(c: Palette, chance: Random) -> str:
    string = stroke("M200 20q30 60-2 104", CREAM, 5) + stroke("M200 20q30 60-2 104", c.deep, 2)
    loop = ring(200, 26, 15, c.deep, 5)
    disc = circle(200, 232, 104, c.dark) + circle(196, 228, 102, c.base)
    rim = circle(196, 228, 78, c.light) + circle(196, 228, 66, c.base)
    turn = chance.randint(0, 60)
    kind = chance.randrange(3)
    if kind == 0:
        mark = star(196, 228, 44, c.accent)
    elif kind == 1:
        mark = "".join(
            turned(turn + step * 60, 196, 228, oval(196, 196, 14, 28, c.accent))
            for step in range(6)
        )
    else:
        mark = "".join(
            turned(turn + step * 90, 196, 228, shape("M196 228V170a58 58 0 0 1 41 17z", c.accent))
            for step in range(4)
        )
    middle = circle(196, 228, 17, CREAM) + circle(196, 228, 7, c.deep)
    shine = stroke("M120 196q14-42 52-56", WHITE, 10, 'opacity=".5"')
    return shadow(width=150) + string + loop + disc + rim + mark + middle + shine


def rainbow(c: Palette, chance: Random) -> str:
    rows = ["#d95f43", "#ec9a3c", "#f2c84b", "#7aa85a", "#3f8fae", "#6c63a8"]
    if chance.random() < 0.5:
        rows = [c.deep, c.dark, c.base, c.light, mix(c.base, CREAM, 0.6), c.accent]
    arches = ""
    for at, colour in enumerate(rows):
        r = 142 - at * 23
        arches += shape(
            f"M{200 - r} 338v-66a{r} {r} 0 0 1 {r * 2} 0v66h-19v-66a{r - 19} {r - 19} 0 0 0-"
            f"{(r - 19) * 2} 0v66z",
            colour,
        )
        arches += stroke(
            f"M{200 - r + 8} 262a{r - 8} {r - 8} 0 0 1 {r - 40:g}-{r - 18:g}",
            WHITE,
            3,
            'opacity=".3"',
        )
    small = circle(330, 322, 18, c.accent) + circle(324, 316, 5, WHITE, 'opacity=".5"')
    return shadow(width=300) + arches + small


def shape_sorter(c: Palette, chance: Random) -> str:
    side = shape("M262 178l60-34v140l-60 46z", WOOD_DARK)
    lid = shape("M84 178l62-34h176l-60 34z", WOOD_LIGHT)
    front = box(84, 178, 178, 152, WOOD, 8)
    holes = circle(132, 222, 25, c.deep) + box(182, 198, 50, 50, c.deep, 6)
    holes += shape("M132 264l30 50h-60z", c.deep) + star(208, 290, 32, c.deep)
    inside = circle(132, 226, 21, c.base) if chance.random() < 0.5 else star(208, 292, 27, c.accent)
    loose = box(296, 284, 54, 54, c.accent, 6, 12) + shape("M98 338l-36-4 22-52z", c.base)
    top = circle(210, 132, 30, c.base) + shape("M180 130a30 30 0 0 1 60 0z", c.light)
    return shadow(206, 290) + top + lid + side + front + holes + inside + loose


def abacus(c: Palette, chance: Random) -> str:
    frame = box(74, 84, 22, 254, WOOD_DARK, 8) + box(304, 84, 22, 254, WOOD_DARK, 8)
    frame += box(62, 316, 276, 24, WOOD, 10) + box(66, 76, 268, 22, WOOD, 10)
    colours = [c.base, c.accent, c.light, c.second, c.dark]
    rows = ""
    for row in range(5):
        y = 128 + row * 42
        rows += stroke(f"M90 {y}h220", "#9aa4ad", 5)
        left = chance.randint(1, 6)
        for bead in range(7):
            x = 112 + bead * 25 if bead < left else 138 + bead * 25
            rows += circle(x, y, 14.5, colours[row if bead < 5 else (row + 1) % 5])
            rows += circle(x - 4, y - 5, 3.4, WHITE, 'opacity=".45"')
    return shadow(width=290) + rows + frame


def play_food(c: Palette, chance: Random) -> str:
    crate = "".join(
        box(76, y, 248, 32, WOOD if y != 272 else WOOD_LIGHT, 6) for y in (234, 272, 308)
    )
    crate += box(76, 234, 22, 106, WOOD_DARK, 6) + box(302, 234, 22, 106, WOOD_DARK, 6)
    carrot = shape("M106 250q-12-86 20-108 34 20 24 108z", "#ee8434")
    carrot += stroke("M126 140q-22-26-30-26M126 140q2-34 0-44M126 140q18-26 28-28", "#5f9a45", 10)
    apple = circle(196, 198, 48, "#d9483b") + circle(180, 180, 10, WHITE, 'opacity=".4"')
    apple += stroke("M196 152q2-18 12-24", WOOD_DARK, 6) + oval(222, 138, 20, 9, "#5f9a45", -24)
    pear = shape("M244 250q-20-46 10-74 6-40 24-40t24 40q30 30 8 74z", "#c3c44a")
    pear += stroke("M278 138q0-16 8-20", WOOD_DARK, 6)
    loaf = oval(150, 236, 62, 24, "#d9a05b") + stroke("M122 228l12 14M148 224l10 16", CREAM, 5)
    last = pear if chance.random() < 0.6 else moved(150, 6, carrot)
    label = box(168, 268, 64, 40, CREAM, 6) + circle(200, 288, 11, c.base)
    return shadow(width=280) + carrot + last + apple + loaf + crate + label


DRAWINGS = {
    "spinning-top": spinning_top,
    "rocking-horse": rocking_horse,
    "stacking-rings": stacking_rings,
    "pull-along": pull_along,
    "dog-on-wheels": dog_on_wheels,
    "yo-yo": yo_yo,
    "rainbow": rainbow,
    "shape-sorter": shape_sorter,
    "abacus": abacus,
    "play-food": play_food,
}
