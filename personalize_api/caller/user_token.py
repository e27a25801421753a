"""The user token: a site's signed, expiring word that the visitor of a page is logged in.

A JSON Web Token (RFC 7519), HS256, that the site's own server gives its page after a login; with
it a browser is answered as that member. Claims: `sub`, the login; `exp`, at most 24 hours ahead;
optionally `profile`, the only profile of the account that it opens. Signed with a server key of the
site file, or with FOOTFALL_SECRET_KEY (`footfall user-token`). It is sent as the header
Footfall-User-Token or as the field `user_token`, and never logged.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import jwt
import jwt.types
import msgspec

from schemas.ids import is_identifier
from schemas.settings import Settings
from schemas.site import Site

HEADER = b"footfall-user-token"
MAX_TTL_S = 86_400
MAX_TOKEN = 2048  # characters
MAX_USER_ID = 256

_ALGORITHM = "HS256"
_LEEWAY_S = 60  # clocks of two servers
_OPTIONS: jwt.types.Options = {
    "require": ["sub", "exp"],
    "verify_exp": False,  # by our own clock, below
    "verify_nbf": False,
    "verify_iat": False,
}
_UNLIKE = "it is not signed with a server key of the site file or with FOOTFALL_SECRET_KEY"


class TokenRefused(Exception):
    """The token says nothing. The message is for the caller; it repeats nothing of the token."""


class Member(msgspec.Struct, frozen=True):
    """Who a token speaks for. `profile_id`: the only profile that it opens, '' for any."""

    user_id: str
    profile_id: str = ""


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    exp: int | float
    nbf: int | float = 0
    profile: str = ""


def sign(user_id: str, expires_s: int, key: str, profile_id: str = "") -> str:
    """A token until that time (s since 1970)."""
    claims: dict[str, object] = {"sub": user_id, "exp": expires_s}
    if profile_id:
        claims["profile"] = profile_id
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)  # the key's owner chose it
        return jwt.encode(claims, key, _ALGORITHM)


def read(token: str, site: Site, settings: Settings, now_s: float) -> Member:
    """Raises TokenRefused."""
    if len(token) > MAX_TOKEN:
        raise TokenRefused(f"it is longer than {MAX_TOKEN} characters")
    claims = _claims(token, site, settings)
    if not claims.exp > now_s - _LEEWAY_S:  # NaN is no time either
        raise TokenRefused("it has expired")
    if claims.exp > now_s + MAX_TTL_S + _LEEWAY_S:
        raise TokenRefused("it holds for longer than 24 hours")
    if not claims.nbf <= now_s + _LEEWAY_S:
        raise TokenRefused("it does not hold yet")
    for name, value in (("sub", claims.sub), ("profile", claims.profile)):
        if len(value) > MAX_USER_ID or not value.isprintable():
            raise TokenRefused(f"its {name} is no identifier")
    if not is_identifier(claims.sub):
        raise TokenRefused("its sub is no identifier")
    return Member(claims.sub.strip(), claims.profile.strip())


def _claims(token: str, site: Site, settings: Settings) -> _Claims:
    """What a key of ours has signed; a browser key is public and signs nothing."""
    for key in _keys(site, settings):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
                said = jwt.decode(token, key, algorithms=[_ALGORITHM], options=_OPTIONS)
            return msgspec.convert(said, _Claims)
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidAudienceError as error:
            raise TokenRefused("it is for another audience") from error
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError) as error:
            raise TokenRefused("it is no token of the form that is documented") from error
    raise TokenRefused(_UNLIKE)


def _keys(site: Site, settings: Settings) -> Iterator[str]:
    if settings.has_own_secret:
        yield settings.secret_key
    for key in site.write_keys:
        if key.kind == "server":
            yield key.key
