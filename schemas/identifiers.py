"""E-mail, telephone and order number: identifiers that lead to the user who claimed them first.

What names a visitor by such an identifier alone is stored under a *node*, a device id made of a
keyed hash of it, so that keys and topics hold no address of anybody.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal, get_args

Kind = Literal["email", "phone", "order_id"]

KINDS: tuple[Kind, ...] = get_args(Kind)
NODE_PREFIXES = ("email:", "phone:", "order:")
"""In the order of KINDS."""

_MAX_EMAIL, _MAX_ORDER = 320, 200
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+")
_PHONE = re.compile(r"\+?\d{5,20}")
_BETWEEN_DIGITS = re.compile(r"[\s()./-]")


def normalized(kind: Kind, value: object) -> str:
    """The identifier in the one form in which it is compared; '' where `value` is none.

    E-mail: lower case. Telephone: digits, '+' and country code where it begins with + or 00.
    """
    text = str(value).strip() if isinstance(value, str | int) and value is not True else ""
    if kind == "email":
        return text.lower() if len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text) else ""
    if kind == "phone":
        digits = _BETWEEN_DIGITS.sub("", text)
        digits = "+" + digits[2:] if digits.startswith("00") else digits
        return digits if _PHONE.fullmatch(digits) else ""
    return text if len(text) <= _MAX_ORDER and text.isprintable() else ""


def node_of(kind: Kind, value: str, secret: str) -> str:
    """The device id that stands for a normalized identifier."""
    key = hashlib.sha256(secret.encode()).digest()
    digest = hashlib.blake2b(f"{kind}\x1f{value}".encode(), digest_size=12, key=key)
    return NODE_PREFIXES[KINDS.index(kind)] + digest.hexdigest()


def is_node(device_id: str) -> bool:
    return device_id.startswith(NODE_PREFIXES)
