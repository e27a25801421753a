"""One query over ClickHouse's HTTP interface, for answers in any of its formats."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import BinaryIO

from schemas.settings import Settings

_HOUR_S = 3600

# An answer and a password are no business of a proxy that the environment names for the web.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# Not every OSError: that `out` is a pipe nobody reads any more is its owner's affair.
_AWAY = (urllib.error.URLError, TimeoutError, ConnectionResetError, http.client.HTTPException)


class QueryRefused(Exception):
    """ClickHouse is away, or says no; the message is its first line."""


class ClickHouseAway(QueryRefused):
    """It does not answer, or not in time; the message names the address."""


def query_to(
    settings: Settings,
    query: str,
    output_format: str,
    out: BinaryIO,
    *,
    limits: Mapping[str, str] | None = None,
    timeout_s: float = _HOUR_S,
) -> None:
    """Write the answer to `out`. The query may read, and change nothing.

    `limits`: settings of ClickHouse for this query. `timeout_s`: for each step of the way.
    Raises QueryRefused, and what `out` raises.
    """
    address = settings.clickhouse
    parameters = {
        **(limits or {}),
        "database": address.database,
        "default_format": output_format,
        "readonly": "2",
        "wait_end_of_query": "1",  # so that an error is an error and not half an answer
    }
    request = urllib.request.Request(
        f"{settings.clickhouse_http_url}/?{urllib.parse.urlencode(parameters)}",
        data=query.strip().removesuffix(";").encode(),
        headers={"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password},
    )
    try:
        with _DIRECT.open(request, timeout=timeout_s) as answer:
            shutil.copyfileobj(answer, out)
            out.flush()
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(4000).decode(errors="replace").strip()
        raise QueryRefused(text.splitlines()[0] if text else f"HTTP {error.code}") from error
    except _AWAY as error:
        where = settings.clickhouse_http_url
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ClickHouseAway(
            f"ClickHouse does not answer at {where}: {reason}; see: footfall doctor"
        ) from error
