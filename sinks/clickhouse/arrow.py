"""Answers of ClickHouse as polars frames, over its HTTP interface: for what reads many rows."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

import polars as pl
from polars.exceptions import PolarsError

from schemas.settings import Settings
from sinks.clickhouse.errors import SinkError, Unavailable

# An answer and a password are no business of a proxy that the environment names for the web.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_S = 600.0


def ask(settings: Settings, query: str, parameters: Mapping[str, int | str]) -> pl.DataFrame:
    """`parameters`: what `{name:Type}` stands for. Raises Unavailable, SinkError."""
    address = settings.clickhouse
    given = {f"param_{name}": str(value) for name, value in parameters.items()}
    options = {
        "database": address.database,
        "default_format": "ArrowStream",
        "output_format_arrow_string_as_string": "1",
        "readonly": "2",
        "wait_end_of_query": "1",  # so that an error is an error and not half an answer
    }
    request = urllib.request.Request(
        f"{settings.clickhouse_http_url}/?{urllib.parse.urlencode(options | given)}",
        data=query.encode(),
        headers={"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password},
    )
    try:
        with _DIRECT.open(request, timeout=_TIMEOUT_S) as answer:
            return pl.read_ipc_stream(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(4000).decode(errors="replace").strip()
        raise SinkError(text.splitlines()[0] if text else f"HTTP {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        where = settings.clickhouse_http_url
        raise Unavailable(f"ClickHouse does not answer at {where}: {error}") from error
    except PolarsError as error:
        raise SinkError(f"ClickHouse's answer cannot be read: {error}") from error
