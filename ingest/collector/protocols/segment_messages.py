"""The shapes of Segment's HTTP Tracking API; field names are the protocol's.

Every field may be null, and identifiers may be numbers, because SDKs send both. What is not named
here (integrations, library, os, ...) is skipped.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ingest.collector import consent
from ingest.collector.clock import Time
from ingest.collector.consent import Said
from ingest.collector.identifiers import Identifier

History = Annotated[
    bool | None,
    msgspec.Meta(
        description=(
            "With a server key: events that another system collected. Each arrives at its own "
            "timestamp, so it is not late; sentAt is ignored; a messageId, or else the message's "
            "text, makes sending it again add nothing. Its protocol is import."
        )
    ),
]

_UTM = (("name", "utm_campaign"), ("source", "utm_source"), ("medium", "utm_medium"))
_UTM_MORE = (("term", "utm_term"), ("content", "utm_content"))


class Page(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    referrer: str | None = None


class Consent(msgspec.Struct):
    categoryPreferences: dict[str, bool | None] | None = None
    gpc: bool | None = None


class Context(msgspec.Struct, gc=False):
    page: Page | None = None
    campaign: dict[str, Any] | None = None
    ip: str | None = None
    userAgent: str | None = None
    locale: str | None = None
    consent: Consent | bool | str | None = None
    gpc: bool | None = None
    traits: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    profile_id: Identifier = None
    decision_id: str | None = None
    variant: str | None = None
    revoke: bool | None = None

    def over(self, shared: Context) -> Context:
        """This context, with what it leaves open taken from the batch's."""
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(shared)
        merged = [own if _is_given(own) else other for own, other in zip(mine, theirs, strict=True)]
        return Context(*merged)

    def consent_said(self) -> tuple[Said, bool]:
        """The visitor's explicit choice (None: nothing was said), and Global Privacy Control."""
        said = self.consent
        if isinstance(said, Consent):
            by_category = consent.of_categories(said.categoryPreferences or {})
            return by_category, bool(said.gpc or self.gpc)
        if isinstance(said, str):
            return consent.of_word(said), bool(self.gpc)
        return said, bool(self.gpc)

    def utm(self) -> dict[str, str]:
        """The campaign under the names it has in a URL."""
        if not self.campaign:
            return {}
        named = ((utm, self.campaign.get(name)) for name, utm in _UTM + _UTM_MORE)
        return {utm: value for utm, value in named if isinstance(value, str) and value}


NO_CONTEXT = Context()
NO_PAGE = Page()


class Message(msgspec.Struct, gc=False):
    type: str | None = None
    messageId: str | int | None = None
    anonymousId: Identifier = None
    userId: Identifier = None
    previousId: Identifier = None
    groupId: Identifier = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    timestamp: Time = None
    originalTimestamp: Time = None  # RudderStack's SDKs send this one alone
    sentAt: Time = None
    context: Context | None = None
    properties: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    traits: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


class Single(msgspec.Struct):
    """A message of which only the key is read yet."""

    writeKey: str | None = None


class Batch(msgspec.Struct):
    batch: list[msgspec.Raw]
    writeKey: str | None = None
    sentAt: Time = None
    context: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    historical_migration: History = None


single_decoder = msgspec.json.Decoder(Single)
batch_decoder = msgspec.json.Decoder(Batch)
message_decoder = msgspec.json.Decoder(Message)
context_decoder: msgspec.json.Decoder[Context | None] = msgspec.json.Decoder(Context | None)


def _is_given(value: object) -> bool:
    return value is not None and not (isinstance(value, msgspec.Raw) and not bytes(value))
