"""One query over ClickHouse's HTTP interface, for answers in any of its formats."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.parse
import urllib.request
from typing import BinaryIO

from schemas.settings import Settings


class QueryRefused(Exception):
    """ClickHouse is away, or says no; the message is its first line."""


def query_to(settings: Settings, query: str, output_format: str, out: BinaryIO) -> None:
    """Write the answer to `out`. The query may read, and change nothing. Raises QueryRefused."""
    address = settings.clickhouse
    parameters = {
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
        with urllib.request.urlopen(request, timeout=3600) as answer:
            shutil.copyfileobj(answer, out)
            out.flush()
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(4000).decode(errors="replace").strip()
        raise QueryRefused(text.splitlines()[0] if text else f"HTTP {error.code}") from error
    except urllib.error.URLError as error:
        where = settings.clickhouse_http_url
        raise QueryRefused(
            f"ClickHouse does not answer at {where}: {error.reason}; see: footfall doctor"
        ) from error
