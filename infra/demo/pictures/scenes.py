"""What is printed on covers, boxes and puzzles: a motif for every theme."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from infra.demo.pictures import (
    building,
    cars,
    farm,
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
    tones = palette(chance.choice((c.accent, c.second)), chance)
    choices = _MOTIFS.get(theme) or _ANYTHING
    motif = chance.choice(choices)(tones, chance)
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


_ANIMALS: tuple[Drawing, ...] = (
    plush.teddy,
    plush.cat,
    plush.fox,
    plush.penguin,
    plush.owl,
    plush.rabbit,
    plush.dog,
    plush.whale,
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
    "bees": (motifs.bee,),
    "brain-teaser": (motifs.maze,),
    "building site": (vehicles.digger,),
    "cats": (plush.cat,),
    "circus": (motifs.balloon, motifs.lanterns),
    "cooking": (motifs.cake,),
    "dinosaurs": (plush.dinosaur,),
    "farm": (plush.sheep, vehicles.tractor, farm.cow, farm.pig),
    "flying": (vehicles.aeroplane, motifs.balloon),
    "forest": (motifs.forest, plush.fox, plush.owl),
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
    "parties": (motifs.cake,),
    "polar": (plush.penguin,),
    "racing": (cars.racing_car,),
    "railway": (vehicles.train,),
    "robots": (science.robot,),
    "rescue": (cars.fire_engine,),
    "seasons": (motifs.flowers, motifs.snow, motifs.forest),
    "space": (science.rocket, motifs.night),
    "town": (motifs.town,),
    "treasure": (vehicles.sailing_boat, motifs.maze),
    "vehicles": (vehicles.digger, vehicles.tractor, cars.fire_engine, cars.car),
    "water": (motifs.fish, vehicles.sailing_boat),
    "weather": (motifs.balloon, motifs.snow),
    "wind": (outdoor.kite, motifs.balloon),
    "winter": (motifs.snow, plush.penguin),
}
