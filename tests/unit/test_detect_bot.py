"""Bots by user agent: our own cases always, and the share of real devices and bots by lists."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from streams.steps.detect_bot import detect_bot

PERSONS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Mobile Safari/537.36",
    # telephones, televisions and browsers with names that sound like programs
    "Mozilla/5.0 (Linux; Android 14; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 7.0; M bot 54) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/78.0.3904.96 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 15; RMX3944 Build/AP3A.240617.008; wv) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Version/4.0 Chrome/141.0.7390.98 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; TLA001 Build/QP1A; wv) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Version/4.0 Chrome/80.0 Mobile Safari/537.36 SogouMSE,SogouMobileBrowser/6.1.5",
    "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/68.0.3440.106 Safari/537.36 WebAppManager",
]
BOTS = {
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "known_crawler",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
    "+http://www.google.com/bot.html)": "known_crawler",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    "+https://openai.com/gptbot)": "known_crawler",
    "facebookexternalhit/1.1": "known_crawler",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "HeadlessChrome/141.0.0.0 Safari/537.36": "tool_or_headless",
    "curl/8.5.0": "tool_or_headless",
    "python-requests/2.32": "tool_or_headless",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)": "tool_or_headless",
    "Mozilla/5.0 (Linux; Android 8.0; Pixel 2 Build/OPD3; Storebot-Google/1.0) "
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/81.0 Mobile Safari/537.36": "tool_or_headless",
}
APPS = [
    "okhttp/4.12.0",
    "analytics-kotlin/1.16.3",
    "Toyhouse/31 CFNetwork/1568.200.51 Darwin/24.1.0",
    "Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8 Build/AP3A)",
    "Toyhouse/3.1 (iPhone; iOS 18.1; Scale/3.00)",
]


@pytest.mark.parametrize("agent", PERSONS)
def test_what_persons_browse_with_is_no_bot(agent: str) -> None:
    assert detect_bot(agent, "beacon") == ""


@pytest.mark.parametrize(("agent", "reason"), BOTS.items())
def test_a_bot_is_flagged_with_its_reason(agent: str, reason: str) -> None:
    assert detect_bot(agent, "beacon") == reason
    assert detect_bot(agent, "segment") == reason


@pytest.mark.parametrize("agent", APPS)
def test_an_app_is_not_suspected_for_the_kit_it_is_made_with(agent: str) -> None:
    assert detect_bot(agent, "segment") == ""
    assert detect_bot(agent, "posthog") == ""


def test_no_user_agent_is_suspicious_only_where_a_browser_would_send_one() -> None:
    assert detect_bot("", "beacon") == "no_user_agent"
    assert detect_bot("", "log") == "no_user_agent"
    assert detect_bot("", "log", ["agent_not_logged"]) == ""
    assert detect_bot("", "segment") == ""


# -- measured on the user agents of device-detector's own tests, which no list of ours is made of --

_AGENT = re.compile(r"^ *(?:- )?user_agent: *(.*)$", re.MULTILINE)
_WITH_PAGES = ("desktop", "smartphone", "phablet", "tablet", "tv", "feature_phone", "console")


def agents_of(*kinds: str) -> set[str]:
    """User agents of browsers, by kind of device, in device-detector's tests."""
    pytest.importorskip("device_detector", reason="no user agents: device-detector is not here")
    folder = files("device_detector") / "tests" / "fixtures" / "upstream"
    found: set[str] = set()
    for file in folder.iterdir():
        if file.name.split("-")[0].removesuffix(".yml") in kinds:
            for text in _AGENT.findall(file.read_text(encoding="utf-8")):
                found.add(text.strip().strip("'\""))
    if not found:
        pytest.skip("device-detector came without its tests")
    return found


def test_fewer_than_one_in_500_real_devices_is_flagged() -> None:
    agents = [
        agent for agent in agents_of(*_WITH_PAGES) if agent.startswith(("Mozilla/", "Opera/"))
    ]
    sample = sorted(agents)[::8]
    flagged = [agent for agent in sample if detect_bot(agent, "beacon")]
    assert len(sample) > 3000
    assert len(flagged) * 500 < len(sample), flagged


def test_99_of_100_known_bots_are_flagged() -> None:
    bots = agents_of("bots")
    missed = [agent for agent in bots if not detect_bot(agent, "beacon")]
    assert len(bots) > 1000
    assert len(missed) * 100 <= len(bots), missed
