"""The row of `footfall.events` that an event becomes."""

from __future__ import annotations

from schemas.click_token import without_token
from schemas.event import EnrichedEvent, Event
from schemas.geo import GeoDatabase
from schemas.referrer import Referrer, classify
from schemas.site import Site
from schemas.user_agent import UserAgent, parse_user_agent
from streams.device import Place
from streams.steps.credit_decision import credit_decision
from streams.steps.locate import locate
from streams.steps.read_order import Order, read_order
from streams.steps.read_search import read_search
from streams.steps.split_url import split_url

_NO_ORDER = Order()
_BOT = UserAgent(device_class="bot")


class Enricher:
    """Makes rows by one site's rules."""

    def __init__(self, site: Site, secret: str) -> None:
        self._site = site
        self._secret = secret
        self._geo = GeoDatabase(site.geo.database) if site.geo else None

    def visit(
        self, event: Event, place: Place, referrer: Referrer, late: bool, note: str, bot: str
    ) -> EnrichedEvent:
        """A visitor's event; `note`: what was mended beside the event's own notes, or ''.

        `bot`: why the device counts as a bot on that day, or ''.
        """
        return self._row(event, place, bot, referrer, late, note)

    def bot(self, event: Event, reason: str) -> EnrichedEvent:
        """A bot's event: it has neither session nor person."""
        referrer = classify(event.url, event.referrer, self._site, event.campaign)
        return self._row(event, None, reason, referrer, False, "")

    def _row(
        self,
        event: Event,
        place: Place | None,
        bot: str,
        referrer: Referrer,
        late: bool,
        note: str,
    ) -> EnrichedEvent:
        site = self._site
        url = without_token(event.url)
        host, path = split_url(url)
        agent = parse_user_agent(event.user_agent) if place else _BOT
        order = read_order(event.properties) if event.type == "track" else _NO_ORDER
        notes = event.notes
        if order.note or note:
            notes = [*notes, *(mended for mended in (order.note, note) if mended)]
        credit = credit_decision(event.decision_id, event.variant, self._secret)
        where = locate(event, self._geo)
        traced = event.consent == "granted"
        return EnrichedEvent(
            event_id=event.event_id,
            event_time=event.event_time,
            received_at=event.received_at,
            site=event.site or site.name,
            type=event.type,
            name=event.name,
            protocol=event.protocol,
            device_id=event.device_id,
            consent=event.consent,
            user_id=event.user_id,
            profile_id=event.profile_id,
            person_id=place.person_id if place else None,
            session_id=place.session_id if place else None,
            url=url,
            host=host,
            path=path,
            title=event.title,
            referrer=without_token(event.referrer),
            referrer_medium=referrer.medium,
            referrer_source=referrer.source,
            referrer_term=referrer.term,
            utm_source=referrer.utm_source,
            utm_medium=referrer.utm_medium,
            utm_campaign=referrer.utm_campaign,
            utm_content=referrer.utm_content,
            utm_term=referrer.utm_term,
            click_id=referrer.click_id if traced else "",
            click_id_type=referrer.click_id_type,
            search_query=read_search(event, path, site.site_search),
            search_results=order.search_results,
            device_class=agent.device_class,
            browser=agent.browser,
            os=agent.os,
            language=event.language,
            country=where.country,
            region=where.region,
            city=where.city,
            is_bot=bool(bot),
            bot_reason=bot,
            scenario=credit.scenario,
            variant=credit.variant,
            experiment=credit.experiment,
            arm=credit.arm,
            decision_id=event.decision_id,
            order_id=order.order_id,
            revenue=order.revenue,
            currency=order.currency,
            engaged_ms=event.engaged_ms,
            http_status=event.http_status,
            late=late,
            notes=notes,
            properties=event.properties,
        )
