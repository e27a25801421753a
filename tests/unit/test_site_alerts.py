"""The site file's alerts: what is read, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.site import AlertRules
from schemas.site_file import SiteFileError, load

HEAD = "version: 1\nsite: {name: T}\nfunnels: {a: {steps: [{name: x, event: X}]}}\n"


def alerts(folder: Path, text: str) -> AlertRules:
    path = folder / "shop.yaml"
    path.write_text(HEAD + text)
    return load(path).alerts


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    text = """alerts:
  webhooks: ["https://hooks.example/T0/B0?x=1", "http://10.0.0.7:9000/"]
  leave_out: [a]
  fall: 30%
  lag: 1m
  silent: 2m
  rejected: {share: 10%, count: 1000}
  degraded: 1%
  holidays: [2026-12-25, "2027-01-01"]
"""
    assert alerts(tmp_path, text) == AlertRules(
        webhooks=("https://hooks.example/T0/B0?x=1", "http://10.0.0.7:9000/"),
        leave_out=("a",),
        fall=0.3,
        lag_ms=60_000,
        silent_ms=120_000,
        rejected_share=0.1,
        rejected_count=1000,
        degraded_share=0.01,
        holidays=("2026-12-25", "2027-01-01"),
    )


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    for text in ("", "alerts:\n", "alerts: {rejected: }\n"):
        assert alerts(tmp_path, text) == AlertRules()
    one = alerts(tmp_path, "alerts: {webhooks: https://hooks.example/}\n")
    assert one.webhooks == ("https://hooks.example/",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "alerts: {webhook: https://a/}",
            "unknown key 'webhook' in alerts (did you mean 'webh",
        ),
        ("alerts: {webhooks: [ftp://a/]}", "no web address; allowed: https://host/path"),
        ("alerts: {webhooks: ['https://']}", "no web address"),
        ("alerts: {webhooks: ['https://a:99999/']}", "no web address"),
        ("alerts: {webhooks: ['https://a/#b']}", "without '#'"),
        (f"alerts: {{webhooks: {[f'https://a/{n}' for n in range(9)]}}}", "9 addresses; allowed"),
        ("alerts: {leave_out: [b]}", "unknown funnel 'b'; allowed: a"),
        ("alerts: {fall: 0%}", "'0%' is out of range; allowed: 1% to 100%"),
        ("alerts: {lag: 0.5s}", "'0.5s' is out of range; allowed: 1s to 1d"),
        ("alerts: {silent: 5s}", "'5s' is out of range; allowed: 15s to 1h"),
        ("alerts: {rejected: {rate: 1%}}", "unknown key 'rate' in alerts.rejected"),
        ("alerts: {rejected: {count: 0}}", "allowed: a whole number 1 to"),
        ("alerts: {degraded: often}", "'often' is no share"),
    ],
)
def test_a_mistake_says_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SiteFileError) as caught:
        alerts(tmp_path, text)
    assert [error.line for error in caught.value.errors] == [4]
    assert message in str(caught.value)
