"""The examples of infra/docs/integrate for what stands in front of a site: one copy a variant.

Each is run as it is written but for its addresses, with Footfall there, too slow and away.
"""

from __future__ import annotations

import http.client
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import infra
from infra.embedded.ports import is_taken
from personalize_api.decision.arrival import HomepageInput
from schemas.decision_token import Decided, read
from schemas.settings import Settings
from tests.integration.personalize_service import Client, serving
from tests.ports import free_offset
from tests.processes import await_true
from tests.requirements import program
from tests.slow_proxy import slow_proxy

EXAMPLES = Path(infra.__path__[0]) / "docs" / "integrate"
REFERRER = "https://encyclopedia.example/?a=1&b=2"
NOWHERE = 1

Addresses = dict[str, str]
Proxy = Callable[[Path, int, Addresses], AbstractContextManager[None]]
"""Runs an example in this folder, listening at this port, with these addresses for its own."""


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


class Shop(http.server.ThreadingHTTPServer):
    """A site that prints the variant it is told, and notes what it is asked with."""

    def __init__(self) -> None:
        shop = self
        self.told: set[str] = set()
        self.told_variants: list[str] = []

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shop.told |= {f"{name}: {value}" for name, value in self.headers.items()}
                shop.told_variants.append(self.headers["Footfall-Variant"])
                body = shop.told_variants[-1].encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Page)


@contextmanager
def open_shop() -> Iterator[Shop]:
    shop = Shop()
    serves = threading.Thread(target=shop.serve_forever)
    serves.start()
    try:
        yield shop
    finally:
        shop.shutdown()
        serves.join()
        shop.server_close()


def with_addresses(example: str, own: Addresses) -> str:
    text = (EXAMPLES / example).read_text()
    for written, mine in own.items():
        assert written in text
        text = text.replace(written, mine)
    return text


