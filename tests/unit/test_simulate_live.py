"""Shoppers who come now."""

from __future__ import annotations

import pytest

from infra.simulate.odds import MAX_SKEW_MIN, MIN_SKEW_MIN
from ingest.collector.clock import skew_of


@pytest.mark.parametrize("latency_ms", [0, 1, 300, 29_000])
@pytest.mark.parametrize("minutes", [MIN_SKEW_MIN, MAX_SKEW_MIN])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_wrong_clock_is_one_that_the_collector_puts_right(
    sign: int, minutes: int, latency_ms: int
) -> None:
    ahead = sign * minutes * 60_000
    sent_at = 1_800_000_000_000 + ahead
    assert skew_of(1_800_000_000_000 + latency_ms, sent_at) == -ahead
