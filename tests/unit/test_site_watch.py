"""Whom a changed site file concerns in a running stack."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from infra.embedded import site_watch
from infra.embedded.site_watch import NOT_COUNTED, counted
from schemas import current_site
from schemas.site import Experiment, Funnel, Geo, Homepage, Scenario, Site, Step, WriteKey

SITE = Site(name="T", funnels={"f": Funnel(name="f", steps=(Step(name="one", event="One"),))})
OTHERS: dict[str, object] = {
    "homepage": Homepage(default="other"),
    "write_keys": (WriteKey(key="k", kind="server"),),
    "origins": ("https://t.example",),
}


@pytest.mark.parametrize("section", OTHERS)
def test_the_stream_goes_on_where_it_counts_by_the_same(section: str) -> None:
    assert counted(msgspec.structs.replace(SITE, **{section: OTHERS[section]})) == counted(SITE)


def test_the_stream_starts_again_for_what_it_counts() -> None:
    funnel = Funnel(name="f", steps=(Step(name="one", event="Two"),))
    experiment = Experiment(name="e", arms={"a": 1.0}, goal="Order Completed")
    for other in (
        msgspec.structs.replace(SITE, funnels={"f": funnel}),
        msgspec.structs.replace(SITE, experiments={"e": experiment}),
        msgspec.structs.replace(SITE, hosts=("t.example",)),
        msgspec.structs.replace(SITE, identity_horizon_ms=1),
    ):
        assert counted(other) != counted(SITE)


def test_only_what_is_there_is_left_out() -> None:
    assert set(Site.__struct_fields__) >= NOT_COUNTED


def test_of_the_homepage_only_whether_it_is_chosen_is_counted_by() -> None:
    def site(condition: str, variant: str) -> Site:
        scenario = Scenario(name="s", when={condition: (True,)}, variant=variant)
        homepage = Homepage(default="classic", scenarios=(scenario,))
        return msgspec.structs.replace(SITE, homepage=homepage)

    shown = site("logged_in", "members")
    assert counted(shown) == counted(site("hour", "members"))
    assert counted(shown) == counted(site("logged_in", "offers"))
    located = msgspec.structs.replace(shown, geo=Geo(database=Path("x.mmdb")))
    by_country = msgspec.structs.replace(located, homepage=site("country", "x").homepage)
    assert counted(by_country) != counted(located), "devices' countries are kept or not"
    assert counted(shown) != counted(SITE), "the funnel `homepages` is there or not"


def test_a_running_stack_follows_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_site, "LOOK_EVERY_S", 0.01)
    path = tmp_path / "site.yaml"
    done: list[str] = []

    async def migrate() -> None:
        done.append("migrate")

    async def restart() -> None:
        done.append("restart")

    async def change(text: str) -> None:
        path.write_text("version: 1\nsite: {name: T}\n" + text)
        await asyncio.sleep(0.4)

    async def run() -> None:
        path.write_text("version: 1\nsite: {name: T}\n")
        watching = asyncio.create_task(site_watch.watch(path, migrate, restart))
        await asyncio.sleep(0.2)
        await change("homepage: {default: other}\n")
        assert done == []
        await change("funnels: {f: {steps: [{name: one}]}}\n")  # wrong: a step without condition
        assert done == []
        await change("funnels: {f: {steps: [{name: one, event: One}]}}\n")
        assert done == ["restart"]
        await change("retention: {events: 100d}\n")
        assert done == ["restart", "migrate", "restart"]
        watching.cancel()

    asyncio.run(run())
