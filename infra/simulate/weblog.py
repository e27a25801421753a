"""The same past as the shop's web server would have written it down: combined log lines.

Pages with their status, bytes, referrer and user agent; beside them what a server sees and the
importer leaves out: static files, form posts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from zlib import crc32

import msgspec

from infra.simulate.acts import Act
from infra.simulate.odds import ASKED_TWICE, NOT_FOUND, is_drawn
from infra.simulate.past import Past, Plan
from infra.simulate.truth import Truth
from schemas.ids import uuid5

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
_POSTS = {
    "Product Added": "/cart",
    "Cart Emptied": "/cart",
    "Order Completed": "/checkout",
    "Newsletter Signed Up": "/newsletter",
    "Logged Out": "/logout",
}
_DEAD_LINKS = ("/p/doll-house-1998", "/sale", "/katalog.html", "/p/teddy", "/impressum.php")
_STYLES = ("/static/toyhouse.css", "/static/toyhouse.js", "/favicon.ico")


class LogLine(msgspec.Struct):
    """`truth` is None for lines that are no page view."""

    text: str
    truth: Truth | None = None


def log_lines(plan: Plan) -> Iterator[LogLine]:
    """Lines in order of time. Event ids are those that `footfall import-logs` derives."""
    scribe = Scribe(plan)
    for act in Past(plan).acts():
        yield from scribe.lines(act)


class Scribe:
    """Writes down what people and bots do, act by act, in order of time."""

    def __init__(self, plan: Plan) -> None:
        self._chance = Random(plan.seed ^ 0x106)
        self._site = plan.site.name
        self._origin = plan.origin
        self._second = 0
        self._equal: Counter[str] = Counter()  # lines of this second: equal lines have equal times
        self._visit_of: dict[str, str] = {}  # ip -> the visit that has loaded the styles

    def lines(self, act: Act) -> Iterator[LogLine]:
        step = act.step
        if act.is_backend:
            return
        if step.type == "page":
            yield from self._page(act)
        elif step.type == "identify":
            target = "/account" if step.profile_id else "/login"
            yield self._other(act, "POST", target, 303, 0, self._origin + step.path)
        elif step.name in _POSTS:
            yield self._other(act, "POST", _POSTS[step.name], 303, 0, self._origin + step.path)

    def _page(self, act: Act) -> Iterator[LogLine]:
        step = act.step
        first = self._visit_of.get(act.ip) != act.visit
        self._visit_of[act.ip] = act.visit
        if first and not act.person:
            yield self._view(act, "/robots.txt", 200, 114)
        if act.person and is_drawn(self._chance, NOT_FOUND):
            yield self._view(act, self._chance.choice(_DEAD_LINKS), 404, 1204)
        yield self._view(act, step.path, 200, _size(step.path))
        if not act.person:
            return
        if is_drawn(self._chance, ASKED_TWICE):
            yield self._view(act, step.path, 200, _size(step.path))
        here = self._origin + step.path
        if first:
            for file in _STYLES:
                yield self._other(act, "GET", file, 200, 4_000 + 37 * len(file), here)
        if step.path.startswith("/p/"):
            picture = f"/pictures/{step.path[3:].partition('?')[0]}.svg"
            yield self._other(act, "GET", picture, 200, 2_900, here)

    def _view(self, act: Act, target: str, status: int, size: int) -> LogLine:
        text = self._text(act, "GET", target, status, size, act.step.referrer)
        second = act.at // 1000
        if second != self._second:
            self._second = second
            self._equal.clear()
        count = self._equal[text]
        self._equal[text] += 1
        truth = Truth(
            event_id=uuid5("log", self._site, text, count),
            device_id="",  # a pseudonym, made with a salt that nobody knows
            event_time=second * 1000,
            person=act.person,
            session=act.visit,
            kind="visitor" if act.person else "bot",
            consent="granted" if act.consents else "denied",
            is_line=True,
            ip=act.ip,
            user_agent=act.user_agent,
        )
        return LogLine(text, truth)

    def _other(
        self, act: Act, method: str, target: str, status: int, size: int, referrer: str
    ) -> LogLine:
        return LogLine(self._text(act, method, target, status, size, referrer))

    def _text(
        self, act: Act, method: str, target: str, status: int, size: int, referrer: str
    ) -> str:
        at = datetime.fromtimestamp(act.at // 1000, UTC)
        time = f"{at:%d}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S} +0000"
        protocol = "HTTP/2.0" if act.person else "HTTP/1.1"
        return (
            f'{act.ip} - - [{time}] "{method} {target} {protocol}" {status} {size} '
            f'"{referrer or "-"}" "{act.user_agent or "-"}"'
        )


def _size(target: str) -> int:
    """Bytes of a page: always the same for the same page."""
    return 7_000 + crc32(target.encode()) % 25_000
