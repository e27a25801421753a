"""What was searched for on the site: on its search page, or as an event says."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from schemas.batch import UNREADABLE
from schemas.event import Event
from schemas.site import SiteSearch

SEARCHED = "Products Searched"  # Segment's name
_MAX_QUERY = 500  # characters


class _Properties(msgspec.Struct):
    query: str = ""


_decoder = msgspec.json.Decoder(_Properties)


def read_search(event: Event, path: str, search: SiteSearch | None) -> str:
    """The visitor's search words, else ''. An event that names them knows better than its page."""
    words = ""
    if event.name == SEARCHED and event.type == "track":
        words = _told(event.properties).strip()[:_MAX_QUERY]
    return words or asked_for(event.url, path, search)


def asked_for(url: str, path: str, search: SiteSearch | None) -> str:
    """The words in the address of a search page, else ''."""
    if search is None or path != search.path:
        return ""
    _, _, rest = url.partition("?")
    try:
        words = parse_qs(rest.split("#", 1)[0], max_num_fields=100).get(search.parameter, [""])
    except ValueError:
        return ""
    return words[0].strip()[:_MAX_QUERY]


def _told(properties: msgspec.Raw) -> str:
    try:
        return _decoder.decode(properties).query
    except UNREADABLE:
        return ""  # a query that is no text says nothing
