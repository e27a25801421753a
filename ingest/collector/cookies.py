"""The first-party cookie that names a device."""

from __future__ import annotations

import re
from functools import lru_cache

from ingest.collector.identifiers import DEVICE_PATTERN
from schemas.site import CookieRules


def read(header: bytes, rules: CookieRules) -> str:
    """The device id in a `Cookie` header; '' where it is absent or not in the form of one."""
    found = _pattern(rules.name).search(header)
    return found[1].decode() if found else ""


@lru_cache
def _pattern(name: str) -> re.Pattern[bytes]:
    return re.compile(rf"(?:^|;\s*){re.escape(name)}=({DEVICE_PATTERN})\s*(?:;|$)".encode())


def write(device_id: str, rules: CookieRules, *, host: str, https: bool) -> bytes:
    """A `Set-Cookie` value that makes the browser keep `device_id`."""
    return _cookie(rules, device_id, rules.max_age_s, host=host, https=https)


def expire(rules: CookieRules, *, host: str, https: bool) -> bytes:
    """A `Set-Cookie` value that takes the cookie away again."""
    return _cookie(rules, "", 0, host=host, https=https)


def _cookie(rules: CookieRules, value: str, max_age_s: int, *, host: str, https: bool) -> bytes:
    parts = [f"{rules.name}={value}", f"Max-Age={max_age_s}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if _is_under(host, rules.domain):
        parts.append(f"Domain={rules.domain}")
    if https:
        parts.append("Secure")
    return "; ".join(parts).encode("latin-1")


def _is_under(host: str, domain: str) -> bool:
    """A browser drops a cookie whose Domain the answering host is not part of."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.lower().rstrip(".")
    return bool(domain) and (name == domain or name.endswith("." + domain))
