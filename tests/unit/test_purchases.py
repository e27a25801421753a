"""Orders of a person: each once, whoever tells of it and however often; less what was refunded."""

from __future__ import annotations

import random
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from schemas.purchases import MAX_PURCHASES, UNIT, WHOLE, Purchase, Purchases, orders_of
from schemas.purchases import with_purchase as put

TRAIN = Purchase(1000, b"train", 20 * UNIT, "EUR", ("trains",))
REFUND = Purchase(5000, b"train", -5 * UNIT, "EUR")


def paid(*purchases: Purchase) -> dict[str, int]:
    found: dict[str, int] = {}
    for order in orders_of(purchases):
        found[order.currency] = found.get(order.currency, 0) + order.amount // UNIT
    return found


def test_browser_and_backend_tell_of_one_order() -> None:
    browser = Purchase(900, b"train", 0, "", ("trains",))
    for told in permutations([TRAIN, browser, TRAIN]):
        (order,) = orders_of(told)
        assert (order.time, order.amount, order.currency) == (900, 20 * UNIT, "EUR")
        assert order.categories == ("trains",)


def test_a_refund_takes_back_what_it_says_and_never_more_than_was_paid() -> None:
    assert paid(TRAIN, REFUND) == {"EUR": 15}
    assert paid(REFUND, TRAIN, REFUND) == {"EUR": 15}
    assert paid(TRAIN, Purchase(6000, b"train", -WHOLE)) == {"EUR": 0}
    assert paid(TRAIN, REFUND, Purchase(6000, b"train", -16 * UNIT, "EUR")) == {"EUR": 0}
    assert len(orders_of([TRAIN, Purchase(6000, b"train", -WHOLE)])) == 1


def test_what_was_bought_is_what_any_of_them_says_unless_all_was_given_back() -> None:
    told = Purchase(1000, b"train", 20 * UNIT, "EUR", (), ("T-2", "T-1"))
    browser = Purchase(900, b"train", 0, "", (), ("T-3",))
    (order,) = orders_of([told, browser])
    assert (order.products, order.is_returned) == (("T-1", "T-2", "T-3"), False)
    (returned,) = orders_of([told, Purchase(6000, b"train", -WHOLE)])
    assert returned.is_returned
    (partly,) = orders_of([told, REFUND])
    assert not partly.is_returned


def test_partial_refunds_of_different_amounts_add_up() -> None:
    assert paid(TRAIN, REFUND, Purchase(6000, b"train", -3 * UNIT, "")) == {"EUR": 12}


def test_a_refund_of_an_unknown_order_or_in_other_money_counts_nothing() -> None:
    assert paid(REFUND) == {}
    assert paid(TRAIN, Purchase(6000, b"train", -3 * UNIT, "USD")) == {"EUR": 20}


def test_money_is_told_by_currency() -> None:
    assert paid(TRAIN, Purchase(2000, b"doll", 7 * UNIT, "USD")) == {"EUR": 20, "USD": 7}


purchases = st.builds(
    Purchase, st.integers(0, 200), st.sampled_from([b"a", b"b", b"c"]), st.integers(-3, 3)
)


@given(st.lists(purchases, max_size=120), st.randoms(use_true_random=False))
def test_the_newest_are_kept_in_whatever_order_they_come(
    told: list[Purchase], chance: random.Random
) -> None:
    mixed = told + told[:10]
    chance.shuffle(mixed)
    kept: Purchases = ()
    for purchase in mixed:
        kept = put(kept, purchase)
    assert kept == tuple(sorted(set(told))[-MAX_PURCHASES:])
