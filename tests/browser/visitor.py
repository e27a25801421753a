"""A visitor of the demo: a browser of their own, and what its pages complained about."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Request, Response, expect

from tests.demo import Demo
from tests.stack import CHROME

Launch = Callable[..., Browser]
"""Starts a browser with more arguments."""

_GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
_LEFT = "net::ERR_ABORTED"  # not wanted any more, as the page was left
_numbers = itertools.count(1)


class Visitor:
    """One person at one computer. `complaints`: errors of scripts, failed and refused requests."""

    def __init__(self, context: BrowserContext, demo: Demo) -> None:
        self.context = context
        self.demo = demo
        self.complaints: list[str] = []
        self._answers: list[Response] = []
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", lambda said: self._note(said.type in ("error", "warning"), said.text))
        context.on(
            "requestfailed",
            lambda asked: self._note(asked.failure != _LEFT, f"{asked.url} {asked.failure}"),
        )
        context.on("response", self._read)
        self.page = context.new_page()

    def go(self, path: str = "/") -> None:
        """A page of the shop, by its address alone: nobody has sent the visitor."""
        self.page.goto(self.demo.shop + path)

    def from_encyclopedia(self, article: str = "Teddy_bear") -> str:
        """Reads an article and follows its link to the shop. The article's address."""
        address = f"{self.demo.encyclopedia}/wiki/{article}"
        self.page.goto(address)
        self.page.locator(f"a[href^='{self.demo.shop}']").first.click()
        self.page.wait_for_url(f"{self.demo.shop}/**")
        return address

    def agree(self) -> None:
        """Returns when the collector has heard of it."""
        with self.page.expect_request_finished(_tells_consent):
            self.click("consent-accept")

    def refuse(self) -> None:
        self.click("consent-refuse")

    def click(self, control: str) -> None:
        """A control by its `data-test`; the first of several."""
        self.page.locator(f"[data-test={control}]").first.click()

    def log_in(self, email: str) -> None:
        """The first login makes the account."""
        self.go("/login")
        self.page.fill("[data-test=login-email]", email)
        self.page.fill("[data-test=login-password]", "a password")
        self.click("login-submit")
        expect(self.page).to_have_url(re.compile("/account"))

    def orders(self, path: str) -> None:
        """From a product's page to the thanks."""
        self.go(path)
        self.click("add-to-cart")
        self.click("to-checkout")
        self.click("place-order")
        expect(self.page).to_have_url(re.compile("/order/"))

    def shown(self, path: str = "/") -> str:
        """The variant of the homepage that the visitor gets now."""
        self.go(path)
        return self.page.locator("main").get_attribute("data-ff-variant") or ""

    def badge(self, line: str) -> str:
        return self.page.locator(f"[data-test=badge-{line}]").text_content() or ""

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}

    def cookies_sent(self) -> list[str]:
        """Every cookie that any answer set or took away, whether it is still there or not."""
        sent = (answer.all_headers().get("set-cookie", "") for answer in self._answers)
        return [cookie for cookie in sent if cookie]

    @property
    def device(self) -> str:
        return self.cookies["ff_id"]

    def events(self, columns: str, where: str = "true") -> list[list[str]]:
        """This device's events in ClickHouse, in order. Drain first."""
        return self.demo.sql(
            f"SELECT {columns} FROM events WHERE device_id = '{self.device}' AND {where} "
            "ORDER BY event_time, event_id"
        )

    def _note(self, bad: bool, text: str) -> None:
        if bad:
            self.complaints.append(text)

    def _read(self, answer: Response) -> None:
        self._answers.append(answer)
        self._note(answer.status >= 400, f"{answer.url} {answer.status}")


@contextmanager
def visiting(launch: Launch, demo: Demo, *, gpc: bool = False, **options: Any) -> Iterator[Visitor]:
    """A new visitor with a browser process of their own: what a page sends while it is left has
    the process's user agent, and by that the pseudonyms of two visitors differ.

    `options` are the browser context's. A page that complained is an error.
    """
    user_agent = CHROME.replace("141.0.0.0", f"141.0.{next(_numbers)}.0")
    browser = launch(f"--user-agent={user_agent}")
    headers = {"Sec-GPC": "1"} if gpc else {}
    context = browser.new_context(extra_http_headers=headers, **options)
    if gpc:
        context.add_init_script(_GPC)
    visitor = Visitor(context, demo)
    yield visitor
    browser.close()
    assert not visitor.complaints, "\n".join(visitor.complaints)


def _tells_consent(request: Request) -> bool:
    return request.url.endswith("/b") and "Consent Granted" in (request.post_data or "")
