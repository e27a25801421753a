"""What is behind a product: a gentle tint of its colour, and one large quiet form."""

from __future__ import annotations

from random import Random

from infra.demo.pictures.ink import CREAM, SIDE, Palette, box, circle, mix, oval, shape


def backdrop(c: Palette, chance: Random) -> str:
    ground = mix(CREAM, mix(c.base, c.accent, 0.15), 0.16)
    form = mix(CREAM, c.base, 0.3)
    floor = mix(CREAM, c.base, 0.24)
    forms = (
        circle(200, 196, 150, form),
        shape("M70 400V196a130 130 0 0 1 260 0v204z", form),
        shape("M0 290q110-84 214-30t186-34v174H0z", form),
        shape("M44 210q-8-136 128-150 150-14 178 108 26 124-92 164-198 52-214-122z", form),
        "".join(
            circle(x, y, 7, form)
            for row, y in enumerate(range(30, 400, 56))
            for x in range(30 + 28 * (row % 2), 400, 56)
        ),
        circle(292, 108, 62, mix(form, "#f7c95c", 0.35))
        + oval(110, 400, 250, 110, floor)
        + oval(330, 410, 220, 100, form),
        box(54, 54, 292, 292, form, 60),
    )
    return box(0, 0, SIDE, SIDE, ground) + chance.choice(forms)
