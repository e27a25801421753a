"""What Grafana needs of the dashboards, as far as it can be seen without Grafana."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import infra

GRAFANA = Path(infra.__file__).parent / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
MACROS = {"timeFilter", "timeInterval", "fromTime", "toTime"}
"""Those of the plugin that the dashboards use; their test knows how to replace them."""


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    return loaded


def test_each_dashboard_has_its_own_name() -> None:
    found = [json.loads(file.read_text()) for file in FILES]
    assert len(found) == 5
    for key in ("uid", "title"):
        assert len({one[key] for one in found}) == len(found)


def test_panels_lie_beside_one_another(dashboard: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = itertools.product(
            range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        )
        for cell in cells:
            assert taken.setdefault(cell, panel["title"]) == panel["title"], "two on one place"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_panel_asks_the_provisioned_source_about_the_chosen_time(
    dashboard: dict[str, Any],
) -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/clickhouse.yaml").read_text())
    (source,) = provisioned["datasources"]
    expected = {"type": source["type"], "uid": source["uid"]}
    for panel in dashboard["panels"]:
        (target,) = panel["targets"]
        assert panel["datasource"] == target["datasource"] == expected
        used = set(re.findall(r"\$__(\w+)", target["rawSql"]))
        assert used <= MACROS
        assert used or "Ever" in panel["description"], f"{panel['title']} ignores the time"
        assert (target["format"] == 0) == (panel["type"] == "timeseries")
        if panel["type"] == "timeseries":
            assert "$__timeInterval(" in target["rawSql"]
            assert target["rawSql"].endswith("ORDER BY time")


def test_units_are_of_columns_that_the_query_has(dashboard: dict[str, Any]) -> None:
    for panel in dashboard["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            assert re.search(rf"\b{name}\b", panel["targets"][0]["rawSql"]), panel["title"]
