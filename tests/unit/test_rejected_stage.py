"""What was refused counts once, by minute, reason and protocol, whoever publishes it again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import encode_batch
from schemas.event import Rejected
from schemas.reasons import Reason
from schemas.redis_keys import LIVE_HORIZON_MS
from streams.records import Record
from streams.rejected_stage import MAX_IDS, RejectedStage, States

NOW = 1_790_000_000_000
MINUTE = 60_000


def refusal(number: int = 0, minutes_ago: int = 0, **more: object) -> Rejected:
    fields = {"reason": "too_large", "protocol": "segment", "detail": "anna@example.org", **more}
    return Rejected(
        rejected_id=f"id-{number}",
        rejected_at=NOW - minutes_ago * MINUTE,
        original=b"anna@example.org",
        **fields,  # type: ignore[arg-type]
    )


def counted(batches: Sequence[Sequence[Rejected]], *, more: bytes = b"") -> dict[str, int]:
    """'minutes ago|reason|protocol' -> count."""
    stage, states = RejectedStage(), States()
    counts = Counter[str]()
    for offset, batch in enumerate(batches):
        record = Record(3, offset, NOW, b"\n".join((encode_batch(batch), more)), lambda: None)
        effects = stage.fold(states, [(record, stage.decode(record))], 1)
        assert not len(effects.emissions)
        for change in effects.counters:
            hour = int(change.key.rpartition(":")[2])
            minute, _, rest = change.field.partition("|")
            counts[f"{NOW // MINUTE - hour * 60 - int(minute)}|{rest}"] += change.delta
    return dict(counts)


def test_a_refusal_counts_in_its_minute_by_reason_and_protocol_and_says_no_more() -> None:
    assert counted([[refusal(minutes_ago=7)]]) == {"7|too_large|segment": 1}


def test_what_is_published_again_counts_once() -> None:
    assert counted([[refusal(), refusal()], [refusal()]]) == {"0|too_large|segment": 1}


def test_a_replay_changes_nothing() -> None:
    assert counted([[refusal()], [refusal(1, replayed_at=NOW)]]) == {"0|too_large|segment": 1}


def test_what_is_older_than_the_live_horizon_is_left_out() -> None:
    assert counted([[refusal(minutes_ago=LIVE_HORIZON_MS // MINUTE + 1)]]) == {}


def test_a_line_that_is_no_refusal_is_the_sinks_to_refuse() -> None:
    assert counted([[refusal()]], more=b'{"reason": 3}\n\xff') == {"0|too_large|segment": 1}


@pytest.mark.parametrize("text", ["a|b", "x" * 9000, ""])
def test_names_that_are_none_of_ours_are_not_shown(text: str) -> None:
    assert counted([[refusal(reason=text, protocol=text)]]) == {"0|invalid_event|": 1}


def test_a_flood_is_counted_and_what_is_remembered_of_it_is_bounded() -> None:
    stage, states = RejectedStage(), States()
    flood = [refusal(number) for number in range(MAX_IDS + 50)]
    record = Record(0, 0, NOW, encode_batch(flood), lambda: None)
    effects = stage.fold(states, [(record, stage.decode(record))], 1)
    assert sum(change.delta for change in effects.counters) == MAX_IDS + 50
    assert [len(write.blob) for write in effects.states] == [6 * MAX_IDS]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Reason)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_any_order_batching_and_repetition_counts_the_same(
    said: list[tuple[int, Reason]], chance: random.Random
) -> None:
    refusals = [refusal(n, ago, reason=reason) for n, (ago, reason) in enumerate(said)]
    told = [*refusals, *refusals[:5]]
    chance.shuffle(told)
    cut = chance.randrange(len(told) + 1)
    wanted = Counter(f"{ago}|{reason}|segment" for ago, reason in said)
    assert counted([told[:cut], told[cut:]]) == dict(wanted)
