"""Puzzles. The picture of a jigsaw comes from its theme."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    clipped,
    heart,
    inset,
    mix,
    moved,
    placed,
    shadow,
    shape,
    star,
    stroke,
    turned,
)
from infra.demo.pictures.scenes import scene


def jigsaw(c: Palette, chance: Random, theme: str) -> str:
    missing = chance.choice([(2, 1), (1, 2), (2, 2), (0, 2)])
    name = f"j{chance.getrandbits(32):08x}"
    lines = ""
    for at in (1, 2):
        d = 100 * at
        lines += f"M{d} 0" + "".join(_tab_down((at + row) % 2 == 0) for row in range(3))
        lines += f"M0 {d}" + "".join(_tab_right((at + col) % 2 == 0) for col in range(3))
    grid = stroke(lines, WHITE, 5, 'opacity=".85"')
    art = inset(0, 0, 300, _poster(theme, c, chance))
    hole_x, hole_y = missing[0] * 100, missing[1] * 100
    hole = box(hole_x + 3, hole_y + 3, 94, 94, mix(c.deep, INK, 0.2), 6, more='opacity=".82"')
    picture = clipped(box(0, 0, 300, 300, WHITE, 14), name, art, hole, grid)
    piece = _piece(c.accent, c.second)
    loose = placed(318, 306, chance.choice([-18, 14, 24]), piece, scale=0.86)
    return (
        shadow(200, 320)
        + turned(chance.choice([-3, -2, 2]), 190, 190, moved(40, 32, picture))
        + loose
    )


def _tab_down(left: bool) -> str:
    """The same, 100 down."""
    x, sweep = (-6, 0) if left else (6, 1)
    return f"v36q0 4 {x} 3a15 15 0 1 {sweep} 0 22q{-x}-1 {-x} 3v36"


def _tab_right(up: bool) -> str:
    """One side of a piece, 100 to the right, with its tab above or below the line."""
    y, sweep = (-6, 1) if up else (6, 0)
    return f"h36q4 0 3 {y}a15 15 0 1 {sweep} 22 0q-1 {-y} 3 {-y}h36"


def _piece(colour: str, mark: str) -> str:
    body = shape(
        "M-50-50h36q4 0 3-6a15 15 0 1 1 22 0q-1 6 3 6h36v36q0 4 6 3a15 15 0 1 1 0 22q-6-1-6 3v36"
        "h-36q-4 0-3-6a15 15 0 1 0-22 0q1 6-3 6h-36z",
        colour,
    )
    return (
        moved(3, 5, shape("M-50-50h100v100h-100z", INK, 'opacity=".14"'))
        + body
        + star(0, 6, 18, mark)
    )


def _poster(theme: str, c: Palette, chance: Random) -> str:
    sky = mix(c.base, WHITE, 0.55)
    return box(0, 0, 400, 400, sky) + scene(theme, c, chance, landscape=True)


def cube_puzzle(c: Palette, chance: Random) -> str:
    colours = ["#d9483b", "#f2b134", "#3f8f6b", "#3d6fa8", CREAM, "#ee8434"]
    down = math.sin(math.radians(30)) * 46
    across = math.cos(math.radians(30)) * 46

    def face(x: float, y: float, u: tuple[float, float], v: tuple[float, float]) -> str:
        drawn = ""
        for i in range(3):
            for j in range(3):
                px, py = x + u[0] * i + v[0] * j, y + u[1] * i + v[1] * j
                path = f"M{px:.1f} {py:.1f}l{u[0]:.1f} {u[1]:.1f} {v[0]:.1f} {v[1]:.1f}"
                path += f" {-u[0]:.1f} {-u[1]:.1f}z"
                drawn += shape(
                    path,
                    chance.choice(colours),
                    f'stroke="{INK}" stroke-width="7" stroke-linejoin="round"',
                )
        return drawn

    top = face(200, 66, (across, down), (-across, down))
    left = face(200 - 3 * across, 66 + 3 * down, (across, down), (0, 46))
    right = face(200, 66 + 6 * down, (across, -down), (0, 46))
    return (
        shadow(width=230, y=344)
        + top
        + left
        + right
        + shape(
            f"M200 {66 + 6 * down}l{3 * across:.1f}-{3 * down:.1f}"
            f"v138l-{3 * across:.1f} {3 * down:.1f}z",
            INK,
            'opacity=".12"',
        )
    )


def _triangle(x: float, y: float, fill: str) -> str:
    edge = f'stroke="{fill}" stroke-width="8" stroke-linejoin="round"'
    return shape(f"M{x:g} {y - 42:g}l46 76h-92z", fill, edge)


_FORMS: tuple[Callable[[float, float, str], str], ...] = (
    lambda x, y, fill: circle(x, y, 40, fill),
    lambda x, y, fill: box(x - 37, y - 37, 74, 74, fill, 12),
    _triangle,
    lambda x, y, fill: star(x, y, 46, fill),
    lambda x, y, fill: heart(x, y, 42, fill),
    lambda x, y, fill: shape(f"M{x - 42:g} {y + 30:g}q-6-70 42-70t42 70q-42 18-84 0z", fill),
)


def peg_puzzle(c: Palette, chance: Random) -> str:
    board = box(48, 92, 304, 246, WOOD, 22) + box(48, 92, 304, 236, WOOD_LIGHT, 22)
    forms = list(_FORMS)
    chance.shuffle(forms)
    colours = [c.base, c.accent, c.second, c.dark, "#6f9f58", "#f2b134"]
    drawn = ""
    for at, make in enumerate(forms):
        x, y = 106 + at % 3 * 94, 160 + at // 3 * 100
        drawn += make(x, y, WOOD_DARK) + make(x, y - 4, colours[at])
        drawn += circle(x, y - 6, 13, INK, 'opacity=".2"') + circle(x, y - 10, 12, "#d9483b")
        drawn += circle(x - 4, y - 14, 3.5, WHITE, 'opacity=".6"')
    return shadow(width=300) + board + drawn


def tangram(c: Palette, chance: Random) -> str:
    colours = [c.base, c.accent, c.second, c.dark, c.light, "#f2b134", "#6f9f58"]
    chance.shuffle(colours)
    pieces = [
        "M0 0L120 120 0 240z",
        "M0 0h240L120 120z",
        "M240 0v120l-60-60z",
        "M180 60l60 60-60 60-60-60z",
        "M120 120l60 60H60z",
        "M240 120v120H120z",
        "M60 180h120l-60 60H0z",
    ]
    edge = f'stroke="{CREAM}" stroke-width="5" stroke-linejoin="round"'
    away = chance.choice((2, 4, 6))
    inside = "".join(
        shape(path, colour, edge)
        for at, (path, colour) in enumerate(zip(pieces, colours, strict=True))
        if at != away
    )
    tray = box(66, 66, 268, 268, WOOD_DARK, 14) + box(78, 78, 244, 244, WOOD, 6)
    loose = shape("M-62 31h124L0-31z", mix(colours[away], INK, 0.25)) + shape(
        "M-62 27h124L0-35z", colours[away], edge
    )
    side = chance.choice((-1, 1))
    return (
        shadow(width=290)
        + tray
        + moved(80, 80, inside)
        + placed(200 + side * 110, 318, side * 14, loose)
    )


DRAWINGS = {"cube-puzzle": cube_puzzle, "peg-puzzle": peg_puzzle, "tangram": tangram}
THEMED = {"jigsaw": jigsaw}
