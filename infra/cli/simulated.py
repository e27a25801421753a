"""What `footfall simulate` does with its plan, and the tables that it ends with."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra.cli.context import Failure
from infra.simulate import delivery
from infra.simulate.acts import Act
from infra.simulate.delivery import SendingFailed, Sent
from infra.simulate.files import opened
from infra.simulate.live import LivePlan, live
from infra.simulate.messages import history
from infra.simulate.outbox import LiveCounts
from infra.simulate.past import Plan
from infra.simulate.summary import Summary
from infra.simulate.truth import Truth
from infra.simulate.truth_book import TruthBook
from infra.simulate.weblog import Scribe, log_lines

_TRUTH_EVERY_S = 2.0  # live: how often the truth file is written anew


def count(plan: Plan, truth: Path | None, log: str) -> None:
    """Plays the past and says what it holds. Raises OSError."""
    summary = Summary(plan.site)
    with _book(plan, truth) as book, _scribe(plan, log, book) as scribe:
        for happening in history(plan, scribe):
            summary.add(happening)
            if happening.truth is not None:
                book.add(happening.truth)
    print_summary(summary, Console())


def write(plan: Plan, truth: Path | None, out: str, log: str) -> None:
    """Segment messages, one a line. Raises OSError."""
    summary = Summary(plan.site)
    with _book(plan, truth) as book, opened(out) as file, _scribe(plan, log, book) as scribe:
        for happening in history(plan, scribe):
            file.write(delivery.encoded(happening.message) + b"\n")
            summary.add(happening)
            if happening.truth is not None:
                book.add(happening.truth)
    print_summary(summary, Console(stderr=True))


def write_log(plan: Plan, truth: Path | None, out: str) -> None:
    """A web server's log, in the combined format. Raises OSError."""
    lines = pages = bots = 0
    with _book(plan, truth) as book, opened(out) as file:
        for line in log_lines(plan):
            file.write(line.text.encode() + b"\n")
            lines += 1
            if line.truth is not None:
                pages += 1
                bots += line.truth.kind == "bot"
                book.add(line.truth)
    Console(stderr=True).print(f"{lines:,} lines, {pages:,} of them pages, {bots:,} asked by bots")


def send(plan: Plan, url: str, key: str, truth: Path | None, rate: float, log: str) -> None:
    """Sends the past; the truth file holds what was taken, even if not all was.

    Raises SendingFailed, OSError.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[sent]:,} events"),
        TimeRemainingColumn(),
    )
    refused: SendingFailed | None = None
    sent = Sent()
    events = 0
    with (
        _book(plan, truth) as book,
        _scribe(plan, log, book) as scribe,
        Progress(*columns, console=Console(stderr=True)) as bar,
    ):
        task = bar.add_task("sending", total=plan.until - plan.since, sent=0)

        def taken(truth: Truth) -> None:
            nonlocal events
            events += 1
            book.add(truth)

        def progress(so_far: Sent, at_ms: int) -> None:
            done = max(0, at_ms - plan.since)
            bar.update(task, completed=done, sent=so_far.messages)

        try:
            messages = history(plan, scribe)
            sent = asyncio.run(delivery.send(messages, url, key, taken, progress, rate=rate))
        except SendingFailed as error:
            refused = error
        else:
            bar.update(task, completed=plan.until - plan.since, sent=sent.messages)
    if refused is not None:
        before = f"; {events:,} events were taken before"
        raise Failure(f"{refused}{before if events else ''}") from refused
    table = Table("", box=None, pad_edge=False)
    table.add_column("", justify="right")
    for what, number in (
        ("messages sent and taken", sent.messages),
        ("of them sent twice", sent.messages - events),
        ("batches", sent.batches),
        ("sent again after a refusal", sent.retries),
    ):
        table.add_row(what, f"{number:,}")
    Console(stderr=True).print(table)
    Console(stderr=True).print(f"in {sent.seconds:.1f} s, {sent.per_second:,.0f} events/s")


def play(
    plan: LivePlan, collect_url: str, personalize_url: str, key: str, truth: Path | None
) -> None:
    """Shoppers now, until Ctrl-C, SIGTERM or enough. Raises SendingFailed, OSError."""
    counts = asyncio.run(_play(plan, collect_url, personalize_url, key, truth))
    table = Table("", box=None, pad_edge=False)
    table.add_column("", justify="right")
    for what, number in (
        ("visits", counts.visits),
        ("  of them played to their end", counts.finished),
        ("events taken", counts.messages),
        ("orders", counts.orders),
        ("homepages", counts.homepages),
        ("  of them without an answer in time", counts.undecided),
    ):
        table.add_row(what, f"{number:,}")
    Console(stderr=True).print(table)


async def _play(
    plan: LivePlan, collect_url: str, personalize_url: str, key: str, truth: Path | None
) -> LiveCounts:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    counts = LiveCounts()
    with TruthBook(plan.site.session.gap_ms) as book:
        writing = asyncio.create_task(_keep_written(book, truth, counts))
        try:
            await live(plan, collect_url, personalize_url, key, stop, book.add, counts)
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            if truth is not None:
                book.write(truth)
    return counts


async def _keep_written(book: TruthBook, truth: Path | None, counts: LiveCounts) -> None:
    """The truth file while shoppers shop, and a line for who watches."""
    console = Console(stderr=True)
    written = -1
    while True:
        began = time.monotonic()
        if truth is not None and book.events != written:
            written = book.events
            book.write(truth)
        if sys.stderr.isatty():
            console.print(
                f"{counts.visits:,} visits, {counts.messages:,} events, {counts.orders:,} orders",
                end="\r",
            )
        took = time.monotonic() - began
        await asyncio.sleep(max(_TRUTH_EVERY_S, 20 * took))  # at most a twentieth of the time


@contextmanager
def _scribe(plan: Plan, log: str, book: TruthBook) -> Iterator[Callable[[Act], None] | None]:
    """Writes the web server's log of what is played, '' for none; its lines are part of the truth.

    Raises OSError.
    """
    if not log:
        yield None
        return
    with opened(log) as file:
        scribe = Scribe(plan)

        def write_down(act: Act) -> None:
            for line in scribe.lines(act):
                file.write(line.text.encode() + b"\n")
                if line.truth is not None:
                    book.add(line.truth)

        yield write_down


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
