"""The personalization service on real servers, for tests to ask over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from personalize_api.app import Server
from personalize_api.recognize.state_reader import StateReader
from schemas.current_site import CurrentSite
from schemas.device_state import DeviceState
from schemas.settings import Ports, Settings
from schemas.site import (
    CookieRules,
    Experiment,
    Funnel,
    Homepage,
    ReferrerRule,
    Scenario,
    Site,
    Step,
    WriteKey,
)
from schemas.topics import RAW
from tests.ports import free_offset

ORIGIN = "https://toyhouse.example"
SERVER_KEY = {"Authorization": "Bearer sk_demo"}
BROWSER_KEY = {"Authorization": "Bearer pk_demo", "Origin": ORIGIN}
ADMIN = {"Authorization": "Bearer a token for tests"}

SITE = Site(
    name="Toyhouse",
    hosts=("toyhouse.example",),
    origins=(ORIGIN,),
    cookie=CookieRules(name="ff_id"),
    write_keys=(WriteKey(key="sk_demo", kind="server"), WriteKey(key="pk_demo", kind="browser")),
    referrers=(ReferrerRule(host="encyclopedia.example", source="Encyclopedia"),),
    funnels={
        "checkout": Funnel(
            name="checkout",
            by=("referrer_source", "variant"),
            steps=(
                Step(name="product", page="/p/*"),
                Step(name="cart", event="Product Added"),
                Step(name="order", event="Order Completed"),
            ),
        ),
        "anyhow": Funnel(name="anyhow", order="any", steps=(Step(name="one", event="One"),)),
    },
    homepage=Homepage(
        default="classic",
        scenarios=(
            Scenario(
                name="encyclopedia",
                when={"referrer_source": ("Encyclopedia",)},
                variant="bestsellers",
            ),
            Scenario(name="members", when={"logged_in": (True,)}, variant="my-home"),
            Scenario(
                name="search-toys",
                when={"class": ("first-time",), "referrer_medium": ("search",)},
                experiment="hero",
            ),
            Scenario(
                name="returning",
                when={"class": ("returning", "registered", "customer")},
                variant="recently-viewed",
            ),
        ),
    ),
    experiments={"hero": Experiment(name="hero", arms={"search-hero": 1.0}, holdout=0.0)},
)


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks one running service."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.url = f"http://{host}:{port}"

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def homepage(self, headers: Mapping[str, str] | None = None, /, **inputs: object) -> Any:
        """The decision as JSON; fails unless it is a 200."""
        answer = self.ask(f"/v1/homepage?{urlencode(inputs)}", headers=headers)
        assert answer.status == 200, answer.body
        return answer.json()

    def metric(self, name: str) -> float:
        for line in self.ask("/metrics").body.decode().splitlines():
            if line.startswith(name) and line[len(name)] in " {":
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name}")


@contextmanager
def serving(settings: Settings, site: Site | CurrentSite = SITE) -> Iterator[Client]:
    """The service on a free port of its own, for the length of the block."""
    ports = Ports.with_offset(free_offset())
    settings = msgspec.structs.replace(settings, ports=ports)
    current = site if isinstance(site, CurrentSite) else CurrentSite(site)
    make_raw_topic(settings.kafka)
    server = Server(settings, current)
    thread = threading.Thread(target=server.run, name="personalize")
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            assert thread.is_alive(), "the service ended at its start"
            assert time.monotonic() < deadline, "the service does not start"
            time.sleep(0.01)
        yield Client(settings.bind, ports.personalize)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the service does not stop"


@contextmanager
def patient() -> Iterator[None]:
    """A deadline that a busy machine keeps, for tests of what is decided and not of how soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateReader.deadline, "__defaults__", (3.0,))
        yield


def make_raw_topic(kafka: str) -> None:
    """Before the first decision: else the broker makes the topic itself, with other partitions.

    Nothing where there is no broker.
    """
    host, _, port = kafka.partition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return
    admin = AdminClient({"bootstrap.servers": kafka})
    if RAW.name not in admin.list_topics(timeout=10).topics:
        admin.create_topics([NewTopic(RAW.name, RAW.partitions, 1)])[RAW.name].result()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def device_state(**fields: object) -> DeviceState:
    """A device in its first visit, but for `fields`."""
    now = now_ms()
    plain = DeviceState(first_seen=now - 60_000, last_seen=now - 1000, starts=(now - 60_000,))
    return msgspec.structs.replace(plain, **fields)
