"""The examples of infra/docs/integrate for a site's server: Footfall there, away, slow, broken."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import infra
from schemas.settings import Settings
from tests.integration.personalize_service import Client, make_raw_topic, serving
from tests.requirements import program
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
