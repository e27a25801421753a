"""Which drawing shows which kind of product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from infra.demo.pictures import (
    books,
    building,
    crafts,
    figures,
    games,
    music,
    outdoor,
    plush,
    science,
    vehicles,
    wooden,
)
from infra.demo.pictures.ink import Palette

DRAWINGS: Mapping[str, Callable[[Palette, Random], str]] = {
    **plush.DRAWINGS,
    **wooden.DRAWINGS,
    **building.DRAWINGS,
    **vehicles.DRAWINGS,
    **figures.DRAWINGS,
    **games.DRAWINGS,
    **crafts.DRAWINGS,
    **outdoor.DRAWINGS,
    **music.DRAWINGS,
    **science.DRAWINGS,
}
# these show something that is printed on them
THEMED: Mapping[str, Callable[[Palette, Random, str], str]] = {**games.THEMED, **books.THEMED}
