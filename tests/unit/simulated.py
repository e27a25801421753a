"""A small simulated past for tests, with the worked example's site and catalogue."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from infra.demo.catalogue import Catalogue, load
from infra.simulate.past import Plan
from schemas import site_file
from schemas.site import Site

UNTIL = 1_795_345_200_000  # 2026-11-22T11:00Z
SHOP = Path(__file__).parents[2] / "infra" / "demo" / "shop.yaml"


@cache
def site() -> Site:
    return site_file.load(SHOP)


@cache
def catalogue() -> Catalogue:
    return load()


def plan(**options: Any) -> Plan:
    """400 people in a week, unless said otherwise."""
    told: dict[str, Any] = {"shoppers": 400, "days": 7, "seed": 1, "until": UNTIL}
    return Plan(site=site(), catalogue=catalogue(), **told | options)
