"""The table from error to HTTP status is complete."""

from __future__ import annotations

import json

from personalize_api.errors import STATUS, AccessDenied, PersonalizeError


def below(error: type[PersonalizeError]) -> set[type[PersonalizeError]]:
    return {error}.union(*(below(child) for child in error.__subclasses__()))


def test_every_error_that_is_raised_has_a_status() -> None:
    assert set(STATUS) == below(PersonalizeError) - {PersonalizeError, AccessDenied}


def test_every_status_says_that_the_caller_must_change_something_or_come_again() -> None:
    for error, status in STATUS.items():
        assert 400 <= status < 500 or (status == 503 and "Retry-After" in error.headers)


def test_every_body_has_code_and_message() -> None:
    for error in STATUS:
        assert json.loads(error('a "quoted" word').body()) == {
            "code": error.code,
            "message": 'a "quoted" word',
        }
    assert len({error.code for error in STATUS}) == len(STATUS)
