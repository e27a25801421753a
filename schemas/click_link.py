"""A link whose click is counted before it leads on: `COLLECTOR/r?u=TARGET&s=SIGNATURE`.

With `ff_click=TOKEN` it also says whose letter it stands in (`schemas.click_token`). The signature
covers target and token, so the collector sends nobody where a stranger wants. A link does not
expire: letters are kept for years, and a dead link in them helps nobody.
"""

from __future__ import annotations

import base64
import hmac
import re
from urllib.parse import quote, urlencode, urlsplit

from schemas.click_token import PARAMETER, without_token

PATH = "/r"
MAX_TARGET = 2000

# Strict on purpose: whatever two readers of an address might read in two ways is no target (a user
# before the host, a backslash, a space, a control character, another scheme).
_TARGET = re.compile(
    r"https?://"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::[0-9]{1,5})?"
    r"(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?"
)
_UNQUOTED = "._~:/?#[]@!$&'()*+,;=%-"
_SIGNATURE_BYTES = 16
_ALLOWED = (
    f"allowed: http(s)://host/..., up to {MAX_TARGET} characters, without a user and without spaces"
)


class NotATarget(ValueError):
    """The message says what a link may lead to."""


def is_target(url: str) -> bool:
    """Whether a link may lead there: an absolute http(s) address of plain characters."""
    if len(url) > MAX_TARGET or not _TARGET.fullmatch(url):
        return False
    try:
        return urlsplit(url).port != 0
    except ValueError:  # no such port, no such IPv6 address
        return False


def target(url: str) -> str:
    """`url` in the form in which it is signed: international characters as they travel.

    Raises NotATarget.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode() if not url.isascii() else ""
    except ValueError as error:
        raise NotATarget(f"{url[:200]!r}: {error}; {_ALLOWED}") from error
    if host and "@" not in parts.netloc:
        port = f":{parts.port}" if parts.port else ""
        rest = url.partition("://")[2].removeprefix(parts.netloc)
        url = f"{parts.scheme}://{host}{port}{quote(rest, safe=_UNQUOTED)}"
    if not is_target(url):
        raise NotATarget(f"{url[:200]!r} is nothing that a link may lead to; {_ALLOWED}")
    return url


def link(collector: str, url: str, secret: str, token: str = "") -> str:
    """A signed link to `url` by way of `collector` (its own address, without a path).

    `token`: of `click_token.sign`, for the letter of one recipient. Raises NotATarget.
    """
    to = without_token(target(url))
    said = {"u": to, "s": signature(to, token, secret)}
    if token:
        said[PARAMETER] = token
    return f"{collector.rstrip('/')}{PATH}?{urlencode(said)}"


def is_signed(to: str, token: str, given: str, secret: str) -> bool:
    """Whether somebody with the secret made the link; `given`: its signature."""
    expected = signature(to, token, secret)
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def signature(to: str, token: str, secret: str) -> str:
    """22 url-safe characters over target and token."""
    key = hmac.digest(secret.encode(), b"footfall click link", "sha256")
    said = f"{to}\n{token}".encode(errors="replace")
    signed = hmac.digest(key, said, "sha256")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()
