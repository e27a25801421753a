"""Toyhouse's sign: a small house made of building blocks."""

from __future__ import annotations

from infra.demo.pictures.ink import CREAM, box, circle, shape

_ROOF, _LEFT, _RIGHT, _LINTEL, _CHIMNEY = "#e76f51", "#f2b134", "#2a9d8f", "#3d6fa8", "#c65b7c"


def logo() -> str:
    """The sign alone, square."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">{_house()}</svg>'
    )


def wordmark() -> str:
    """The sign and the name as shapes, 252 x 64; the letters have the colour of the text around."""
    name = (
        f'<g transform="translate(76 14)" fill="none" stroke="currentColor" {_PEN}>{_LETTERS}</g>'
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 252 64" role="img">'
    return f"{head}{_house()}{name}</svg>"


def _house() -> str:
    roof = shape(
        "M32 5.5q1.6-1.6 3.2 0L58 25.6q2.4 2.4-1 2.4H7q-3.4 0-1-2.4L28.8 5.5q1.6-1.6 3.2 0z", _ROOF
    )
    chimney = box(45, 7, 8, 16, _CHIMNEY, 1.5)
    lintel = box(10, 30, 44, 10, _LINTEL, 2)
    walls = box(10, 42, 14, 17, _LEFT, 2) + box(40, 42, 14, 17, _RIGHT, 2)
    door = shape("M26 59V48a6 6 0 0 1 12 0v11z", CREAM)
    return chimney + roof + circle(32, 19, 4.6, CREAM) + lintel + walls + door


_PEN = 'stroke-width="5.6" stroke-linecap="round" stroke-linejoin="round"'
# T o y h o u s e, drawn with one pen on a line at y = 34, x-height 20
_LETTERS = (
    '<path d="M3 5h22M14 5v29"/>'
    '<circle cx="36" cy="24" r="10"/>'
    '<path d="M54 14l9 20M73 14L60 44"/>'
    '<path d="M82 4v30M82 24a9 9 0 0 1 18 0v10"/>'
    '<circle cx="118" cy="24" r="10"/>'
    '<path d="M136 14v11a9 9 0 0 0 18 0V14v20"/>'
    '<path d="M172 16.5q-3-2.5-7-2.5-6 0-6 4.6 0 4 6.5 5.2 7 1.2 7 5.6 0 4.6-7 4.6-4.5 0-7.5-3"/>'
)
