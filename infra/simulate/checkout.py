"""The shop's own checkout, as simulated shoppers meet it: while it is broken they cannot order."""

from __future__ import annotations

import time

import httpx

_ASK_EVERY_S = 1.0


class Checkout:
    """`url` of the shop; '' where nobody keeps one, and orders are always taken."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url and url.rstrip("/") + "/checkout"
        self._works = True
        self._ask_at = 0.0  # monotonic

    async def works(self) -> bool:
        """False while it answers 5xx. A shop that is not there says nothing about its checkout."""
        if self._url and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + _ASK_EVERY_S
            try:
                answer = await self._client.get(self._url)
                self._works = answer.status_code < 500
            except httpx.HTTPError:
                self._works = True
        return self._works
