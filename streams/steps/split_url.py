"""Host and path of a page's address, and what was searched for on the site."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from schemas.site import SiteSearch


@lru_cache(maxsize=50_000)
def split_url(url: str) -> tuple[str, str]:
    """(host, path); ('', '') for what is no address. The host is lower case, without port."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return "", ""
    return host, parts.path or ("/" if host else "")


def read_search(url: str, path: str, search: SiteSearch | None) -> str:
    """The visitor's search words on the site's own search page, else ''."""
    if search is None or path != search.path or "?" not in url:
        return ""
    query = url.split("?", 1)[1].split("#", 1)[0]
    try:
        words = parse_qs(query, max_num_fields=100).get(search.parameter, [""])
    except ValueError:
        return ""
    return words[0].strip()[:500]
