"""The one builder of rejected records."""

from __future__ import annotations

import uuid

import msgspec

from ingest.collector.errors import RefusedEvent
from schemas.batch import UNREADABLE
from schemas.event import Protocol, Rejected
from schemas.ids import event_uuid

MAX_ORIGINAL = 512 * 1024
"""More of one refused event is not kept; as base64 it must fit into one Kafka record."""

_MAX_DETAIL = 500
_WITHHELD = b"(a server key)"


class _MessageId(msgspec.Struct):
    """The id of an event that is wrong elsewhere; each protocol has its own name for it."""

    messageId: str = ""
    id: str = ""
    uuid: str = ""
    eid: str = ""


_id_decoder = msgspec.json.Decoder(_MessageId)


def rejected(
    refusal: RefusedEvent,
    original: bytes,
    *,
    protocol: Protocol,
    received_at: int,
    key: str = "",
    call: str = "",
    withhold: str = "",
) -> Rejected:
    """A record of one refused event: why, and its bytes as they came.

    `withhold`: a server's key, which analysts are not to read in them.
    """
    detail = refusal.detail
    if withhold:
        original = original.replace(withhold.encode(), _WITHHELD)
    if len(original) > MAX_ORIGINAL:
        detail = f"{detail} (the first {MAX_ORIGINAL} of {len(original)} bytes are kept)"
    return Rejected(
        rejected_id=str(uuid.uuid4()),
        rejected_at=received_at,
        reason=refusal.reason,
        detail=detail[:_MAX_DETAIL].encode(errors="replace").decode(),
        protocol=protocol,
        event_id=_event_id(original),
        original=original[:MAX_ORIGINAL],
        key=key,
        call=call,
    )


def _event_id(original: bytes) -> str:
    try:
        found = _id_decoder.decode(original)
    except UNREADABLE:
        return ""
    message_id = found.messageId or found.id or found.uuid or found.eid
    return event_uuid(message_id) if message_id else ""
