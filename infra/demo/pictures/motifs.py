"""Small pictures that are nowhere sold but printed on things."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import (
    CREAM,
    INK,
    WHITE,
    WOOD_DARK,
    Palette,
    box,
    circle,
    mix,
    moved,
    oval,
    shape,
    star,
    stroke,
    turned,
)
from infra.demo.pictures.music import note


def night(c: Palette, chance: Random) -> str:
    moon = shape("M232 60a120 120 0 1 0 92 178 100 100 0 1 1-92-178z", "#f8dc8c")
    stars = "".join(
        star(x + chance.randint(-12, 12), y, r, CREAM)
        for x, y, r in [(300, 96, 18), (250, 150, 11), (340, 170, 9), (92, 74, 12)]
    )
    hills = shape("M20 350q80-70 170-34t190-10v44z", c.dark) + shape(
        "M250 306l18-42 18 42zM284 312l14-36 16 36z", c.deep
    )
    return moon + stars + hills


def forest(c: Palette, chance: Random) -> str:
    trees = "".join(
        box(x - 6, 290, 12, 56, WOOD_DARK)
        + shape(f"M{x} {y}l{w} {300 - y}h-{2 * w}z", tone)
        + shape(f"M{x} {y}l{w} {300 - y}h-{w}z", mix(tone, INK, 0.12))
        for x, y, w, tone in [
            (96, 130, 46, "#5f9166"),
            (310, 110, 50, "#4f7f62"),
            (204, 70, 60, "#74a56a"),
        ]
    )
    mushroom = (
        box(242, 316, 18, 34, CREAM, 7)
        + shape("M218 322q4-38 33-38t33 38z", "#d9483b")
        + circle(240, 308, 5, CREAM)
        + circle(260, 302, 5, CREAM)
    )
    eyes = (
        circle(140, 318, 7, CREAM)
        + circle(164, 318, 7, CREAM)
        + circle(141, 318, 3, INK)
        + circle(165, 318, 3, INK)
    )
    return trees + (mushroom if chance.random() < 0.6 else eyes)


def flowers(c: Palette, chance: Random) -> str:
    def bloom(x: float, y: float, r: float, petal: str) -> str:
        stem = stroke(f"M{x} {y}q{chance.randint(-14, 14)} 60 0 {348 - y}", "#5f8a45", 9) + oval(
            x + 22, y + 90, 26, 11, "#7ea65a", -28
        )
        head = "".join(
            turned(at * 60, x, y, oval(x, y - r, r * 0.62, r * 0.82, petal)) for at in range(6)
        )
        return stem + head + circle(x, y, r * 0.6, "#f8d470")

    butterfly = (
        oval(300, 86, 22, 28, c.light, 28)
        + oval(262, 86, 22, 28, c.light, -28)
        + oval(281, 94, 5, 24, INK)
    )
    return (
        bloom(112, 210, 34, c.base)
        + bloom(288, 230, 30, c.second)
        + bloom(198, 138, 42, c.accent)
        + butterfly
    )


def fish(c: Palette, chance: Random) -> str:
    def swimmer(x: float, y: float, size: float, tone: str) -> str:
        body = shape("M-70 0q60-62 120 0-60 62-120 0z", tone) + shape(
            "M44 0l46-36v72z", mix(tone, INK, 0.15)
        )
        return moved(
            x,
            y,
            body,
            circle(-36, -8, 8, WHITE),
            circle(-37, -8, 4, INK),
            stroke("M-8-22q14 22 0 44", CREAM, 6),
            scale=size,
        )

    weed = stroke("M90 350q-22-40 4-80t-6-76M330 350q22-30 0-66t6-60", "#4f9d7a", 13)
    bubbles = "".join(
        circle(x, y, r, WHITE, 'opacity=".7"')
        for x, y, r in [(120, 90, 11), (140, 60, 7), (270, 120, 9)]
    )
    return (
        weed
        + swimmer(206, 150, 1.25, c.base)
        + swimmer(150, 262, 0.85, c.accent)
        + swimmer(282, 300, 0.7, c.second)
        + bubbles
    )


def mountains(c: Palette, chance: Random) -> str:
    peaks = shape("M20 340L150 110l120 230z", c.dark) + shape(
        "M150 110l44 84-26-10-18 20-18-22-22 12z", CREAM
    )
    peaks += shape("M160 340L276 160l106 180z", c.base) + shape(
        "M276 160l38 64-22-8-16 18-16-18-20 8z", CREAM
    )
    flag = stroke("M150 112V58", INK, 6) + shape("M152 58h46l-13 14 13 14h-46z", c.accent)
    return circle(300, 96, 40, "#f8d470") + peaks + flag


def balloon(c: Palette, chance: Random) -> str:
    bag = (
        circle(200, 148, 108, c.base)
        + oval(200, 148, 62, 108, c.accent)
        + oval(200, 148, 24, 108, CREAM)
    )
    skirt = shape("M150 238h100l-22 50h-56z", c.dark)
    basket = box(170, 304, 60, 44, "#b9824a", 9) + stroke(
        "M174 304l-2-18M226 304l2-18M172 320h56", WOOD_DARK, 4
    )
    clouds = oval(76, 280, 52, 17, WHITE) + oval(330, 240, 44, 15, WHITE)
    return clouds + bag + skirt + basket


def town(c: Palette, chance: Random) -> str:
    walls = [c.base, c.accent, c.second, c.light]
    drawn = ""
    for at, (x, y, w) in enumerate([(44, 190, 76), (124, 130, 80), (208, 206, 70), (282, 158, 78)]):
        drawn += box(x, y, w, 348 - y, walls[at]) + shape(
            f"M{x - 6} {y}h{w + 12}L{x + w / 2:g} {y - 54}z", mix(walls[at], INK, 0.35)
        )
        drawn += "".join(
            box(
                x + 14 + col * (w - 46),
                wy,
                20,
                24,
                "#ffe9a8" if chance.random() < 0.6 else CREAM,
                4,
            )
            for wy in range(y + 22, 300, 48)
            for col in range(2)
        )
    return drawn


def lanterns(c: Palette, chance: Random) -> str:
    cord = stroke("M10 70q190 90 380-10", INK, 4)
    tones = ["#e76f51", "#f2b134", c.base]
    drawn = ""
    for (x, y, r), tone in zip([(96, 176, 52), (206, 214, 62), (312, 160, 48)], tones, strict=True):
        drawn += circle(x, y, r * 1.5, "#ffe08a", 'opacity=".3"') + stroke(
            f"M{x} {y - r}V{y - r - 44}", INK, 4
        )
        drawn += oval(x, y, r, r * 0.9, tone) + oval(x, y, r * 0.5, r * 0.9, mix(tone, WHITE, 0.3))
        drawn += (
            box(x - r * 0.4, y - r * 0.98, r * 0.8, 11, INK, 4)
            + box(x - r * 0.4, y + r * 0.8, r * 0.8, 11, INK, 4)
            + stroke(f"M{x} {y + r}v28", tone, 5)
        )
    return cord + drawn


def maze(c: Palette, chance: Random) -> str:
    walls = (
        "M60 60h280v280H110M60 60v280M110 110h180v180M110 110v130h50"
        "M160 160h80v80M160 290h130M160 160v30M200 200v50h40"
    )
    return stroke(walls, c.base, 17) + circle(84, 320, 13, c.accent) + star(200, 186, 22, "#f2b134")


def song(c: Palette, chance: Random) -> str:
    lines = "".join(
        stroke(f"M30 {y}q170 {chance.choice((40, 46))} 340 0", c.dark, 4, 'opacity=".55"')
        for y in (120, 160, 200, 240)
    )
    return (
        lines
        + note(96, 246, c.base, 2)
        + note(206, 210, c.accent, 2.1)
        + note(312, 262, c.second, 1.9)
    )


def cake(c: Palette, chance: Random) -> str:
    plate = oval(200, 338, 150, 18, CREAM)
    lower = box(82, 238, 236, 96, c.base, 14) + shape(
        "M82 252q0-16 16-16h204q16 0 16 16v14"
        "q-20 26-40 0-20 26-40 0-20 26-40 0-20 26-40 0-20 26-40 0-16 20-36 0z",
        CREAM,
    )
    upper = box(126, 156, 148, 84, c.accent, 12) + shape(
        "M126 170q0-14 14-14h120q14 0 14 14v8q-18 24-37 0-18 24-37 0-18 24-37 0-18 20-37 0z", CREAM
    )
    candles = "".join(
        box(x, 112, 13, 46, tone, 4) + oval(x + 6.5, 98, 8, 13, "#f8c74e")
        for x, tone in [(148, c.second), (194, c.dark), (240, c.second)]
    )
    return plate + lower + upper + candles


def snow(c: Palette, chance: Random) -> str:
    man = (
        circle(200, 282, 74, WHITE)
        + circle(200, 170, 54, WHITE)
        + circle(182, 160, 7, INK)
        + circle(218, 160, 7, INK)
    )
    man += (
        shape("M198 172l54 14-52 8z", "#ee8434")
        + box(150, 208, 100, 22, c.base, 11)
        + box(222, 214, 22, 60, c.base, 8)
    )
    man += (
        box(164, 78, 72, 48, INK, 5)
        + box(144, 118, 112, 14, INK, 6)
        + circle(200, 268, 6, INK)
        + circle(200, 300, 6, INK)
    )
    flakes = "".join(
        circle(chance.randint(30, 370), y, chance.choice((6, 8, 10)), WHITE)
        for y in range(40, 330, 30)
    )
    return flakes + man


def bee(c: Palette, chance: Random) -> str:
    wings = oval(168, 128, 46, 62, WHITE, -24, 'opacity=".85"') + oval(
        240, 128, 46, 62, WHITE, 24, 'opacity=".85"'
    )
    body = oval(204, 216, 118, 82, "#f5c23e") + shape(
        "M172 138q-30 78 0 156h34q-28-78 0-159zM246 142q-22 74 4 146l30-20q-16-54-2-108z", INK
    )
    face = circle(116, 200, 9, INK) + stroke(
        "M104 226q14 14 28 2M126 150q-24-26-44-16M146 140q-10-36-34-36", INK, 6
    )
    trail = stroke("M330 230q40 20 30 60t-70 40-130 10", CREAM, 6, 'stroke-dasharray="4 16"')
    return trail + wings + body + face
