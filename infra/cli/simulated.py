"""What `footfall simulate` does with a past, and the tables that it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from infra.simulate.files import opened
from infra.simulate.messages import history
from infra.simulate.past import Plan
from infra.simulate.summary import Summary
from infra.simulate.truth import TruthBook

_encode = msgspec.json.Encoder().encode


def write(plan: Plan, truth: Path | None, out: str) -> None:
    """Segment messages, one a line. Raises OSError."""
    summary = Summary(plan.site)
    with _book(plan, truth) as book, opened(out) as file:
        for happening in history(plan):
            file.write(_encode(happening.message) + b"\n")
            summary.add(happening)
            if happening.truth is not None:
                book.add(happening.truth)
    print_summary(summary, Console(stderr=True))


def count(plan: Plan, truth: Path | None) -> None:
    summary = Summary(plan.site)
    with _book(plan, truth) as book:
        for happening in history(plan):
            summary.add(happening)
            if happening.truth is not None:
                book.add(happening.truth)
    print_summary(summary, Console())


@contextmanager
def _book(plan: Plan, truth: Path | None) -> Iterator[TruthBook]:
    """Written to the file, if one is wanted, when all went well."""
    with TruthBook(plan.site.session.gap_ms) as book:
        yield book
        if truth is not None:
            book.write(truth)


def print_summary(summary: Summary, console: Console) -> None:
    table = Table("", box=None, pad_edge=False)
    table.add_column("", justify="right")
    for what, number in (
        ("people", summary.people),
        ("devices with a cookie", summary.devices),
        ("visits", summary.visits.total()),
        ("events", summary.events.total()),
        ("  of them without consent", summary.without_consent),
        ("bots' page views", summary.bots),
        ("sent twice", summary.duplicates),
    ):
        table.add_row(f"[bold]{what}[/]", f"{number:,}")
    for name, number in summary.events.most_common():
        table.add_row(f"  {name}", f"{number:,}")
    console.print(table)
    table = Table("from", box=None, pad_edge=False)
    for title in ("visits", "orders", "share"):
        table.add_column(title, justify="right")
    visits, orders_from = summary.visits, summary.orders
    for origin, number in visits.most_common():
        orders = orders_from[origin]
        table.add_row(origin, f"{number:,}", f"{orders:,}", f"{orders / number:.1%}")
    console.print(table)
