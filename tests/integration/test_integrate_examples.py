"""The examples of infra/docs/integrate do what they say, with Footfall there, away and too slow."""

from __future__ import annotations

import http.client
import http.server
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import infra
from infra.embedded.ports import is_taken
from schemas.decision_token import Decided, read
from schemas.settings import Settings
from tests.integration.personalize_service import Client, make_raw_topic, serving
from tests.ports import free_offset
from tests.processes import await_true
from tests.requirements import require
from tests.slow_proxy import slow_proxy

EXAMPLES = Path(infra.__path__[0]) / "docs" / "integrate"
VISIT = {"url": "https://toyhouse.example/", "referrer": "https://encyclopedia.example/?a=1&b=2"}
NOWHERE = "http://127.0.0.1:1"

Homepage = Callable[[str], Any]
"""What an example makes of `VISIT`, asking Footfall at this address."""


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    make_raw_topic(kafka_address)
    with serving(addresses) as client:
        yield client


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        require(name, f"no {name} on PATH")
    return found


def by_python(url: str) -> Any:
    spec = importlib.util.spec_from_file_location("site_example", EXAMPLES / "site.py")
    assert spec is not None
    assert spec.loader is not None
    site = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(site)
    with site.footfall:
        site.footfall.base_url = httpx.URL(url)
        return site.homepage(**VISIT)


def run(words: list[str], url: str) -> Any:
    environment = os.environ | {"FOOTFALL": url}
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by_node(url: str) -> Any:
    script = f"""import {{ homepage }} from {json.dumps(str(EXAMPLES / "site.mjs"))}
        const visit = {json.dumps(VISIT)}
        const began = performance.now()
        await homepage(visit)  // the first connects
        const answer = await homepage(visit)
        console.log(JSON.stringify(answer))"""
    return run([program("node"), "--input-type=module", "-e", script], url)


def by_php(url: str) -> Any:
    code = f"""require {json.dumps(str(EXAMPLES / "site.php"))};
        echo json_encode(homepage(json_decode({json.dumps(json.dumps(VISIT))}, true)));"""
    return run([program("php"), "-r", code], url)


@pytest.mark.parametrize("example", ["site.py", "site.mjs", "site.php"])
def test_an_example_has_fifteen_lines(example: str) -> None:
    assert len((EXAMPLES / example).read_text().splitlines()) <= 15


@pytest.mark.parametrize("ask", [by_python, by_node, by_php])
def test_a_site_shows_what_it_is_told_and_its_default_without_an_answer(
    client: Client, ask: Homepage
) -> None:
    answer = ask(client.url)
    assert (answer["variant"], answer["scenario"]) == ("bestsellers", "encyclopedia")
    assert answer["decision_id"]
    expected = {"variant": "classic", "decision_id": "", "visitor": {"anonymous_id": None}}
    assert ask(NOWHERE) == expected
    with slow_proxy(client.port) as slow:
        slow.delay_s = 3.0
        assert ask(f"http://127.0.0.1:{slow.port}") == expected
    with refusing() as url:
        assert ask(url) == expected


class refusing:
    """A server that answers everything with an error and a page."""

    def __enter__(self) -> str:
        class Broken(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(502)
                self.end_headers()
                self.wfile.write(b"<h1>Bad Gateway</h1>")

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Shop(http.server.ThreadingHTTPServer):
    """A site behind nginx: prints the variant that it is told, and counts how often it is asked."""

    asked = 0

    def __init__(self) -> None:
        shop = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.asked += 1
                body = self.headers["Footfall-Variant"].encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Page)


def test_nginx_keeps_one_copy_a_variant(
    client: Client, addresses: Settings, tmp_path: Path
) -> None:
    nginx, shop, port = program("nginx"), Shop(), 8080 + free_offset()
    serves = threading.Thread(target=shop.serve_forever)
    serves.start()
    example = (EXAMPLES / "nginx.conf").read_text()
    for written, own in (
        ("/var/cache/nginx", str(tmp_path)),
        ("127.0.0.1:8081", f"127.0.0.1:{client.port}"),
        ("127.0.0.1:8082", f"127.0.0.1:{shop.server_port}"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
    ):
        assert written in example
        example = example.replace(written, own)
    places = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # who owns the folder
    server = f"{user} daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"{server} http {{ access_log off; {places}\n{example}\n}}")
    with (tmp_path / "log").open("wb") as log:
        words = [nginx, "-p", str(tmp_path), "-c", str(conf)]
        process = subprocess.Popen(words, stderr=log)

    def visit(**headers: str) -> tuple[bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", "/", headers=named)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, (body, (tmp_path / "log").read_text())
        cookies = [value for name, value in answer.getheaders() if name == "Set-Cookie"]
        return body, dict(cookie.partition(";")[0].split("=", 1) for cookie in cookies)

    try:
        await_true(lambda: is_taken("127.0.0.1", port), 10, "nginx listens")
        readers = [visit(Referer=VISIT["referrer"], Cookie="consent=granted") for _ in range(3)]
        assert {body for body, _ in readers} == {b"bestsellers"}
        assert shop.asked == 1
        assert len({cookies["ff_id"] for _, cookies in readers}) == 3
        decided = read(readers[0][1]["ff_decision"], addresses.secret_key)
        assert decided == Decided("encyclopedia", "bestsellers")
        known, cookies = visit(Cookie="consent=granted; ff_id=known")
        assert (known, cookies["ff_id"], shop.asked) == (b"classic", "known", 2)
        refused, cookies = visit(Sec_GPC="1", Cookie="ff_id=known")
        assert (refused, "ff_id" in cookies, shop.asked) == (b"classic", False, 2)
        conf.write_text(conf.read_text().replace(f"127.0.0.1:{client.port}", "127.0.0.1:1"))
        process.send_signal(signal.SIGHUP)
        reader = {"Referer": VISIT["referrer"], "Cookie": "consent=granted"}
        await_true(lambda: visit(**reader)[0] == b"classic", 10, "the default, without Footfall")
    finally:
        process.terminate()
        process.wait(20)
        shop.shutdown()
        serves.join()
        shop.server_close()
