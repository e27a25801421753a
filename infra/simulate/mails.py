"""The newsletter's mails: whose token is in the link that somebody clicks."""

from __future__ import annotations

from collections import deque
from random import Random

from infra.simulate.odds import FORWARDED, is_drawn
from infra.simulate.people import Person
from schemas import click_token

_LIFE_MS = 30 * 86_400_000
_REMEMBERED = 200


class Mails:
    """Links name their recipient where that is a member; `secret` '' leaves the token out."""

    def __init__(self, chance: Random, secret: str) -> None:
        self._chance = chance
        self._secret = secret
        self._recipients: deque[str] = deque(maxlen=_REMEMBERED)

    def recipient(self, person: Person) -> str | None:
        """The member number of who got the mail that this person has, '' where it names nobody.

        None where the person has no mail; somebody who gets none may have been sent another's.
        """
        if person.newsletter:
            if person.user_id:
                self._recipients.append(person.user_id)
            return person.user_id
        if not self._recipients or not is_drawn(self._chance, FORWARDED):
            return None
        return self._chance.choice(self._recipients)

    def parameter(self, recipient: str, at_ms: int) -> str:
        """What the link carries for it, '' for nothing."""
        if not recipient or not self._secret:
            return ""
        token = click_token.sign(recipient, at_ms + _LIFE_MS, self._secret)
        return f"{click_token.PARAMETER}={token}"
