"""Known crawlers, headless browsers, monitors and tools, by user agent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from crawleruseragents import is_crawler

# Tools that no person browses with; the list of crawlers knows most of them, not all.
_TOOLS = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|cypress|electron-prerender"
    r"|^(curl|wget|python-requests|python-urllib|python/|aiohttp|httpx|go-http-client|java/"
    r"|apache-httpclient|libwww|lwp|ruby|php|perl|node-fetch|axios|undici|postmanruntime|insomnia"
    r"|scrapy|okhttp-test|k6/|apachebench|siege|jmeter)"
    r"|pingdom|uptimerobot|statuscake|site24x7|newrelicpinger|datadogsynthetics|lighthouse"
    r"|gtmetrix|bot\b|crawler|spider",
    re.IGNORECASE,
)

# The user agent of these comes from the visitor's own program, so its absence says something.
_OWN_AGENT = frozenset({"beacon", "pixel", "log"})
_NOT_LOGGED = "agent_not_logged"  # a log format without user agents: its absence says nothing


def detect_bot(user_agent: str, protocol: str, notes: Sequence[str] = ()) -> str:
    """Why the sender is a bot, or '' for a visitor. `notes`: the event's."""
    if not user_agent:
        silent = protocol in _OWN_AGENT and _NOT_LOGGED not in notes
        return "no_user_agent" if silent else ""
    return _by_agent(user_agent)


@lru_cache(maxsize=20_000)
def _by_agent(user_agent: str) -> str:
    if is_crawler(user_agent):
        return "known_crawler"
    if _TOOLS.search(user_agent):
        return "tool_or_headless"
    return ""
