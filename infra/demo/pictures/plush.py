"""Cuddly toys: one seated body, many heads."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    WHITE,
    Palette,
    box,
    circle,
    heart,
    mirrored,
    mix,
    moved,
    oval,
    shadow,
    shape,
    stroke,
    turned,
)

_BLUSH = "#f08a7c"


def teddy(c: Palette, chance: Random) -> str:
    ears = mirrored(circle(136, 86, 31, c.base), circle(136, 86, 17, c.light))
    muzzle = oval(200, 178, 40, 31, c.pale) + _nose(162, 17, 11) + _mouth(180)
    head = ears + _skull(c) + muzzle + _face(chance, 42, 142)
    seam = stroke("M200 68v26", c.dark, 2.5, 'stroke-dasharray="5 6" opacity=".55"')
    return _seated(c, chance, head + seam)


def rabbit(c: Palette, chance: Random) -> str:
    bend = chance.choice([-4, 8, 14])
    ear = oval(158, 52, 24, 68, c.base) + oval(158, 58, 12, 48, c.light)
    ears = turned(-bend, 158, 110, ear) + turned(bend, 242, 110, moved(84, 0, ear))
    face = _nose(168, 11, 7) + _mouth(178) + _whiskers(c.dark) + _face(chance, 38, 146)
    return _seated(c, chance, moved(22, 36, ears + _skull(c, 72) + face, scale=0.89))


def elephant(c: Palette, chance: Random) -> str:
    ears = mirrored(oval(104, 140, 56, 66, c.dark), oval(108, 142, 40, 50, c.light))
    way = "M200 160q-3 40 0 62t30 26"
    trunk = stroke(way, c.dark, 42) + stroke(way, c.base, 34)
    trunk += stroke("M188 196h24M188 214h24M194 234l16-10", c.dark, 4, 'opacity=".6"')
    head = ears + _skull(c, 70) + _face(chance, 36, 138)
    return _seated(c, chance, head + trunk, tie=False)


def dog(c: Palette, chance: Random) -> str:
    ear = oval(124, 148, 25, 58, c.dark, 12)
    spot = oval(234, 138, 30, 34, c.light) if chance.random() < 0.6 else ""
    muzzle = oval(200, 182, 46, 34, c.pale) + _nose(162, 19, 13) + _mouth(184)
    tongue = shape("M190 206h20v10a10 10 0 0 1-20 0z", "#e8707a")
    head = _skull(c) + spot + mirrored(ear) + tongue + muzzle + _face(chance, 34, 138)
    return _seated(c, chance, head)


def cat(c: Palette, chance: Random) -> str:
    ears = mirrored(
        shape("M124 122q-8-62 4-70 16 4 56 32z", c.base),
        shape("M134 104q-4-30 2-36 10 4 30 20z", _BLUSH, 'opacity=".6"'),
    )
    stripes = stroke("M186 70v20M200 66v28M214 70v20", c.dark, 7)
    face = _nose(166, 10, 7) + _mouth(174) + _whiskers(c.deep) + _face(chance, 40, 144)
    tail = stroke("M270 312q52 2 48-44-2-22 14-28", c.dark, 22)
    return _seated(c, chance, ears + _skull(c) + stripes + face, behind=tail)


def fox(c: Palette, chance: Random) -> str:
    ears = mirrored(
        shape("M118 128q-14-72 2-80 24 8 62 44z", c.base),
        shape("M128 106q-6-36 0-42 14 6 34 26z", c.deep),
    )
    mask = shape("M119 152q44-4 81 52 37-56 81-52-6 72-81 74-75-2-81-74z", CREAM)
    tail = stroke("M262 306q64 6 62-58", c.base, 46) + stroke("M324 252v-8", CREAM, 46)
    head = ears + _skull(c) + mask + _nose(200, 14, 10) + _face(chance, 40, 146)
    return _seated(c, chance, head, behind=tail)


def sheep(c: Palette, chance: Random) -> str:
    wool = "".join(
        circle(x, y, r, CREAM)
        for x, y, r in [
            (150, 98, 30),
            (182, 80, 32),
            (220, 80, 32),
            (252, 98, 30),
            (130, 128, 26),
            (270, 128, 26),
        ]
    )
    ear = oval(112, 150, 34, 15, c.dark, -14)
    head = mirrored(ear) + oval(200, 156, 62, 66, c.base) + wool
    head += _nose(180, 12, 8) + _mouth(190) + _face(chance, 28, 152)
    fleece = c._replace(base=CREAM, light=WHITE, dark=mix(CREAM, c.base, 0.3), pale=WHITE)
    return _seated(fleece, chance, head, paws=c.base)


def owl(c: Palette, chance: Random) -> str:
    tufts = mirrored(shape("M108 112q-16-46-2-62 16 22 58 36z", c.dark))
    wings = mirrored(oval(104, 232, 32, 82, c.dark, 10))
    chest = oval(200, 254, 62, 72, c.pale)
    rows = [(x, y) for y in (226, 254, 282) for x in (164, 200, 236)]
    feathers = "".join(stroke(f"M{x - 10} {y}q10 14 20 0", c.light, 6) for x, y in rows)
    body = shape("M106 170q0-94 94-94t94 94v58q0 112-94 112t-94-112z", c.base)
    eyes = mirrored(
        circle(162, 150, 38, CREAM), circle(166, 152, 18, INK), circle(172, 146, 6, WHITE)
    )
    rims = ""
    if chance.random() < 0.5:
        rims = mirrored(stroke("M124 150a38 38 0 1 0 76 0 38 38 0 1 0-76 0", c.accent, 5))
    beak = shape("M188 172h24l-12 24z", "#f2a531")
    feet = mirrored(oval(168, 338, 22, 10, "#f2a531"))
    return shadow(width=190) + wings + tufts + body + chest + feathers + eyes + rims + beak + feet


def penguin(c: Palette, chance: Random) -> str:
    flippers = mirrored(oval(98, 220, 24, 78, c.dark, 22))
    body = shape("M104 190q0-126 96-126t96 126v50q0 100-96 100t-96-100z", c.base)
    front = shape(
        "M134 196q-6-78 34-78 22 0 32 22 10-22 32-22 40 0 34 78v44q0 84-66 84t-66-84z", CREAM
    )
    eyes = mirrored(
        circle(170, 152, 11, INK),
        circle(174, 148, 4, WHITE),
        oval(148, 182, 14, 9, _BLUSH, more='opacity=".5"'),
    )
    beak = shape("M180 168q20-12 40 0-8 20-20 20t-20-20z", "#f2a531")
    feet = mirrored(oval(160, 336, 32, 13, "#f2a531"))
    scarf = box(128, 206, 144, 26, c.accent, 13) + box(228, 214, 26, 66, c.accent, 8, -6)
    scarf += box(228, 262, 26, 8, CREAM, 0, -6)
    worn = scarf if chance.random() < 0.7 else ""
    return shadow(width=190) + flippers + body + front + eyes + beak + feet + worn


def dinosaur(c: Palette, chance: Random) -> str:
    tail = shape("M226 340q112 12 138-92 26 112-62 136-48 8-96-26z", c.base)
    spikes = "".join(
        turned(angle, x, y, shape(f"M{x - 18} {y}l18-34 18 34z", c.accent))
        for x, y, angle in [
            (234, 104, 42),
            (252, 146, 66),
            (262, 192, 76),
            (272, 240, 80),
            (318, 324, 40),
        ]
    )
    body = shape("M142 250q0-56 20-96l84-4q36 70 36 122 0 68-70 68-70 0-70-90z", c.base)
    belly = shape("M148 262q2-40 20-68 40 20 38 84-2 50-22 58-38-14-36-74z", c.pale)
    lines = stroke("M160 226q22 2 38 12M152 254q26 2 50 12M152 284q24 2 46 10", c.light, 5)
    head = shape("M92 134q-4-66 74-66 92 0 92 62 0 52-62 52H136q-40 0-44-48z", c.base)
    face = circle(176, 116, 13, INK) + circle(180, 111, 4.5, WHITE) + circle(108, 122, 5, c.deep)
    face += stroke("M100 148q38 22 74 6", c.deep, 5)
    face += oval(190, 148, 15, 9, _BLUSH, more='opacity=".55"')
    spots = "".join(
        circle(chance.randint(224, 254), y, chance.randint(7, 12), c.light) for y in (214, 252, 290)
    )
    arms = oval(150, 228, 15, 34, c.dark, 52)
    feet = oval(176, 330, 34, 16, c.dark) + oval(250, 330, 34, 16, c.dark)
    whole = spikes + tail + body + belly + lines + spots + arms + feet + head + face
    return shadow(214, 230) + moved(-6, 0, whole)


def whale(c: Palette, chance: Random) -> str:
    body = shape("M56 232q0-96 118-96 76 0 104 66 20 40 56 26-6 106-160 106-118 0-118-102z", c.base)
    belly = shape("M62 256q60 32 132 20t104-4q-34 62-124 62-92 0-112-78z", c.pale)
    tail = shape("M318 242q-6-50-42-72 40-10 58 18 16-34 54-32-14 60-52 86z", c.dark)
    grooves = stroke("M92 286q50 16 110 8M112 308q40 12 82 4", c.light, 5)
    spout = stroke("M168 128V96m0 0q-6-32-36-26m36 26q6-32 36-26", "#7fc1dd", 11)
    face = (
        circle(122, 218, 11, INK)
        + circle(126, 214, 4, WHITE)
        + stroke("M78 250q18 12 34 2", c.deep, 5)
    )
    fin = oval(214, 290, 20, 46, c.dark, -48)
    drops = (
        circle(126, 88, 6, "#7fc1dd") + circle(210, 88, 6, "#7fc1dd")
        if chance.random() < 0.6
        else ""
    )
    return shadow(190, 250) + tail + body + belly + grooves + face + fin + spout + drops


def _seated(
    c: Palette, chance: Random, head: str, *, behind: str = "", paws: str = "", tie: bool = True
) -> str:
    paw = paws or c.base
    pad = c.light if not paws else mix(paw, WHITE, 0.3)
    legs = mirrored(oval(132, 310, 36, 32, paw), oval(126, 312, 20, 19, pad))
    arms = mirrored(oval(120, 248, 25, 50, c.dark if not paws else paw, 24))
    body = oval(200, 262, 78, 78, c.base) + oval(200, 270, 50, 54, c.pale)
    tilt = chance.choice([-4, -2, 0, 0, 2, 4])
    worn = _worn(c, chance) if tie else ""
    tummy = heart(200, 276, 15, c.accent) if chance.random() < 0.25 else ""
    return (
        shadow(width=230)
        + behind
        + arms
        + body
        + tummy
        + legs
        + turned(tilt, 200, 200, head)
        + worn
    )


def _skull(c: Palette, r: float = 80) -> str:
    return oval(200, 148, r + 4, r - 2, c.base)


def _nose(y: float, rx: float, ry: float) -> str:
    return oval(200, y, rx, ry, INK) + oval(
        196, y - ry * 0.35, rx * 0.3, ry * 0.25, WHITE, more='opacity=".7"'
    )


def _mouth(y: float) -> str:
    return stroke(f"M200 {y - 8}v8q-3 12-17 10M200 {y}q3 12 17 10", INK, 4)


def _whiskers(colour: str) -> str:
    return mirrored(stroke("M150 174l-38-8M150 184l-38 6", colour, 3, 'opacity=".7"'))


def _face(chance: Random, apart: float, y: float) -> str:
    """Eyes as far apart from the middle, open or happily closed, and cheeks."""
    x = 200 - apart
    cheeks = oval(x - 16, y + 30, 15, 10, _BLUSH, more='opacity=".45"')
    if chance.random() < 0.22:
        return mirrored(stroke(f"M{x - 10:g} {y:g}q10 11 20 0", INK, 5), cheeks)
    size = chance.choice([9, 10, 11])
    eyes = "".join(
        circle(at, y, size, INK) + circle(at + 3, y - 3.5, size * 0.36, WHITE)
        for at in (x, 200 + apart)
    )
    return eyes + mirrored(cheeks)


def _worn(c: Palette, chance: Random) -> str:
    """Something at the neck."""
    kind = chance.randrange(5)
    if kind == 0:
        return mirrored(shape("M200 226q-46-26-48-4t48 16z", c.accent)) + circle(
            200, 230, 11, mix(c.accent, INK, 0.2)
        )
    if kind == 1:
        tail = box(222, 228, 26, 62, c.accent, 8, -8) + box(222, 270, 26, 8, CREAM, 0, -8)
        return tail + shape("M136 212q64 34 128 0l6 20q-70 38-140 0z", c.accent)
    if kind == 2:
        return shape("M138 214q62 30 124 0-6 42-62 62-56-20-62-62z", c.accent) + "".join(
            circle(x, y, 4.5, CREAM) for x, y in [(172, 238), (200, 248), (228, 238), (200, 266)]
        )
    if kind == 3:
        band = stroke("M142 218q58 26 116 0", c.accent, 9)
        return band + circle(200, 238, 13, "#f2b134") + circle(200, 242, 3.5, INK)
    return ""


DRAWINGS = {
    "teddy": teddy,
    "rabbit": rabbit,
    "elephant": elephant,
    "dog": dog,
    "cat": cat,
    "fox": fox,
    "sheep": sheep,
    "owl": owl,
    "penguin": penguin,
    "dinosaur": dinosaur,
    "whale": whale,
}
