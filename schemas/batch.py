"""The micro-batch: the value of a Kafka record.

1 to 500 lines of JSON, one record a line; header `n` holds their count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

MAX_BATCH_EVENTS = 500
MAX_RECORD_BYTES = 512 * 1024  # of a micro-batch, unless one line alone is longer
COUNT_HEADER = "n"

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for text of others: not JSON or of another shape, no UTF-8, too deep."""

encode_line = msgspec.json.Encoder().encode


def encode_batch(records: Iterable[msgspec.Struct]) -> bytes:
    """Newline-delimited JSON, one record a line, no newline at the end."""
    return b"\n".join(map(encode_line, records))


def pack_lines(lines: Iterable[bytes], most_bytes: int = MAX_RECORD_BYTES) -> Iterator[list[bytes]]:
    """Lines in order, cut into batches within MAX_BATCH_EVENTS and `most_bytes`."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == MAX_BATCH_EVENTS or size + len(line) > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch


Line = TypeVar("Line")


def lines_at_once(decoder: msgspec.json.Decoder[Line], value: bytes) -> list[Line] | None:
    """The lines of a micro-batch; None where they are to be read one by one, since some line cannot
    be read or there are not as many values as lines.
    """
    try:
        if not value.isascii():  # the decoder leaves `msgspec.Raw` as it is
            value.decode()
        lines = decoder.decode_lines(value)
    except UNREADABLE:
        return None
    return lines if len(lines) == value.count(b"\n") + 1 else None


def split_lines(value: bytes) -> Iterator[bytes]:
    """The lines of a micro-batch without empty ones; JSON text holds no raw newline."""
    return (line for line in value.split(b"\n") if line)
