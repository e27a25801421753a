"""What servers write as `\\"` or `\\xhh` because it must not stand in a log as it came."""

from __future__ import annotations

import re
from urllib.parse import quote

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_NAMED = {"n": b"\n", "t": b"\t", "r": b"\r", "b": b"\b", "v": b"\v", "f": b"\f"}
_URL_SIGNS = "!#$%&'()*+,-./:;=?@[]_~|"


def bytes_of(text: str) -> bytes:
    """The bytes as they came."""
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        parts.append(text[end : match.start()].encode())
        code, sign = match[1], match[2]
        parts.append(bytes([int(code, 16)]) if code else _NAMED.get(sign, sign.encode()))
        end = match.end()
    parts.append(text[end:].encode())
    return b"".join(parts)


def text_of(text: str) -> str:
    """As text; what is no UTF-8 is replaced, what does not print is left out."""
    if "\\" not in text:
        return text
    decoded = bytes_of(text).decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else " " for sign in decoded)


def url_of(text: str) -> str:
    """As a URL: every other byte percent-encoded."""
    return quote(bytes_of(text), safe=_URL_SIGNS) if "\\" in text else text
