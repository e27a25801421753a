"""Host and path of a page's address."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=50_000)
def split_url(url: str) -> tuple[str, str]:
    """(host, path); ('', '') for what is no address. The host is lower case, without port."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return "", ""
    return host, parts.path or ("/" if host else "")
