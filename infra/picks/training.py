"""A new generation of picks: what the crowd did, and how much each part of a score counts.

The crowd's table is made anew each time. Weights change slowly and take a minute or so to learn, so
they are learned once a day, and again where many more persons have come since.
"""

from __future__ import annotations

import logging
from functools import partial

from infra.picks.history import Stored
from infra.picks.learn import learn
from infra.picks.when import Learn
from schemas.catalogue import Catalogue
from schemas.catalogue_file import read
from schemas.catalogue_problems import CatalogueError
from schemas.pick_model import Trained, Weighed
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.errors import SinkError
from sinks.redis.generations import train_now
from sinks.redis.train import Ask

_log = logging.getLogger(__name__)


def train_and_weigh(settings: Settings, site: Site | None, when: Learn, wait_s: float) -> Trained:
    """Without a site nothing is learned: its catalogue says of what.

    Raises AlreadyTraining, SinkError, RedisError.
    """
    weigh = None if site is None else partial(_weighed, site, when)
    return train_now(settings, wait_s, weigh)


def _weighed(
    site: Site, when: Learn, ask: Ask, trained: Trained, before: Weighed | None
) -> Weighed | None:
    if not when.is_now(before, trained):
        return before
    try:
        catalogue = catalogue_of(site)
    except (CatalogueError, OSError) as error:
        _log.error("weights of picks are not learned, the catalogue cannot be read: %s", error)
        return before
    try:
        weighed = learn(Stored(ask), catalogue, trained.trained_at, trained.persons)
    except SinkError as error:  # the crowd's table, which is there, is worth more
        _log.error("weights of picks are not learned: %s", error)
        return before
    _log.info("weights of picks %s: %s", "learned" if weighed.adopted else "as usual", weighed.why)
    return weighed


def catalogue_of(site: Site) -> Catalogue | None:
    """None for a site without. Raises CatalogueError, OSError."""
    return read(site.catalogue.file, site.catalogue.id) if site.catalogue else None
