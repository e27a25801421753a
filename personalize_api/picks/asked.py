"""How many picks a request gets, and about what: by its scenario, or as `/v1/picks` is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from personalize_api.decision.answer import Pick
from personalize_api.picks.answers import Picks
from personalize_api.picks.taste import taste_of
from personalize_api.recognize.visitors import Visitor
from schemas.pick_model import source_key
from schemas.referrer import Referrer
from schemas.site import Site


class Asked(msgspec.Struct, frozen=True):
    """`about`: the product whose page they are for, '' for none."""

    limit: int
    about: str = ""
    with_parts: bool = False


def asked_by(site: Site, scenario: str) -> Asked | None:
    """What the scenario asks for; None for nothing."""
    for each in site.homepage.scenarios:
        if each.name == scenario:
            return Asked(each.picks) if each.picks else None
    return None


class Asker(msgspec.Struct, frozen=True):
    """For whom. `trusted`: the caller may know the person, not only the device it speaks for."""

    visitor: Visitor
    referrer: Referrer
    scenario: str
    now_ms: int
    trusted: bool


async def picks_for(picks: Picks, asked: Asked, asker: Asker) -> list[Pick]:
    taste = taste_of(
        asker.visitor,
        asker.now_ms,
        source_key(asker.referrer.medium, asker.referrer.source),
        asker.scenario,
        asked.about,
        whole_person=asker.trusted,
    )
    chosen = await picks.pick(taste, asked.limit)
    return [
        Pick(
            id=each.id,
            score=each.score,
            reasons=each.reasons,
            parts=each.parts if asked.with_parts else msgspec.UNSET,
        )
        for each in chosen
    ]


def shown_texts(picks: Iterable[Pick]) -> Iterator[str]:
    """All that a page may show of them: where it is equal, the pages are."""
    return (text for pick in picks for text in (pick.id, *pick.reasons))
