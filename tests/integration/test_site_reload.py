"""The site file is edited while visitors ask: no answer fails, and the new scenarios hold."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

from infra.doctor import service_check
from schemas.current_site import CurrentSite
from schemas.settings import Settings
from tests.integration.personalize_service import Client, make_raw_topic, serving
from tests.processes import await_true

ONE = """\
version: 1
site: {name: One, timezone: Europe/Berlin}
write_keys: [{key: sk_one, kind: server}]
homepage:
  default: classic
  scenarios: [{name: weekly, when: {utm_campaign: week}, variant: one}]
"""
TWO = ONE.replace("variant: one", "variant: two").replace("sk_one", "sk_two")


def test_scenarios_and_keys_change_under_load(
    addresses: Settings, redis_url: str, kafka_address: str, tmp_path: Path
) -> None:
    make_raw_topic(kafka_address)
    path = tmp_path / "site.yaml"
    path.write_text(ONE)
    shown: Counter[str] = Counter()
    stop = threading.Event()

    def ask(client: Client) -> None:
        while not stop.is_set():
            answer = client.ask("/v1/homepage?url=https://one.example/?utm_campaign=week")
            shown[f"{answer.status} {answer.json().get('variant')}"] += 1

    with serving(addresses, CurrentSite.read(path)) as client:
        visitors = [threading.Thread(target=ask, args=(client,)) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        try:
            await_true(lambda: shown["200 one"] > 50, 10, "answers by the first file")
            path.write_text("version: 1\nsite: {name: One}\nhomepage: {scenarios: [{name: x}]}\n")
            await_true(lambda: bool(site_of(client)["error"]), 10, "the bad file is told")
            assert site_of(client)["error"].startswith("site.yaml:3: ")
            assert not service_check("personalize", client.url).ok
            assert client.ask("/ready").status == 200
            assert client.metric("footfall_site_file_error") == 1
            began = time.monotonic()
            path.write_text(TWO)
            await_true(lambda: shown["200 two"] > 50, 10, "answers by the new file")
            assert time.monotonic() - began < 8
        finally:
            stop.set()
            for visitor in visitors:
                visitor.join()
        assert shown.keys() == {"200 one", "200 two"}
        assert site_of(client)["error"] is None
        assert service_check("personalize", client.url).ok
        assert client.metric("footfall_site_file_error") == 0
        for key, status in (("sk_one", 401), ("sk_two", 200)):
            headers = {"Authorization": f"Bearer {key}"}
            assert client.ask("/v1/homepage", headers=headers).status == status


def site_of(client: Client) -> dict[str, str]:
    found: dict[str, str] = client.ask("/ready").json()["site"]
    return found
