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
    status: int = 200

    @property
    def consents(self) -> bool:
        return bool(self.device)
