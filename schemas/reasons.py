"""Every way an event may be refused; `footfall.rejected` holds each with one of these."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an input was refused."""

    MALFORMED_JSON = "malformed_json"  # the bytes are not JSON
    WRONG_TYPE = "wrong_type"  # a field has another type than the protocol says
    MISSING_FIELD = "missing_field"  # a field without which the event means nothing
    UNKNOWN_TYPE = "unknown_type"  # an event type no protocol of ours knows
    TOO_LARGE = "too_large"  # one event above 64 KB
    NO_IDENTIFIER = "no_identifier"  # neither device nor user, and none can be made
    RESERVED_IDENTIFIER = "reserved_identifier"  # a device id in a form only we may assign
    NEEDS_SERVER_KEY = "needs_server_key"  # alias, revocation, verified e-mail from a page's key
    INVALID_TIME = "invalid_time"  # a time that cannot be read, or before the year 2000
    UNKNOWN_FORMAT = "unknown_format"  # a log line that is in no known format
    INVALID_EVENT = "invalid_event"  # a line of a topic that is not the record it should be
    FORGOTTEN = "forgotten"  # it came after its visitor was forgotten, and happened before
    NOT_STORABLE = "not_storable"  # ClickHouse refused this one row
