"""Paths as they may be shown to everybody who looks at the live page: without what names a person.

A site may put an e-mail address, a telephone number or a token into a path. Whatever looks like one
is folded into `*`; a name in plain letters (`/u/anna`) cannot be told from a page's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

FOLDED = "*"

_MAX_SEGMENTS = 8
_MAX_LENGTH = 160
_DIGITS = 6
_RUN_LENGTH = 16
_RUN = re.compile(rf"[A-Za-z0-9_]{{{_RUN_LENGTH},}}")
_LONG = 32  # longer than words are
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@lru_cache(maxsize=10_000)
def page_path(path: str) -> str:
    """The path with each segment that may name somebody as `*`; bounded in length."""
    head, *segments = path.split("/")
    shown = [FOLDED if head and _may_name_somebody(head) else head]
    shown += [FOLDED if _may_name_somebody(segment) else segment for segment in segments]
    if len(segments) > _MAX_SEGMENTS:
        shown = [*shown[: _MAX_SEGMENTS + 1], FOLDED]
    return "/".join(shown)[:_MAX_LENGTH]


def _may_name_somebody(segment: str) -> bool:
    if segment.isalpha() and len(segment) < _RUN_LENGTH:
        return False
    text = unquote(segment)
    if "@" in text or sum(map(str.isdigit, text)) >= _DIGITS or _UUID.search(text):
        return True
    return any(map(_is_token, _RUN.findall(text)))


def _is_token(run: str) -> bool:
    """Of so many characters without a hyphen: letters mixed with digits or cases."""
    mixed = run.lower() != run and run.upper() != run and not run.istitle()
    return len(run) >= _LONG or mixed or any(map(str.isdigit, run))
