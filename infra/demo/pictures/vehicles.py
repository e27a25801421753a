"""Railways, machines, aircraft and boats. What has a front drives to the right."""

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
    moved,
    oval,
    shadow,
    shape,
    star,
    stroke,
    turned,
    wheel,
)

_GLASS = "#cfe8f1"


def train(c: Palette, chance: Random) -> str:
    track = box(24, 330, 352, 9, STEEL_DARK, 4) + "".join(
        box(x, 336, 26, 12, WOOD_DARK, 3) for x in range(40, 360, 52)
    )
    boiler = box(150, 192, 186, 92, c.base, 26) + "".join(
        box(x, 192, 12, 92, c.dark) for x in (210, 270)
    )
    cab = box(66, 132, 106, 152, c.accent, 8) + box(54, 116, 130, 24, c.deep, 10)
    cab += box(88, 158, 60, 52, _GLASS, 8)
    funnel = shape("M270 196l8-48h36l8 48z", c.deep) + box(266, 130, 60, 22, c.deep, 9)
    dome = shape("M206 194a24 24 0 0 1 48 0z", "#f2b134")
    puffs = "".join(
        circle(x, y, r, WHITE, 'opacity=".85"')
        for x, y, r in [(296, 104, 18), (266, 78, 24), (226, 56, 30 + chance.randint(-4, 4))]
    )
    face = circle(336, 238, 26, CREAM) + circle(336, 238, 13, "#ffe08a")
    buffer = shape("M322 284h32l18 40h-60z", c.deep)
    frame = box(62, 280, 280, 18, c.deep, 6)
    rod = stroke("M112 300h140", STEEL, 10)
    wheels = (
        wheel(112, 300, 38, c.second)
        + wheel(206, 304, 32, c.second)
        + wheel(284, 304, 32, c.second)
    )
    return (
        shadow(200, 340, 348, 9)
        + track
        + puffs
        + funnel
        + dome
        + boiler
        + cab
        + frame
        + buffer
        + wheels
        + rod
        + face
    )


def digger(c: Palette, chance: Random) -> str:
    tracks = box(48, 278, 204, 60, INK, 30) + "".join(
        circle(x, 308, 19, STEEL_DARK) + circle(x, 308, 7, CREAM) for x in (80, 126, 174, 220)
    )
    body = shape("M54 264v-64q0-14 14-14h164v78z", c.base) + box(46, 252, 206, 18, c.deep, 8)
    cab = shape("M120 196v-92q0-14 14-14h60q10 0 16 10l30 96z", c.base)
    glass = shape("M138 180v-66q0-6 6-6h46q6 0 8 6l18 66z", _GLASS)
    vents = stroke("M72 212h30M72 228h30", c.dark, 6)
    lift = chance.randint(-8, 6)
    arm = stroke("M226 214L292 104L348 196", c.dark, 25) + stroke("M226 214L292 104", c.base, 25)
    arm += circle(292, 104, 10, CREAM) + stroke("M250 196l34-44", STEEL, 9)
    bucket = shape("M322 190l50 6q10 56-24 74-40 2-52-30 26-8 26-50z", STEEL_DARK)
    bucket += shape("M296 240l-10 16 22 2zM318 266l-4 18 22-10z", STEEL)
    return (
        shadow(180, 300)
        + turned(lift, 226, 214, arm + bucket)
        + tracks
        + body
        + cab
        + glass
        + vents
    )


def crane(c: Palette, chance: Random) -> str:
    def lattice(x: int, y: int, w: int, h: int, steps: int) -> str:
        if w > h:
            d = w / steps
            bars = "".join(
                f"M{x + at * d:g} {y + h}l{d / 2:g}-{h} {d / 2:g} {h}" for at in range(steps)
            )
        else:
            d = h / steps
            bars = "".join(
                f"M{x} {y + at * d:g}l{w} {d / 2:g}-{w} {d / 2:g}" for at in range(steps)
            )
        edge = f'stroke="{c.base}" stroke-width="8" stroke-linejoin="round"'
        return stroke(bars, c.base, 5) + box(x, y, w, h, "none", 3, more=edge)

    mast = lattice(112, 112, 40, 214, 7)
    jib = lattice(40, 76, 316, 30, 11)
    ties = stroke("M132 34L52 78M132 34l204 42", c.deep, 4)
    top = shape("M112 108l20-76 20 76z", c.dark)
    cab = box(150, 106, 50, 46, c.accent, 8) + box(162, 114, 32, 22, _GLASS, 5)
    weight = box(46, 92, 44, 44, STEEL_DARK, 6)
    at = chance.choice((262, 286, 306))
    load = stroke(f"M{at} 104v92", INK, 4) + stroke(f"M{at} 196l-24 28M{at} 196l24 28", INK, 3)
    load += box(at - 30, 222, 60, 44, c.second, 6) + stroke(f"M{at - 22} 244h44", CREAM, 5)
    foot = box(76, 314, 112, 26, c.deep, 8)
    return shadow(150, 180) + mast + foot + ties + top + weight + jib + cab + load


