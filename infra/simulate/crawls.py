"""Bots: crawlers that walk through the shop, page after page; some hide what they are."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from infra.simulate.acts import Act
from infra.simulate.agents import BROWSERS, CRAWLERS
from infra.simulate.odds import Dirt, is_drawn
from infra.simulate.shelves import Shelves
from infra.simulate.steps import Step

MEAN_PAGES = 25
"""Pages of one crawl, in the mean."""

SCRAPED_PAGES = 300
"""Pages of a scraper, which hides what it is and asks for several a second."""


class Crawls:
    """Sends as many crawls that bots make their share of all page views."""

    def __init__(
        self, chance: Random, shelves: Shelves, origin: str, dirt: Dirt, world: str
    ) -> None:
        self._chance = chance
        self._shelves = shelves
        self._origin = origin
        self._dirt = dirt
        self._world = world
        self._crawls = 0
        self._pages = 0
        self.pages_seen = 0  # by people

    def one_comes(self) -> bool:
        """Whether it is time for one: the share is kept in the long run, not per visit."""
        if not self._dirt.bots:
            return False
        wanted = self.pages_seen * self._dirt.bots / (1 - self._dirt.bots)
        behind = wanted - self._pages
        return behind > 0 and is_drawn(self._chance, min(1.0, behind / MEAN_PAGES))

    def crawl(self, start: int) -> Iterator[Act]:
        """The pages that one bot asks for, seconds apart. Bots agree to nothing."""
        self._crawls += 1
        name = f"crawl-{self._world}-{self._crawls:05d}"
        ip = f"198.19.{255 - self._crawls // 250 % 32}.{self._crawls % 250}"
        scrapes = is_drawn(self._chance, self._dirt.scrapers)
        agent = BROWSERS["computer"].draw(self._chance) if scrapes else self._agent()
        count = 1 + round(self._chance.expovariate(1 / (MEAN_PAGES - 1)))
        pause = (0.05, 0.3) if scrapes else (0.5, 8)  # s
        at = start
        for path, title in self._pages_to_see(SCRAPED_PAGES if scrapes else min(count, 400)):
            step = Step(0.0, "page", path, "", title)
            self._pages += 1
            yield Act(at, step, "", name, "", ip, agent, "", None)
            at += round(1000 * self._chance.uniform(*pause))

    def _agent(self) -> str:
        if not is_drawn(self._chance, self._dirt.disguised):
            return CRAWLERS.draw(self._chance)
        return "" if is_drawn(self._chance, 0.5) else BROWSERS["computer"].draw(self._chance)

    def _pages_to_see(self, count: int) -> Iterator[tuple[str, str]]:
        for _ in range(count):
            category = self._chance.choice(self._shelves.categories)
            if is_drawn(self._chance, 0.1):
                yield f"/c/{category}", self._shelves.category_title(category)
            else:
                product = self._chance.choice(self._shelves.by_category[category])
                yield f"/p/{product.slug}", product.title
