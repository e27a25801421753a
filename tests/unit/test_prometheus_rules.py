"""The rules for Prometheus ask for metrics and labels that the services really have."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.registry import Collector

import infra
import sinks.clickhouse.metrics
import streams.metrics
from ingest.collector.metrics import Metrics as CollectorMetrics
from personalize_api.metrics import Metrics as PersonalizeMetrics
from schemas.settings import Ports
from tests.requirements import require

FOLDER = Path(infra.__file__).parent / "prometheus"
CONFIGURATION: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
GROUPS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
OF_PROMETHEUS = {"up": {"job", "instance"}}
_METRIC = re.compile(r"\b((?:footfall_\w+)|up)\b(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture(scope="module")
def metrics() -> dict[str, set[str]]:
    """Labels of every series that some service has, by name."""
    assert streams.metrics.LINES
    assert sinks.clickhouse.metrics.READY
    found = dict(OF_PROMETHEUS)
    for registry in (REGISTRY, CollectorMetrics().registry, PersonalizeMetrics().registry):
        found.update(_series(registry))
    return found


def _series(registry: CollectorRegistry) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    collectors: dict[Collector, list[str]] = registry._collector_to_names
    for collector, names in collectors.items():
        labels = set(getattr(collector, "_labelnames", ()))
        if label := getattr(collector, "_label", ""):
            labels.add(label)
        for family in collector.collect():
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels, labels)
            if family.type == "counter":
                names = [*names, f"{family.name}_total"]
            if family.type == "histogram":
                found.setdefault(f"{family.name}_bucket", set()).update({"le"}, labels)
        for name in names:
            found.setdefault(name, set()).update(labels)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_metric_and_label_of_a_rule_exists(
    rule: dict[str, Any], metrics: dict[str, set[str]]
) -> None:
    used = _METRIC.findall(rule["expr"])
    assert used
    for name, selector in used:
        assert name in metrics, f"{name}: no service has it"
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            assert label in metrics[name], f"{name} has no label {label}"
    known = set().union(*(metrics[name] for name, _ in used))
    grouped = [
        label.strip() for group in _GROUPED.findall(rule["expr"]) for label in group.split(",")
    ]
    assert set(grouped) <= known
    if grouped or "by (" in rule["expr"]:
        known = set(grouped)
    texts = (*rule["labels"].values(), *rule["annotations"].values())
    for label in re.findall(r"\$labels\.(\w+)", " ".join(texts)):
        assert label in known, f"no {label} is left of {rule['expr']}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_is_as_prometheus_wants_it(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations", "keep_firing_for"}
    assert re.fullmatch(r"Footfall[A-Za-z]+", rule["alert"])
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
    assert rule["labels"]["severity"] in ("warning", "critical", "{{ $labels.severity }}")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_names_are_given_once() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    assert len({group["name"] for group in GROUPS}) == len(GROUPS)


def test_every_service_is_scraped_where_it_listens() -> None:
    ports = Ports.with_offset(0)
    targets = {
        job["job_name"]: target
        for job in CONFIGURATION["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    }
    assert targets == {
        f"footfall-{name}": f"127.0.0.1:{getattr(ports, name)}"
        for name in ("collect", "personalize", "stream", "sink")
    }
    assert CONFIGURATION["rule_files"] == ["alerts.yaml"]


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", str(FOLDER / "prometheus.yaml")),
        ("check", "rules", str(FOLDER / "alerts.yaml")),
        ("test", "rules", str(Path(__file__).parent / "prometheus_rules.yaml")),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_promtool_accepts_it(words: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        require("promtool", "promtool is not here: apt-get install prometheus")
    done = subprocess.run([promtool, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
