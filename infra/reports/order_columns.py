"""Columns of what sessions ordered, which several reports have."""

from __future__ import annotations

from infra.reports.report import Column, with_interval

ENTRY = "What the session's entry says"

SESSIONS = Column(name="sessions", what="Sessions that started in the period, without bots")
WITH_ORDER = Column(name="sessions_with_order", what="Sessions with an order", detail=True)
ORDERS = Column(name="orders", what="Their orders", detail=True)
ORDER_RATE = with_interval(
    name="order_rate",
    kind="rate",
    what="Sessions with an order, of all sessions; 95% interval (Wilson's score)",
)
REVENUE = Column(
    name="revenue",
    kind="money",
    currency="currency",
    what="Money of these orders; empty where they were paid in several currencies",
)
CURRENCY = Column(name="currency", kind="text", empty="", what="Currency of the revenue")

SEVERAL_CURRENCIES = "Revenue is left out where orders were paid in several currencies."
"""A note of the report."""
