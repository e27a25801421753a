"""Toyhouse's sign: a small house made of building blocks."""

from __future__ import annotations

from infra.demo.pictures.ink import CREAM, box, circle, shape

_ROOF, _LEFT, _RIGHT = "#e76f51", "#f2b134", "#2a9d8f"
_LINTEL, _CHIMNEY, _DOOR = "#3d6fa8", "#c65b7c", "#8464b0"


def logo() -> str:
    """The sign alone, square."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img">{_house()}</svg>'
    )


def wordmark() -> str:
    """The sign and the name as shapes, 292 x 64; the letters have the colour of the text around."""
    name = (
        f'<g transform="translate(76 14)" fill="none" stroke="currentColor" {_PEN}>{_LETTERS}</g>'
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 292 64" role="img">'
    return f"{head}{_house()}{name}</svg>"


def _house() -> str:
    roof = shape("M30.4 5.2q1.6-1.4 3.2 0L58 25.4q2.6 2.6-1 2.6H7q-3.6 0-1-2.6z", _ROOF)
    chimney = box(45, 7, 8, 16, _CHIMNEY, 1.5)
    lintel = box(10, 30, 44, 10, _LINTEL, 2)
    walls = box(10, 42, 14, 17, _LEFT, 2) + box(40, 42, 14, 17, _RIGHT, 2)
    door = shape("M26 59V48a6 6 0 0 1 12 0v11z", _DOOR)
    return chimney + roof + circle(32, 19, 4.6, CREAM) + lintel + walls + door


_PEN = 'stroke-width="5.6" stroke-linecap="round" stroke-linejoin="round"'
# T o y h o u s e, drawn with one pen on a line at y = 34, x-height 20
_LETTERS = (
    '<path d="M2 5h22M13 5v29"/>'
    '<circle cx="36" cy="24" r="10"/>'
    '<path d="M54 14l9.5 20M73 14L60 45"/>'
    '<path d="M83 4v30M83 24a9 9 0 0 1 18 0v10"/>'
    '<circle cx="120" cy="24" r="10"/>'
    '<path d="M139 14v11a9 9 0 0 0 18 0V14v20"/>'
    '<path d="M180 17q-3-3-7-3-6 0-6 4.6t6.5 5.2 7 5.2-7 5q-4.5 0-7.5-3"/>'
    '<path d="M190 24h20a10 10 0 1 0-3.5 7.5"/>'
)