@contextmanager
def running(words: list[str], folder: Path, port: int, **more: str) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | more)
    try:
        await_true(
            lambda: process.poll() is not None or is_taken("127.0.0.1", port), 30, "it listens"
        )
        assert process.poll() is None, (folder / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def nginx(folder: Path, port: int, own: Addresses) -> Iterator[None]:
    mine = {"/var/cache/nginx": str(folder), "listen 80;": f"listen 127.0.0.1:{port};"}
    example = with_addresses("nginx.conf", own | mine)
    places = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # who owns the folder
    server = f"{user} daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
    conf = folder / "nginx.conf"
    conf.write_text(f"{server} http {{ access_log off; {places}\n{example}\n}}")
    words = [program("nginx"), "-p", str(folder), "-c", str(conf)]
    with running(words, folder, port):
        yield


@contextmanager
def varnish(folder: Path, port: int, own: Addresses) -> Iterator[None]:
    vcl = folder / "varnish.vcl"
    ports = {f'.port = "{old.split(":")[1]}"': new.split(":")[1] for old, new in own.items()}
    vcl.write_text(
        with_addresses("varnish.vcl", {old: f'.port = "{new}"' for old, new in ports.items()})
    )
    words = [program("varnishd"), "-F", "-j", "none", "-n", str(folder / "varnish")]
    words += ["-a", f"127.0.0.1:{port}", "-f", str(vcl), "-s", "malloc,10m"]
    with running(words, folder, port):
        yield


WORKER = """
    import http from 'node:http'
    import worker from {worker}
    const held = new Map() // what the edge has as `caches.default`
    globalThis.caches = {{ default: {{
      match: async key => held.get(key.url)?.clone(),
      put: async (key, copy) => {{ held.set(key.url, copy) }}
    }} }}
    const env = {env}
    http.createServer(async (asked, answer) => {{
      const url = `http://${{asked.headers.host}}${{asked.url}}`
      const headers = new Headers(Object.entries(asked.headers))
      const page = await worker.fetch(new Request(url, {{ headers }}), env, {{ waitUntil() {{}} }})
      answer.writeHead(page.status, [...page.headers].flat())
      answer.end(Buffer.from(await page.arrayBuffer()))
    }}).listen({port}, '127.0.0.1')
"""


@contextmanager
def edge_worker(folder: Path, port: int, own: Addresses) -> Iterator[None]:
    footfall, site = (f"http://{own[f'127.0.0.1:{port}']}" for port in (8081, 8082))
    env = {"FOOTFALL": footfall, "SITE": site, "FOOTFALL_KEY": "sk_demo"}
    worker = (EXAMPLES / "worker.mjs").as_uri()
    script = WORKER.format(worker=json.dumps(worker), env=json.dumps(env), port=port)
    with running([program("node"), "--input-type=module", "-e", script], folder, port):
        yield


def visit(port: int, **headers: str) -> tuple[bytes, dict[str, str]]:
    """The homepage's body, and the cookies that it sets."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/?utm_term=toys", headers=named)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    assert answer.headers["Cache-Control"] == "private, no-cache"
    cookies = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    return body, dict(cookie.partition(";")[0].split("=", 1) for cookie in cookies)


def in_time(port: int, **headers: str) -> tuple[bytes, dict[str, str]]:
    """A visit for which Footfall was asked in time, which a busy machine may not manage at once."""
    for _ in range(50):
        body, cookies = visit(port, **headers)
        if cookies["ff_decision"]:
            return body, cookies
    raise AssertionError("Footfall is never asked in time")


@pytest.mark.parametrize("proxy", [nginx, varnish, edge_worker])
def test_a_cache_in_front_keeps_one_copy_a_variant(
    client: Client, addresses: Settings, tmp_path: Path, proxy: Proxy
) -> None:
    port = 8080 + free_offset()
    reader = {"Referer": REFERRER, "Cookie": "consent=granted"}
    with open_shop() as shop, slow_proxy(client.port) as way:
        own = {
            "127.0.0.1:8081": f"127.0.0.1:{way.port}",
            "127.0.0.1:8082": f"127.0.0.1:{shop.server_port}",
        }
        with proxy(tmp_path, port, own):
            readers = [in_time(port, **reader) for _ in range(3)]
            assert {body for body, _ in readers} == {b"bestsellers"}
            assert shop.told_variants.count("bestsellers") == 1
            assert len({cookies["ff_id"] for _, cookies in readers}) == 3
            decided = read(readers[0][1]["ff_decision"], addresses.secret_key)
            assert decided == Decided("encyclopedia", "bestsellers")
            known, cookies = in_time(port, Cookie="consent=granted; ff_id=known")
            assert (known, cookies["ff_id"]) == (b"classic", "known")
            refused, cookies = in_time(port, Sec_GPC="1", Cookie="ff_id=known")
            assert (refused, "ff_id" in cookies) == (b"classic", False)
            assert not any(of in line for line in shop.told for of in ("known", "sk_demo"))
            forged = {f"Footfall-{name}": "1" for name in ("User-Id", "Variant", "Cache-Key")}
            assert in_time(port, **forged, Cookie="consent=granted")[0] == b"classic"

            way.delay_s = 3.0
            assert visit(port, **reader)[0] == b"classic"
            way.delay_s = 0.0
            way.lead_to(NOWHERE)
            assert visit(port, **reader) == (b"classic", {"ff_decision": ""})
            assert sorted(shop.told_variants) == ["bestsellers", "classic"]


def test_varnish_lets_no_visitor_speak_with_the_sites_key() -> None:
    """Whatever Footfall reads of a proxy's headers is set by the example, or taken away."""
    example = (EXAMPLES / "varnish.vcl").read_text()
    for field in HomepageInput.__struct_fields__:
        header = "-".join(word.capitalize() for word in field.split("_"))
        ours = (f"set bereq.http.Footfall-{header} =", f"unset req.http.Footfall-{header};")
        assert any(line in example for line in ours), header
