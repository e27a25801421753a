"""E-mail, telephone and order number: one form each, and a node that tells nothing of them."""

from __future__ import annotations

import pytest

from schemas.identifiers import KINDS, Kind, is_node, node_of, normalized
from schemas.ids import RESERVED_PREFIXES


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("email", " Anna@Example.COM ", "anna@example.com"),
        ("email", "anna", ""),
        ("email", "an na@example.com", ""),
        ("email", "a@" + "b" * 400, ""),
        ("email", None, ""),
        ("email", ["anna@example.com"], ""),
        ("phone", "+49 (30) 123-456", "+4930123456"),
        ("phone", "0049 30 123456", "+4930123456"),
        ("phone", "030/123456", "030123456"),
        ("phone", 30123456, "30123456"),
        ("phone", "call me", ""),
        ("phone", "1234", ""),
        ("order_id", 1007, "1007"),
        ("order_id", " A-1007 ", "A-1007"),
        ("order_id", True, ""),
        ("order_id", "x\ny", ""),
        ("order_id", "9" * 300, ""),
    ],
)
def test_an_identifier_has_one_form(kind: Kind, value: object, form: str) -> None:
    assert normalized(kind, value) == form


def test_a_node_is_of_one_kind_and_value_and_tells_neither_without_the_secret() -> None:
    nodes = {
        node_of(kind, value, secret)
        for kind in KINDS
        for value in ("1007", "1008")
        for secret in ("a", "b")
    }
    assert len(nodes) == 12
    assert all(is_node(node) for node in nodes)
    assert all(node.startswith(RESERVED_PREFIXES) for node in nodes), "no page can name one"
    assert not is_node("user:anna")
