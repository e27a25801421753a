"""The parameters of an address, as one reads what anybody may have written."""

from __future__ import annotations

from urllib.parse import parse_qsl

from ingest.collector.errors import MalformedBody, TooLarge

MAX_QUERY_BYTES = 8 * 1024
MAX_PARAMETERS = 100


def read_parameters(query: bytes) -> dict[str, str]:
    """Name -> text, without what is empty; of a name that stands twice the first.

    Raises TooLarge, MalformedBody.
    """
    if len(query) > MAX_QUERY_BYTES:
        raise TooLarge(f"an address has at most {MAX_QUERY_BYTES} bytes of parameters")
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise MalformedBody(f"parameters: {error}") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found
