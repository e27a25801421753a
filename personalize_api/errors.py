"""Everything this room refuses, and the HTTP status of each.

    PersonalizeError
    ├── InvalidInput        400  the request cannot be read
    ├── TooLarge            413  the request is larger than is read
    ├── AccessDenied
    │   ├── UnknownKey      401  a key that is not in the site file
    │   ├── AdminOnly       401  the admin token is missing or wrong
    │   ├── UserTokenRefused 401 a user token that does not count, where only a member is answered
    │   ├── OriginRefused   403  a browser key from a page that is not listed
    │   ├── ForeignForm     403  a form that another site's page has sent
    │   └── TooManyAttempts 429  too many wrong tokens from this address
    ├── NotThere            404  no such visitor, funnel or path
    ├── MethodRefused       405
    └── StateUnavailable    503  Redis is down, slow, or holds what cannot be read

`/v1/homepage` never answers the last one: it degrades.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import msgspec


class PersonalizeError(Exception):
    """An answer that is not the one asked for. The message is for the caller to read."""

    code = "error"
    headers: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def status(self) -> int:
        return STATUS[type(self)]

    def body(self) -> bytes:
        return msgspec.json.encode({"code": self.code, "message": self.message})


class InvalidInput(PersonalizeError):
    code = "invalid_input"


class TooLarge(PersonalizeError):
    code = "too_large"


class AccessDenied(PersonalizeError):
    """Never raised itself."""

    code = "access_denied"


class UnknownKey(AccessDenied):
    code = "unknown_key"


class AdminOnly(AccessDenied):
    code = "admin_only"
    headers: ClassVar[Mapping[str, str]] = {
        "WWW-Authenticate": 'Bearer realm="Footfall"'  # Basic would make browsers ask
    }


class UserTokenRefused(AccessDenied):
    code = "user_token_refused"


class OriginRefused(AccessDenied):
    code = "origin_refused"


class ForeignForm(AccessDenied):
    code = "foreign_form"


class TooManyAttempts(AccessDenied):
    code = "too_many_attempts"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "3"}


class NotThere(PersonalizeError):
    code = "not_found"


class MethodRefused(PersonalizeError):
    code = "method_not_allowed"


class StateUnavailable(PersonalizeError):
    code = "state_unavailable"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


STATUS: dict[type[PersonalizeError], int] = {
    InvalidInput: 400,
    TooLarge: 413,
    UnknownKey: 401,
    AdminOnly: 401,
    UserTokenRefused: 401,
    OriginRefused: 403,
    ForeignForm: 403,
    TooManyAttempts: 429,
    NotThere: 404,
    MethodRefused: 405,
    StateUnavailable: 503,
}
