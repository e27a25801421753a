"""python -m tests.browser.make_pictures: the README's picture, taken from a running stack."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import QUIET
from tests.stack import CHROME, Stack, stack

OUT = Path(__file__).parent.parent.parent / "infra" / "pictures" / "ops.png"
WAYS = (
    # source, visitors, odds of cart, checkout and order
    ("https://encyclopedia.example/wiki/Teddy_bear", 130, (0.62, 0.7, 0.8)),
    ("https://www.google.com/", 210, (0.4, 0.55, 0.7)),
    ("", 160, (0.3, 0.5, 0.6)),
)
STEPS = ("Product Added", "Checkout Started", "Order Completed")


def shop(running: Stack) -> None:
    """Some hundred visits of the last hours, decided and sent as a shop would."""
    chance = random.Random(7)
    for source, visitors, odds in WAYS:
        messages: list[dict[str, object]] = []
        for number in range(visitors):
            messages += visit(running, chance, f"{source}{number}", source, odds)
        for at in range(0, len(messages), 200):
            running.segment("batch", batch=messages[at : at + 200])


def visit(
    running: Stack, chance: random.Random, name: str, source: str, odds: tuple[float, ...]
) -> list[dict[str, object]]:
    device = f"{chance.getrandbits(64):016x}"
    at = datetime.now(UTC) - timedelta(minutes=chance.triangular(1, 58, 10))
    decision = running.homepage(anonymous_id=device, referrer=source)
    page = {"url": "https://toyhouse.example/p/teddy", "referrer": source}
    sent: list[dict[str, object]] = [
        {
            "type": "page",
            "anonymousId": device,
            "timestamp": at.isoformat(),
            "context": {"page": page, "userAgent": CHROME},
            "properties": {"variant": decision["variant"], "decision_id": decision["decision_id"]},
        }
    ]
    for step, odd in zip(STEPS, odds, strict=True):
        if chance.random() > odd:
            break
        at = min(at + timedelta(seconds=chance.randrange(5, 60)), datetime.now(UTC))
        properties = {"currency": "EUR", "order_id": device, "revenue": 19.9}
        sent.append(
            {
                "type": "track",
                "event": step,
                "anonymousId": device,
                "timestamp": at.isoformat(),
                "properties": properties,
            }
        )
    return sent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with stack(directory / "state", directory / "up.log") as running, sync_playwright() as p:
            shop(running)
            running.drain()
            browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
            page = browser.new_page(
                viewport={"width": 1180, "height": 760}, device_scale_factor=1.5
            )
            page.goto(f"{running.personalize}/ops")
            page.wait_for_timeout(2500)
            OUT.parent.mkdir(exist_ok=True)
            page.screenshot(path=str(OUT))
            browser.close()
            print(running.footfall("funnel", "checkout"))  # noqa: T201


if __name__ == "__main__":
    main()
