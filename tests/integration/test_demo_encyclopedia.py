"""The encyclopedia as its own process: articles that lead to the shop and nowhere else."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
import pytest

from infra.demo.encyclopedia import articles
from infra.demo.encyclopedia.articles import ArticleError
from infra.demo.pictures import KINDS
from schemas.settings import Ports
from tests.ports import free_offset

ARTICLES = articles.load()


class Encyclopedia:
    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.url = f"http://127.0.0.1:{ports.encyclopedia}"
        self.shop = f"http://localhost:{ports.shop}"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers)


@pytest.fixture(scope="module")
def encyclopedia() -> Iterator[Encyclopedia]:
    offset = free_offset()
    running = Encyclopedia(Ports.with_offset(offset))
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.demo.encyclopedia"],
        env={**os.environ, "FOOTFALL_PORT_OFFSET": str(offset)},
    )
    try:
        _await_ready(running, process)
        yield running
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def _await_ready(encyclopedia: Encyclopedia, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            encyclopedia.get("/ready").raise_for_status()
            return
        except httpx.TransportError:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it is not ready"
            time.sleep(0.05)


def test_it_says_that_it_is_well(encyclopedia: Encyclopedia) -> None:
    for path in ("/health", "/ready"):
        answer = encyclopedia.get(path)
        assert (answer.status_code, answer.json()) == (HTTPStatus.OK, {"status": "ok"})


def test_the_main_page_shows_every_article_and_the_shop(encyclopedia: Encyclopedia) -> None:
    page = encyclopedia.get("/").text
    assert f'href="{encyclopedia.shop}/"' in page
    for name in ARTICLES:
        assert f'href="/wiki/{name}"' in page


@pytest.mark.parametrize("name", sorted(ARTICLES))
def test_an_article_is_shown_and_leads_to_the_shop(encyclopedia: Encyclopedia, name: str) -> None:
    answer = encyclopedia.get(f"/wiki/{name}")
    page = answer.text
    assert answer.status_code == HTTPStatus.OK
    assert f"<h1>{ARTICLES[name].title}</h1>" in page
    assert re.search(rf'<a href="{encyclopedia.shop}/" data-test="shop-link"', page)
    external = page[page.index('id="External_links"') :]
    first = re.search(r'<a href="([^"]+)"', external)
    assert first is not None
    assert first[1] == f"{encyclopedia.shop}/"


@pytest.mark.parametrize("name", sorted(ARTICLES))
def test_every_address_on_the_page_is_its_own_or_the_shops(
    encyclopedia: Encyclopedia, name: str
) -> None:
    addresses = re.findall(r'(?:href|src)="([^"]+)"', encyclopedia.get(f"/wiki/{name}").text)
    inside = {each.split("#")[0] for each in addresses if each.startswith("/")}
    outside = [each for each in addresses if not each.startswith(("/", "#"))]
    assert all(each.startswith(f"{encyclopedia.shop}/") for each in outside), outside
    for address in inside:
        assert encyclopedia.get(address).status_code == HTTPStatus.OK, address


def test_the_whole_address_of_the_article_arrives_at_the_shop(encyclopedia: Encyclopedia) -> None:
    answer = encyclopedia.get("/wiki/Teddy_bear")
    assert answer.headers["referrer-policy"] == "no-referrer-when-downgrade"
    assert "noreferrer" not in answer.text


def test_the_shop_is_on_the_other_name_of_the_machine(encyclopedia: Encyclopedia) -> None:
    ports = encyclopedia.ports
    here = encyclopedia.get("/", host=f"localhost:{ports.encyclopedia}").text
    assert f'href="http://127.0.0.1:{ports.shop}/"' in here
    elsewhere = encyclopedia.get("/", host=f"demo.example:{ports.encyclopedia}").text
    assert f'href="http://demo.example:{ports.shop}/"' in elsewhere


def test_nobody_is_tracked(encyclopedia: Encyclopedia) -> None:
    for path in ("/", "/wiki/Spinning_top", "/nothing"):
        answer = encyclopedia.get(path)
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/wiki/teddy_bear", "/wiki/Teddy%20bear", "/wiki/Teddy_bears"])
def test_another_spelling_leads_to_the_article(encyclopedia: Encyclopedia, path: str) -> None:
    answer = encyclopedia.get(path)
    assert answer.status_code == HTTPStatus.MOVED_PERMANENTLY
    assert answer.headers["location"] == "/wiki/Teddy_bear"


@pytest.mark.parametrize("path", ["/wiki/<script>alert(1)</script>x", "/wiki/Hoop", "/any/thing"])
def test_what_is_not_there_is_a_page_that_says_so(encyclopedia: Encyclopedia, path: str) -> None:
    answer = encyclopedia.get(path)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "There is no article" in answer.text
    assert "<script" not in answer.text


def test_a_taken_port_ends_it_with_an_error(encyclopedia: Encyclopedia) -> None:
    offset = encyclopedia.ports.encyclopedia - Ports.with_offset(0).encyclopedia
    second = subprocess.run(
        [sys.executable, "-m", "infra.demo.encyclopedia"],
        env={**os.environ, "FOOTFALL_PORT_OFFSET": str(offset)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode != 0
    assert "address already in use" in second.stderr
    with socket.create_connection(("127.0.0.1", encyclopedia.ports.encyclopedia), 2):
        pass


class TestArticles:
    def test_each_is_long_enough_to_read_and_has_a_drawing(self) -> None:
        assert len(ARTICLES) >= 12
        for article in ARTICLES.values():
            assert 200 <= len(article.text.split()) <= 400, article.title
            assert article.figure.kind in KINDS
            assert len(article.facts) >= 3
            assert len(article.see_also) >= 2

    def test_the_two_bestsellers_of_the_shop_are_among_them(self) -> None:
        assert {"Teddy_bear", "Spinning_top"} <= ARTICLES.keys()

    def test_markup_becomes_html_and_everything_else_is_escaped(self) -> None:
        text = "A **<b>** *so* [[doll]] [[Kite|kites & co]]\n\n== Two\n- one\n- two & three\n"
        lead, second = msgspec.structs.replace(ARTICLES["Kite"], text=text).sections
        assert lead.html == (
            "<p>A <strong>&lt;b&gt;</strong> <em>so</em> "
            '<a href="/wiki/Doll">doll</a> <a href="/wiki/Kite">kites &amp; co</a></p>'
        )
        assert second.heading == "Two"
        assert "<li>two &amp; three" in second.html

    def test_a_link_to_an_article_that_is_not_there_is_a_mistake(self, tmp_path: Path) -> None:
        source = (articles.DIRECTORY / "Kite.yaml").read_text(encoding="utf-8")
        (tmp_path / "Kite.yaml").write_text(source, encoding="utf-8")
        with pytest.raises(ArticleError, match=r"Kite.yaml links to Spinning_top"):
            articles.load(tmp_path)

    def test_a_malformed_article_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "Hoop.yaml").write_text("title: Hoop\n", encoding="utf-8")
        with pytest.raises(ArticleError, match=r"Hoop.yaml.*missing required field"):
            articles.load(tmp_path)