def aeroplane(c: Palette, chance: Random) -> str:
    tail = shape("M58 150q26-8 40 12l28 48-40 10z", c.accent) + shape("M40 214h76v22H62z", c.dark)
    fuselage = shape("M66 206q110-46 222-24 48 10 48 34t-48 32q-120 18-222-42z", c.base)
    belly = shape("M66 206q110 34 268 16-6 20-46 26-120 18-222-42z", c.dark)
    strut = stroke("M166 132v120M246 132v120", WOOD_DARK, 8)
    wings = box(112, 112, 196, 26, c.accent, 13) + box(112, 244, 196, 28, c.accent, 13)
    pilot = (
        circle(206, 168, 24, CREAM)
        + shape("M181 168a25 25 0 0 1 50 0z", c.deep)
        + circle(216, 168, 8, _GLASS)
    )
    scarf = stroke("M188 190q-26 4-48-12", c.second, 10)
    hub = circle(338, 214, 13, c.deep)
    blades = oval(346, 214, 8, 66, WOOD, chance.choice([-16, 0, 14]))
    gear = stroke("M222 268l-8 36M254 268l8 36", c.deep, 7) + wheel(238, 314, 22, c.second)
    clouds = moved(
        chance.randint(10, 40), 300, oval(40, 20, 44, 15, WHITE), oval(70, 8, 30, 16, WHITE)
    )
    turn = chance.choice([-8, -5, -3])
    return (
        clouds
        + shadow(220, 160, 346, 9)
        + turned(
            turn, 200, 220, tail, strut, pilot, scarf, fuselage, belly, wings, gear, hub, blades
        )
    )


def sailing_boat(c: Palette, chance: Random) -> str:
    mast = box(192, 48, 11, 226, WOOD_DARK, 4)
    main = shape("M212 62q96 92 106 186H212z", CREAM)
    jib = shape("M184 78q-18 102-86 170h86z", c.light)
    kind = chance.randrange(3)
    if kind == 0:
        sign = stroke("M214 196h88M214 222h98", c.accent, 11)
    elif kind == 1:
        sign = star(246, 198, 28, c.accent)
    else:
        sign = circle(246, 202, 24, c.accent) + circle(246, 202, 11, CREAM)
    flag = shape("M198 30l52 14-52 16z", c.accent)
    hull = shape("M58 262h290q-18 70-74 70H138q-62 0-80-70z", c.base)
    deck = box(54, 254, 298, 17, WOOD, 8) + stroke("M86 296h240", CREAM, 8)
    water = shape("M30 330q28-18 57 0t57 0 57 0 57 0 57 0 57 0v22H30z", "#7fb9d6", 'opacity=".85"')
    lean = chance.choice([-5, 4, 6])
    return turned(lean, 200, 320, mast, main, sign, jib, flag, hull, deck) + water


def tractor(c: Palette, chance: Random) -> str:
    bonnet = shape("M186 206h126q26 0 26 26v56H186z", c.base) + "".join(
        box(x, 226, 9, 40, c.dark, 4) for x in (286, 304, 322)
    )
    cab = shape("M96 214l14-104h94l12 104z", _GLASS) + box(92, 90, 130, 24, c.base, 12)
    posts = stroke("M98 210l14-96M204 114l12 100M158 114v96", c.dark, 9)
    body = box(86, 206, 140, 84, c.base, 12)
    pipe = box(262, 128, 15, 82, INK, 6)
    puff = circle(276, 104, 13, WHITE, 'opacity=".8"') + circle(294, 86, 17, WHITE, 'opacity=".8"')
    load = ""
    if chance.random() < 0.5:
        load = shape("M20 232h60v48H28z", WOOD) + oval(50, 230, 32, 16, "#d9b84f")
    return (
        shadow(204, 320)
        + load
        + puff
        + pipe
        + cab
        + posts
        + bonnet
        + body
        + wheel(128, 270, 70, c.accent)
        + wheel(298, 302, 38, c.accent)
    )


DRAWINGS = {
    "train": train,
    "digger": digger,
    "crane": crane,
    "aeroplane": aeroplane,
    "sailing-boat": sailing_boat,
    "tractor": tractor,
}
