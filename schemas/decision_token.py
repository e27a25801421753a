"""A decision's id that carries, signed, what was decided.

The page hands the id back with its events, so an event can be credited to scenario, variant,
experiment and arm without a look-up and in any order; a forged id credits nothing.
"""

from __future__ import annotations

import base64
import hmac
import os

import msgspec


class Decided(msgspec.Struct, array_like=True, frozen=True):
    scenario: str
    variant: str
    experiment: str = ""
    arm: str = ""


_SIGNATURE_BYTES = 9
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Decided)


def mint(decided: Decided, secret: str, nonce: bytes = b"") -> str:
    """A new id: url-safe text without padding, different at every call.

    `nonce`: 16 bytes where an id must be the same at every run, as a simulator's.
    """
    body = (nonce or _random()) + _encode(decided)
    return base64.urlsafe_b64encode(_sign(body, secret) + body).rstrip(b"=").decode()


_pool: list[bytes] = []


def _random() -> bytes:
    """16 random bytes. Asking the system for each id would cost as much as all the rest of it."""
    if not _pool:
        drawn = os.urandom(16 * 256)
        _pool.extend(drawn[at : at + 16] for at in range(0, len(drawn), 16))
    return _pool.pop()


def read(decision_id: str, secret: str) -> Decided | None:
    """What was decided, or None where the id is not one of ours."""
    if len(decision_id) > 1024:
        return None
    try:
        raw = base64.urlsafe_b64decode(decision_id + "=" * (-len(decision_id) % 4))
    except ValueError:
        return None
    signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(body, secret)):
        return None
    try:
        return _decoder.decode(body[16:])
    except msgspec.MsgspecError:
        return None


def _sign(body: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), body, "sha256")[:_SIGNATURE_BYTES]
