"""What can go wrong with a request, and the one table from error to HTTP status.

CollectorError
├── RefusedRequest            the whole request is refused; nothing of it was taken
│   ├── MalformedBody         not JSON, a broken gzip stream, an envelope of another shape
│   ├── UnknownWriteKey       no write key, or none of this site's
│   ├── OriginNotAllowed      a browser key from a page the site does not list
│   ├── LinkNotSigned         a click on a link that nobody with our secret has made
│   ├── MethodNotAllowed      something else than POST (and OPTIONS) to a collecting path
│   ├── TooLarge              more than 1 MB or 500 events, or one lone event above 64 KB
│   ├── TooManyRequests       above the site file's `limits`; the sender should come back
│   ├── UnsupportedEncoding   a compression other than gzip
│   └── Unavailable           neither Kafka nor the spool takes it; the sender should come back
├── RefusedEvent              this one event is refused: it goes to `footfall.rejected`, the rest
│                             of its request is kept and the answer stays 2xx
└── ClientGone                the sender hung up while sending; there is nobody to answer
"""

from __future__ import annotations

from schemas.reasons import Reason

RETRY_AFTER_S = 2


class CollectorError(Exception):
    """Base of everything the collector raises on purpose."""


class RefusedRequest(CollectorError):
    """Answered with STATUS[type] and `{"code": code, "message": str(error)}`."""

    code = "refused"
    retry_after_s = 0  # when the sender should come back; 0: it will never be taken


class MalformedBody(RefusedRequest):
    code = "malformed"


class UnknownWriteKey(RefusedRequest):
    code = "unknown_write_key"


class OriginNotAllowed(RefusedRequest):
    code = "origin_not_allowed"


class LinkNotSigned(RefusedRequest):
    code = "link_not_signed"


class MethodNotAllowed(RefusedRequest):
    code = "method_not_allowed"


class TooLarge(RefusedRequest):
    code = "too_large"


class TooManyRequests(RefusedRequest):
    code = "too_many_requests"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnsupportedEncoding(RefusedRequest):
    code = "unsupported_encoding"


class Unavailable(RefusedRequest):
    code = "unavailable"
    retry_after_s = RETRY_AFTER_S


class RefusedEvent(CollectorError):
    """One event is refused, for a declared reason; `detail` names the field."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ClientGone(CollectorError):
    """The connection closed before the body was complete."""


STATUS: dict[type[RefusedRequest], int] = {
    MalformedBody: 400,
    UnknownWriteKey: 401,
    OriginNotAllowed: 403,
    LinkNotSigned: 403,
    MethodNotAllowed: 405,
    TooLarge: 413,
    UnsupportedEncoding: 415,
    TooManyRequests: 429,
    Unavailable: 503,
}
