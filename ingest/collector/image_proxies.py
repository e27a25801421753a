"""Mail providers that fetch a letter's images for their readers.

Such a request is no device's: address and user agent are the provider's, and some (Apple's) come
when the letter arrives, whether or not anybody opens it.
"""

from __future__ import annotations

import re

IMAGE_PROXY = "image_proxy"
"""The property of an event that says which provider asked."""

_KNOWN = (
    ("Google", re.compile(r"GoogleImageProxy|ggpht\.com", re.IGNORECASE)),
    ("Google", re.compile(r" Edge/12\.246 Mozilla/5\.0$")),  # Gmail's, before a letter is opened
    ("Yahoo", re.compile(r"YahooMailProxy", re.IGNORECASE)),
    ("Apple", re.compile(r"^Mozilla/5\.0$")),  # its whole user agent: Mail Privacy Protection
    ("other", re.compile(r"image-?proxy|mail-?proxy", re.IGNORECASE)),
)


def image_proxy(user_agent: str) -> str:
    """The provider's name, `other` for one we do not know, '' for a reader's own program."""
    for name, pattern in _KNOWN:
        if pattern.search(user_agent):
            return name
    return ""
