"""What a user agent tells: kind of device, browser and operating system."""

from __future__ import annotations

import pytest

from schemas.user_agent import UserAgent, device_class_of, parse_user_agent
from tests.unit.test_detect_bot import agents_of

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"
_LABELS = {"desktop": "desktop", "smartphone": "phone", "tablet": "tablet", "tv": "tv"}


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        # what browsers have frozen: the version of Windows and of macOS, Android's and its model
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
         UserAgent("desktop", "Chrome", "Windows")),
        (f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Mobile Safari/537.36",
         UserAgent("phone", "Chrome Mobile", "Android")),
        (f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME} Safari/537.36",
         UserAgent("tablet", "Chrome", "Android")),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME} Safari/537.36",
         UserAgent("desktop", "Chrome", "Chrome OS")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/141.0.0.0",
         UserAgent("desktop", "Edge", "Windows")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
         " Version/26.0 Safari/605.1.15", UserAgent("desktop", "Safari", "Mac OS X")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
         " Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
         UserAgent("phone", "Mobile Safari", "iOS")),
        ("Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8)", UserAgent("phone", "Android", "Android")),
        (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_CHROME} Safari/537.36 WebAppManager",
         UserAgent("tv", "Chrome", "Web0S")),
        ("", UserAgent()),
    ],
)  # fmt: skip
def test_what_a_user_agent_tells(agent: str, told: UserAgent) -> None:
    assert parse_user_agent(agent) == told


@pytest.mark.parametrize(
    ("kind", "share"), [("desktop", 0.85), ("smartphone", 0.97), ("tablet", 0.8), ("tv", 0.45)]
)
def test_the_kind_of_device_is_what_others_say(kind: str, share: float) -> None:
    """Of a television or tablet that names only its model nothing but a list of models knows it."""
    sample = sorted(agent for agent in agents_of(kind) if agent.startswith("Mozilla/"))[::4]
    right = sum(device_class_of(agent) == _LABELS[kind] for agent in sample)
    assert right >= share * len(sample)
