"""Every refusal has one status, and the tree drawn in the module is the real one."""

from __future__ import annotations

from ingest.collector import errors
from ingest.collector.errors import STATUS, CollectorError, RefusedRequest


def _below(error: type[CollectorError]) -> set[type[CollectorError]]:
    return {error}.union(*(_below(child) for child in error.__subclasses__()))


def test_every_refused_request_has_a_status() -> None:
    assert set(STATUS) == _below(RefusedRequest) - {RefusedRequest}


def test_only_being_unavailable_is_the_servers_fault() -> None:
    assert {error for error, status in STATUS.items() if status >= 500} == {errors.Unavailable}


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert errors.__doc__ is not None
    for error in _below(CollectorError):
        assert error.__name__ in errors.__doc__


def test_codes_are_different() -> None:
    codes = [error.code for error in STATUS]
    assert len(set(codes)) == len(codes)
