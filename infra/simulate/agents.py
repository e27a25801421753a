"""User agents as they are sent: of current browsers, of crawlers, and of tools."""

from __future__ import annotations

from infra.simulate.odds import Weighted

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 {}Safari/537.36"
_IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{0} Mobile/15E148 Safari/604.1"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
_RECENT = (139, 140, 141, 142)  # Chromium's last versions


def _chromium(system: str, after: str = "", suffix: str = "") -> list[str]:
    agents = [f"{system} {_CHROME.format(version, after)}" for version in _RECENT]
    return [agent + suffix.format(version) for agent, version in zip(agents, _RECENT, strict=True)]


def _spread(agents: list[str], weight: float) -> list[tuple[str, float]]:
    """One weight for several versions, the newest ones most."""
    return [(agent, weight * (n + 1)) for n, agent in enumerate(agents)]


_FIREFOX = [f"Mozilla/5.0 ({{}}; rv:{v}.0) Gecko/20100101 Firefox/{v}.0" for v in (143, 144, 145)]

BROWSERS: dict[str, Weighted[str]] = {
    "phone": Weighted(
        [
            *_spread(_chromium(_ANDROID, "Mobile "), 9),
            *_spread(
                [
                    f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) "
                    + _IOS.format(version)
                    for system, version in (("17_6_1", "17.6"), ("18_6", "18.6"), ("18_7", "26.0"))
                ],
                14,
            ),
            *_spread(
                [
                    f"{_ANDROID} AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{v}.0 "
                    f"Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
                    for v, chrome in ((27, 125), (28, 130))
                ],
                3,
            ),
            ("Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0", 3),
        ]
    ),
    "tablet": Weighted(
        [
            *_spread(
                [
                    f"Mozilla/5.0 (iPad; CPU OS {system} like Mac OS X) " + _IOS.format(version)
                    for system, version in (("17_6_1", "17.6"), ("18_6", "18.6"))
                ],
                10,
            ),
            *_spread(_chromium(_ANDROID), 3),
        ]
    ),
    "computer": Weighted(
        [
            *_spread(_chromium(_WINDOWS), 8),
            *_spread(_chromium(_MAC), 3),
            *_spread(_chromium(_WINDOWS, suffix=" Edg/{}.0.0.0"), 3),
            *_spread([agent.format("Windows NT 10.0; Win64; x64") for agent in _FIREFOX], 4),
            *_spread([agent.format("X11; Linux x86_64") for agent in _FIREFOX], 1),
            *_spread(
                [
                    f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v} Safari/605.1.15"
                    for v in ("18.6", "26.0")
                ],
                8,
            ),
        ]
    ),
}

CRAWLERS: Weighted[str] = Weighted(
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 30),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 16),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
         "+https://openai.com/gptbot)", 14),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 10),
        ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", 5),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", 4),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "HeadlessChrome/140.0.0.0 Safari/537.36", 6),
        ("python-requests/2.32.3", 5),
        ("curl/8.14.1", 3),
        ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", 7),
    ]
)  # fmt: skip
