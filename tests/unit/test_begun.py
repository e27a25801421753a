"""Since when a funnel is counted live: of a partition, and of all."""

from __future__ import annotations

from schemas.begun import counting, since

NOW = 1_000_000


def test_what_is_counted_from_the_first_record_on_always_was() -> None:
    assert counting(None, ["checkout:1"], 500) == {"checkout:1": 0}


def test_what_changes_begins_with_the_record_that_it_counts_first() -> None:
    begun = counting({"checkout:1": 0, "search:1": 0}, ["checkout:2", "search:1"], 500)
    assert begun == {"checkout:2": 500, "search:1": 0}
    assert counting(begun, ["search:1", "checkout:2"], 600) is begun


def test_what_comes_back_has_missed_what_was_between() -> None:
    away = counting({"checkout:1": 0}, ["checkout:2"], 500)
    assert counting(away, ["checkout:1"], 700) == {"checkout:1": 700}


def test_a_funnel_counts_since_its_last_partition_does() -> None:
    assert since([{"f": 0}, {"f": 300}, {"f": 200}], "f", NOW) == 300
    assert since([{"f": 0}, None], "f", NOW) == 0


def test_a_partition_that_has_folded_nothing_since_holds_nobody_up() -> None:
    assert since([{"f": 300}, {"before": 0}], "f", NOW) == 300


def test_what_no_partition_counts_yet_begins_now() -> None:
    assert since([{"before": 0}, None], "f", NOW) == NOW
    assert since([None, None], "f", NOW) == 0
