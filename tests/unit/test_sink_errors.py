"""What is retried and what is the data's fault."""

from __future__ import annotations

import pytest
from clickhouse_driver import errors as driver

from sinks.clickhouse.errors import NotStorable, SinkError, Unavailable, classified


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (driver.ServerException("bad JSON", 117), NotStorable),
        (driver.ServerException("bad UUID", 376), NotStorable),
        (driver.ServerException("no memory", 241), Unavailable),
        (driver.ServerException("too many parts", 252), Unavailable),
        (driver.ServerException("no such table", 60), Unavailable),
        (driver.ServerException("never heard of", 99_999), Unavailable),
        (driver.NetworkError("refused"), Unavailable),
        (driver.SocketTimeoutError("slow"), Unavailable),
        (ConnectionResetError("gone"), Unavailable),
        (EOFError(), Unavailable),
    ],
)
def test_only_what_speaks_of_the_data_is_the_datas_fault(
    raised: Exception, becomes: type[SinkError]
) -> None:
    with pytest.raises(becomes), classified():
        raise raised


def test_the_message_is_one_line_without_the_servers_stack() -> None:
    with pytest.raises(Unavailable) as caught, classified():
        raise driver.ServerException("DB::Exception: no.\nStack trace:\n\n0. ? @ 0x1", 241)
    assert str(caught.value) == "DB::Exception: no."


def test_every_exception_of_the_driver_is_mapped() -> None:
    for name in dir(driver):
        kind = getattr(driver, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with pytest.raises(SinkError), classified():
                raise kind("x") if kind is not driver.ServerException else kind("x", 1)


def test_a_mistake_of_ours_is_no_sink_error() -> None:
    with pytest.raises(ZeroDivisionError), classified():
        _ = 1 / 0
