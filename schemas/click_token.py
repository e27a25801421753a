"""The token of a mail's links that says, signed, whom the mail was sent to.

Who sends mails puts `ff_click=<token>` into its links. A token says who got the mail, not who
clicked: mails are forwarded. So it is weak evidence (design.md section 3b), it logs nobody in, and
it is taken out of addresses before they are stored.
"""

from __future__ import annotations

import base64
import hmac
import re

import msgspec

PARAMETER = "ff_click"

_SIGNATURE_BYTES = 12
_MAX_TOKEN = 600
_IN_QUERY = re.compile(rf"([?&]){PARAMETER}=([^&#]*)(&?)")


class Click(msgspec.Struct, array_like=True, frozen=True):
    user_id: str
    expires: int  # s since 1970


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Click)


def sign(user_id: str, expires_ms: int, secret: str) -> str:
    """A token for one recipient: url-safe text, the same for the same arguments."""
    body = _encode(Click(user_id, expires_ms // 1000))
    return base64.urlsafe_b64encode(_signature(body, secret) + body).rstrip(b"=").decode()


def read(token: str, secret: str) -> Click | None:
    """What a token says; None where it is not one of ours."""
    if not 0 < len(token) <= _MAX_TOKEN:
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, _signature(body, secret)):
            return None
        return _decoder.decode(body)
    except (ValueError, msgspec.MsgspecError):
        return None


def token_in(url: str) -> str:
    """The token that an address carries, '' for none."""
    if PARAMETER not in url:
        return ""
    found = _IN_QUERY.search(url)
    return found[2] if found else ""


def without_token(url: str) -> str:
    """The address as it may be stored."""
    if PARAMETER not in url:
        return url
    return _IN_QUERY.sub(lambda m: m[1] if m[3] else "", url)


def with_token(url: str, token: str) -> str:
    """The address with a token, before its fragment; in the place of one that it has."""
    address, mark, fragment = without_token(url).partition("#")
    join = "&" if "?" in address else "?"
    return f"{address}{join}{PARAMETER}={token}{mark}{fragment}"


def _signature(body: bytes, secret: str) -> bytes:
    key = hmac.digest(secret.encode(), b"footfall click token", "sha256")
    return hmac.digest(key, body, "sha256")[:_SIGNATURE_BYTES]
