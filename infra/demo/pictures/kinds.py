"""Which drawing shows which kind of product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from infra.demo.pictures import (
    books,
    building,
    cars,
    crafts,
    farm,
    figures,
    games,
    music,
    optics,
    outdoor,
    plush,
    puzzles,
    science,
    vehicles,
    wooden,
)
from infra.demo.pictures.ink import Palette

DRAWINGS: Mapping[str, Callable[[Palette, Random], str]] = {
    **plush.DRAWINGS,
    **wooden.DRAWINGS,
    **building.DRAWINGS,
    **cars.DRAWINGS,
    **vehicles.DRAWINGS,
    **figures.DRAWINGS,
    **farm.DRAWINGS,
    **games.DRAWINGS,
    **puzzles.DRAWINGS,
    **crafts.DRAWINGS,
    **outdoor.DRAWINGS,
    **music.DRAWINGS,
    **science.DRAWINGS,
    **optics.DRAWINGS,
}
# these show something that is printed on them
THEMED: Mapping[str, Callable[[Palette, Random, str], str]] = {
    **games.THEMED,
    **puzzles.THEMED,
    **books.THEMED,
}
