"""Known crawlers, headless browsers, monitors and tools, by user agent.

Two well-kept lists that complement one another, and a few words of our own. Both look for words
anywhere, so what the maker of a telephone or an app's browser called it is taken out before:
`CUBOT X18` and `HTC Butterfly` are telephones (decision 0013 has the measurements).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from crawleruseragents import is_crawler
from is_bot import Bots

# Tools that no person browses with, and what the lists miss.
_TOOLS = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|cypress|electron-prerender"
    r"|^(curl|wget|python-requests|python-urllib|python/|aiohttp|httpx|go-http-client|java/"
    r"|apache-httpclient|libwww|lwp|ruby|php|perl|node-fetch|axios|undici|postmanruntime|insomnia"
    r"|scrapy|k6/|apachebench|siege|jmeter)"
    r"|pingdom|uptimerobot|statuscake|site24x7|newrelicpinger|datadogsynthetics|lighthouse"
    r"|gtmetrix|\bassetnote/|\b(?:duplexweb|storebot)-google/",
    re.IGNORECASE,
)

# The first comment of an Android browser: the model stands in it, and what crawls stands after it.
_MODEL = re.compile(
    r"\((?:Linux|X11|Android)[^()]*\b(?:Android|GoogleTV)\b[^()]*(?:\([^()]*\)[^()]*)*\)"
)

# Browsers and parts of them that are named like a crawler, a fetcher or a tool.
_BROWSERS = re.compile(
    r"Sogou(?:MSE|MobileBrowser|Search Android)\S*|\bViber/\S*|\bOMI/\S+|\bWebAppManager\b"
    r"|\bGoogleTV\b\S*|com\.google\.GooglePlus/|\bQQDownload\b|\bchromeframe/|MicroMessenger/.*"
)

# Apps send their events through the kits of their platform, which the lists take for tools.
_APPS = re.compile(
    r"^okhttp/|^Dalvik/|^Dart/|\bCFNetwork/|\bDarwin/|\bAlamofire/"
    r"|^(?:analytics|rudder\w*|posthog|snowplow)[-.](?:ios|swift|android|kotlin|flutter"
    r"|react-native|unity)\b"
    r"|^(?!Mozilla/)[^/(]{1,80}/[\w.]+ \([^)]*\b(?:iOS|iPadOS|Android|iPhone|iPad)\b",
    re.IGNORECASE,
)

# The user agent of these comes from the visitor's own program, so its absence says something.
_OWN_AGENT = frozenset({"beacon", "pixel", "log"})
# A log format without user agents; a mail provider that asked for its reader: what is not told says
# nothing.
_NOT_TOLD = frozenset({"agent_not_logged", "image_proxy"})

_is_bot = Bots().is_bot


def detect_bot(user_agent: str, protocol: str, notes: Sequence[str] = ()) -> str:
    """Why the sender is a bot, or '' for a visitor. `notes`: the event's.

    What an app's own SDK sends is not suspected for the kit that it is made with.
    """
    if not user_agent:
        silent = protocol in _OWN_AGENT and _NOT_TOLD.isdisjoint(notes)
        return "no_user_agent" if silent else ""
    reason = _by_agent(user_agent)
    if reason and protocol not in _OWN_AGENT and _APPS.search(user_agent):
        return ""
    return reason


@lru_cache(maxsize=20_000)
def _by_agent(user_agent: str) -> str:
    if _TOOLS.search(user_agent):
        return "tool_or_headless"
    named = _BROWSERS.sub("", _MODEL.sub("(Linux; Android)", user_agent, count=1))
    return "known_crawler" if is_crawler(named) or _is_bot(named) else ""
