"""What somebody did, with everything that is true about it."""

from __future__ import annotations

import msgspec

from infra.simulate.steps import Shown, Step


class Act(msgspec.Struct):
    """A step with who did it, when, and what the browser sends along."""

    at: int  # ms
    step: Step
    person: str  # '' for bots
    visit: str
    device: str  # '' where there is no cookie
    ip: str
    user_agent: str
    language: str
    shown: Shown | None = None
    blocked: bool = False  # the browser runs no beacon: only the web server sees it
    offline: bool = False  # what the visit sends arrives hours later
    clicked_by: str = ""  # whom the mail was sent to whose link led to this page
    at_shared_device: bool = False
    is_backend: bool = False  # said by the shop's backend: no browser, no page

    @property
    def consents(self) -> bool:
        return bool(self.device) or self.is_backend
