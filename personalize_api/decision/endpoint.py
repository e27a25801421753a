"""An endpoint of the hot path: what it answers to a whole request, and the same as ASGI."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from personalize_api.caller.cors import cors
from personalize_api.decision.request import Receive, Scope, Send, body_of
from personalize_api.decision.respond import refuse, respond
from personalize_api.errors import PersonalizeError
from personalize_api.metrics import Metrics
from schemas.current_site import CurrentSite
from schemas.hot_http import Answer, Headers, send_answer


class HotEndpoint(ABC):
    """A server asks `answer` of what it has read whole, and calls the rest as an application."""

    def __init__(self, site: CurrentSite, metrics: Metrics) -> None:
        self._site = site
        self._metrics = metrics

    @abstractmethod
    async def answer(self, scope: Scope, headers: Headers, body: bytes) -> Answer:
        """To a GET, HEAD or POST; what is refused is an answer too."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        try:
            if scope["method"] == "OPTIONS":
                made = respond(204, b"", cors(self._site.site, headers, preflight=True))
            else:
                made = await self.answer(scope, headers, await body_of(scope, receive))
        except PersonalizeError as error:
            made = self._refused(error, headers)
        await send_answer(send, made)

    def _refused(self, error: PersonalizeError, headers: Mapping[bytes, bytes]) -> Answer:
        self._metrics.refused(error.code)
        return refuse(error, cors(self._site.site, headers))
