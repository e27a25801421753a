"""The row of `footfall.events` that an event becomes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import msgspec

from schemas.click_token import without_token
from schemas.event import EMPTY_PROPERTIES, EnrichedEvent, Event
from schemas.geo import NOWHERE, GeoDatabase
from schemas.referrer import Referrer, classify
from schemas.site import Site
from schemas.user_agent import parse_user_agent
from streams.copied import copied
from streams.device import Step
from streams.steps.credit_decision import credit_decision
from streams.steps.detect_bot import detect_bot
from streams.steps.locate import locate
from streams.steps.read_order import read_order
from streams.steps.read_search import SEARCHED, asked_for, read_search
from streams.steps.split_url import split_url

_REMEMBERED = 8192


SAID_BY_SERVER = "said_by_server"
"""Note of an `identify` that was sent with a server key: its traits are of the user's profile."""


class Page(msgspec.Struct, frozen=True):
    """What the address, the referrer and the user agent of an event say."""

    suspected: bool  # by its agent it is a bot, at least where it was sent by a page
    referrer: Referrer
    source: str  # stands for the external source in a session's marks; '' for none
    row: EnrichedEvent  # in which nothing else stands; to be copied


class Enricher:
    """Makes rows by one site's rules."""

    def __init__(self, site: Site, secret: str) -> None:
        self._site = site
        self._secret = secret
        self._geo = GeoDatabase(site.geo.database) if site.geo else None
        self._recurring: dict[tuple[str, str, str], Page] = {}

    def page(self, event: Event) -> Page:
        """Most events of a site have it in common with others, so it is remembered."""
        if event.campaign:
            return self._read_page(event.url, event.referrer, event.user_agent, event.campaign)
        told = event.url, event.referrer, event.user_agent
        page = self._recurring.get(told)
        if page is None:
            if len(self._recurring) >= _REMEMBERED:
                self._recurring.clear()
            page = self._recurring[told] = self._read_page(*told)
        return page

    def visit(
        self, event: Event, page: Page, step: Step, late: bool, note: str, bot: str
    ) -> EnrichedEvent:
        """A visitor's event; `note`: what was mended beside the event's own notes, or ''.

        `bot`: why the device counts as a bot on that day, or ''.
        """
        row = self._row(event, page, note)
        row.person_id, row.session_id = step.person_id, step.session_id
        if late:
            row.late = True
        if bot:
            row.is_bot, row.bot_reason = True, bot
        return row

    def bot(self, event: Event, page: Page, reason: str) -> EnrichedEvent:
        """A bot's event: it has neither session nor person."""
        row = self._row(event, page, "")
        row.device_class, row.browser, row.os = "bot", "", ""
        row.is_bot, row.bot_reason = True, reason
        return row

    def _row(self, event: Event, page: Page, note: str) -> EnrichedEvent:
        """A copy of the page's row with what is the event's own: few fields of many."""
        row = copied(page.row)
        row.event_id, row.device_id = event.event_id, event.device_id
        row.event_time, row.received_at = event.event_time, event.received_at
        row.type, row.name, row.protocol = event.type, event.name, event.protocol
        row.site, row.consent = event.site or self._site.name, event.consent
        _set_what_few_have(row, event)
        if event.decision_id or event.variant:
            credit = credit_decision(event.decision_id, event.variant, self._secret)
            row.scenario, row.variant = credit.scenario, credit.variant
            row.experiment, row.arm = credit.experiment, credit.arm
            row.decision_id = event.decision_id
        if event.type == "track":
            self._read_track(row, event)
        elif event.type == "identify" and event.server:
            row.notes = [*row.notes, SAID_BY_SERVER]
        if note:
            row.notes = [*row.notes, note]
        if self._geo is not None and (where := locate(event, self._geo)) is not NOWHERE:
            row.country, row.region, row.city = where.country, where.region, where.city
        return row

    def _read_track(self, row: EnrichedEvent, event: Event) -> None:
        order = read_order(event.properties)
        row.order_id, row.revenue, row.currency = order.order_id, order.revenue, order.currency
        row.search_results = order.search_results
        if order.note:
            row.notes = [*row.notes, order.note]
        if event.name == SEARCHED:
            row.search_query = read_search(event, row.path, self._site.site_search)

    def _read_page(
        self, url: str, referrer: str, user_agent: str, campaign: Mapping[str, str] | None = None
    ) -> Page:
        origin = classify(url, referrer, self._site, campaign)
        stored = without_token(url)
        host, path = split_url(stored)
        agent = parse_user_agent(user_agent)
        row = EnrichedEvent(
            event_id="",
            event_time=0,
            received_at=0,
            site="",
            type="page",
            name="",
            protocol="beacon",
            device_id="",
            consent="unknown",
            url=stored,
            host=host,
            path=path,
            referrer=without_token(referrer),
            referrer_medium=origin.medium,
            referrer_source=origin.source,
            referrer_term=origin.term,
            utm_source=origin.utm_source,
            utm_medium=origin.utm_medium,
            utm_campaign=origin.utm_campaign,
            utm_content=origin.utm_content,
            utm_term=origin.utm_term,
            click_id=origin.click_id,
            click_id_type=origin.click_id_type,
            search_query=asked_for(stored, path, self._site.site_search),
            device_class=agent.device_class,
            browser=agent.browser,
            os=agent.os,
        )
        return Page(detect_bot(user_agent, "beacon") != "", origin, _short(origin.key), row)


def _set_what_few_have(row: EnrichedEvent, event: Event) -> None:
    """Looked at before it is set, which takes ten times as long."""
    if event.user_id or event.profile_id:
        row.user_id, row.profile_id = event.user_id, event.profile_id
    if event.title:
        row.title = event.title
    if event.language:
        row.language = event.language
    if event.engaged_ms or event.http_status:
        row.engaged_ms, row.http_status = event.engaged_ms, event.http_status
    if event.notes:
        row.notes = event.notes
    if event.properties is not EMPTY_PROPERTIES:
        row.properties = event.properties
    if row.click_id and event.consent != "granted":
        row.click_id = ""


def _short(source: str) -> str:
    """Four characters, which tell one source from another within one device."""
    if not source:
        return ""
    digest = hashlib.blake2b(source.encode(errors="surrogatepass"), digest_size=3).digest()
    return base64.urlsafe_b64encode(digest).decode()
