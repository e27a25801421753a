"""What the visitor uses: kind of device, browser and operating system."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
import ua_parser

# Browsers of Android say `Mobile` on telephones alone; what is no browser (an app) says nothing.
_TABLET = re.compile(
    r"ipad|tablet|kindle|silk/|playbook|/apad\b|android(?!.*\bmobile\b).*applewebkit",
    re.IGNORECASE,
)
_TELEVISION = re.compile(
    r"smart-?tv|apple ?tv|google ?tv|android ?tv|hbbtv|nettv|ce-html|web0s|netcast|vidaa|viera"
    r"|tizen.*tv|bravia|aquos|\bmitv|\btivo|\broku|vizio|smarthub|tbrowser|dunehd|stbapp"
    r"|large screen|youview|[ _]tv[ _/;)]|android[^)]*; aft[a-z]",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"\bmobi|iphone|ipod|phone|lumia|android|\bmidp\b|up\.browser|netfront|blackberry|symbian"
    r"|opera mini|maui",
    re.IGNORECASE,
)
_DESKTOP = re.compile(r"chromebook|\bcros\b|pixelbook", re.IGNORECASE)


DEVICE_CLASSES = ("desktop", "phone", "tablet", "tv")


class UserAgent(msgspec.Struct, frozen=True):
    """Each '' where it is not known. `device_class`: desktop, phone, tablet or tv."""

    device_class: str = ""
    browser: str = ""
    os: str = ""


@lru_cache(maxsize=20_000)
def parse_user_agent(user_agent: str) -> UserAgent:
    if not user_agent:
        return UserAgent()
    parsed = ua_parser.parse(user_agent)
    return UserAgent(
        device_class=device_class_of(user_agent),
        browser=parsed.user_agent.family if parsed.user_agent else "",
        os=parsed.os.family if parsed.os else "",
    )


@lru_cache(maxsize=20_000)
def device_class_of(user_agent: str) -> str:
    """One of DEVICE_CLASSES."""
    if _DESKTOP.search(user_agent):
        return "desktop"
    if _TELEVISION.search(user_agent):
        return "tv"
    if _TABLET.search(user_agent):
        return "tablet"
    return "phone" if _PHONE.search(user_agent) else "desktop"
