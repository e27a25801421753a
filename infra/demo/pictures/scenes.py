"""What is printed on covers, boxes and puzzles: a motif for every theme."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from infra.demo.pictures import (
    building,
    cars,
    crafts,
    farm,
    figures,
    motifs,
    music,
    outdoor,
    plush,
    science,
    vehicles,
    wooden,
)
from infra.demo.pictures.ink import (
    WHITE,
    Palette,
    circle,
    mix,
    moved,
    oval,
    palette,
    shape,
)

Drawing = Callable[[Palette, Random], str]


def scene(theme: str, c: Palette, chance: Random, *, landscape: bool = False) -> str:
    """A motif for the theme, or any where the theme is not known.

    With `landscape` it stands on hills under a sky, which fill the whole square.
    """
    draw = chance.choice(_MOTIFS.get(theme) or _ANYTHING)
    either = chance.choice((c.accent, c.second))
    motif = draw(palette(_NATURAL.get(draw, either), chance), chance)
    if not landscape:
        return motif
    return _country(c, chance) + moved(40, 40, motif, scale=0.8)


def _country(c: Palette, chance: Random) -> str:
    sun = circle(chance.choice((80, 320)), 84, 46, "#fbd77a")
    clouds = oval(250, 70, 52, 17, WHITE, more='opacity=".8"') + oval(
        120, 120, 44, 14, WHITE, more='opacity=".7"'
    )
    far = shape("M0 270q90-90 190-40t210-40v210H0z", mix(c.base, WHITE, 0.25))
    near = shape("M0 330q110-60 210-24t190-16v110H0z", mix(c.base, "#2b1d33", 0.08))
    return sun + clouds + far + near


# a green bear is a toy, on the cover of a book it is a riddle
_NATURAL: dict[Drawing, str] = {
    plush.teddy: "#b5793f",
    plush.cat: "#df8a35",
    plush.fox: "#d5672f",
    plush.penguin: "#2f4a6d",
    plush.owl: "#8a6b4f",
    plush.rabbit: "#c9a48c",
    plush.dog: "#c08a4a",
    plush.whale: "#3f7fb0",
    plush.sheep: "#6d5a52",
    plush.dinosaur: "#5f9e4b",
    figures.dragon: "#4f9f6f",
    farm.cow: "#7a5a4a",
    farm.pig: "#d98a86",
    cars.fire_engine: "#d13b2e",
    vehicles.digger: "#eab12d",
    wooden.abacus: "#d95f43",
    wooden.pull_along: "#f0b429",
    science.globe: "#3a83b8",
}

_ANIMALS: tuple[Drawing, ...] = (
    plush.teddy,
    plush.cat,
    plush.fox,
    plush.penguin,
    plush.owl,
    plush.rabbit,
    plush.dog,
)
_ANYTHING: tuple[Drawing, ...] = (
    motifs.night,
    motifs.forest,
    motifs.flowers,
    vehicles.sailing_boat,
    motifs.mountains,
    motifs.balloon,
    motifs.town,
    *_ANIMALS,
)

_MOTIFS: dict[str, tuple[Drawing, ...]] = {
    "adventure": (motifs.mountains, motifs.balloon, vehicles.sailing_boat),
    "animals": _ANIMALS,
    "astronomy": (motifs.night,),
    "balloons": (motifs.balloon,),
    "bears": (plush.teddy,),
    "bees": (motifs.bee,),
    "boats": (vehicles.sailing_boat,),
    "brain-teaser": (motifs.maze,),
    "building site": (vehicles.digger,),
    "cats": (plush.cat,),
    "circus": (motifs.balloon, motifs.lanterns),
    "cooking": (motifs.cake,),
    "dinosaurs": (plush.dinosaur,),
    "dragons": (figures.dragon,),
    "ducks": (wooden.pull_along,),
    "electricity": (science.circuit,),
    "farm": (plush.sheep, vehicles.tractor, farm.cow, farm.pig),
    "flying": (vehicles.aeroplane, motifs.balloon),
    "forest": (motifs.forest, plush.fox, plush.owl),
    "foxes": (plush.fox,),
    "friendship": (plush.rabbit, plush.dog, plush.teddy),
    "garden": (motifs.flowers, motifs.bee),
    "geography": (science.globe, motifs.mountains),
    "harbour": (vehicles.sailing_boat,),
    "knights": (building.castle,),
    "lanterns": (motifs.lanterns,),
    "mazes": (motifs.maze,),
    "meadow": (motifs.flowers, motifs.bee, plush.sheep),
    "mountains": (motifs.mountains,),
    "music": (motifs.song, music.drum, plush.cat),
    "night": (motifs.night,),
    "numbers": (wooden.abacus,),
    "ocean": (motifs.fish, plush.whale),
    "origami": (crafts.paper,),
    "owls": (plush.owl,),
    "polar": (plush.penguin,),
    "racing": (cars.racing_car,),
    "railway": (vehicles.train,),
    "robots": (science.robot,),
    "rescue": (cars.fire_engine,),
    "seasons": (motifs.flowers, motifs.snow, motifs.forest),
    "sheep": (plush.sheep,),
    "space": (science.rocket,),
    "town": (motifs.town,),
    "treasure": (vehicles.sailing_boat, motifs.maze),
    "water": (motifs.fish, vehicles.sailing_boat),
    "weather": (motifs.balloon, motifs.snow),
    "whales": (plush.whale,),
    "wind": (outdoor.kite, motifs.balloon),
    "winter": (motifs.snow, plush.penguin),
}
