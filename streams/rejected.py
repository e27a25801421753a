"""The one builder of the stream's rejected records."""

from __future__ import annotations

from schemas.batch import encode_line
from schemas.event import Rejected
from schemas.ids import uuid5
from schemas.reasons import Reason
from schemas.topics import REJECTED, Topic
from streams.records import Emissions, Record


def reject(
    emissions: Emissions,
    topic: Topic,
    version: int,
    record: Record,
    number: int,
    original: bytes,
    reason: Reason,
    detail: str = "",
) -> None:
    """Refuse one line. Its id is its position, so that a replay refuses the same line once."""
    rejected = Rejected(
        rejected_id=uuid5("rejected", topic.name, record.partition, version, number),
        rejected_at=record.time,
        reason=reason,
        detail=detail,
        original=original,
    )
    emissions.add(REJECTED, rejected.rejected_id, encode_line(rejected))
