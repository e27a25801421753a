"""What the demo shows in the terminal: acts, links, and the summary of figures."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from infra.demo.figures import Figures
from infra.demo.place import Place
from infra.reports.intervals import MIN_N
from infra.reports.variants import VariantRow

QUERY = (
    "SELECT person_id, countDistinct(device_id) AS devices, count() AS events "
    "FROM events GROUP BY ALL ORDER BY devices DESC LIMIT 5"
)
_BAR_CELLS = 24
_WITHOUT_BARS = 70  # columns of the table that has them
_WIDE = 100
_WHY_NOT_ALL = "Who never logs in is not known again on another device."
_SOURCES = 4
_PROTOCOLS = {"import": "history", "log": "web-server log", "segment": "SDK", "beacon": "browser"}


class Screen:
    """Writes to one terminal, or plain lines where there is none."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal
        if not terminal.is_terminal:
            terminal.width = max(terminal.width, _WIDE)

    def starting(self) -> None:
        self._terminal.print(
            "[bold]Footfall[/]: see who comes, recognize them, decide what they see, "
            "measure what it did"
        )
        self.act("Kafka, Redis, ClickHouse and all services start on this machine")

    def up(self, place: Place) -> None:
        ports = place.settings.ports
        moved = "" if place.offset == 0 else f", on ports moved by {place.offset}"
        self._terminal.print(f"  they serve{moved}: collector {place.url(ports.collect)}")

    def act(self, text: str) -> None:
        self._terminal.print(f"\n[bold green]>[/] {text}")

    def command(self, words: Sequence[str], place: Place) -> None:
        shown = [word.replace(f"{place.directory}/", "") for word in words]
        self._terminal.print(f"  $ footfall {shlex.join(shown)}", style="dim", highlight=False)

    def links(self, place: Place) -> None:
        self._terminal.print(_links(place))

    def summary(self, figures: Figures) -> None:
        self._terminal.print(_summary(figures, self._terminal.width))

    @property
    def is_live(self) -> bool:
        """Whether lines can stay in their place."""
        return self._terminal.is_terminal

    @contextmanager
    def live(self) -> Iterator[Callable[[Figures], None]]:
        """A few lines that stay in their place."""
        with Live(console=self._terminal, auto_refresh=False) as live:
            yield lambda figures: live.update(_moment(figures), refresh=True)

    def stopped(self) -> None:
        self._terminal.print("\nEverything is stopped, and nothing is left behind.")

    def failed(self, message: str, lines: Sequence[str] = ()) -> None:
        for line in lines:
            self._terminal.print(line, style="dim", highlight=False, markup=False)
        self._terminal.print(f"[bold red]make demo:[/] {message}", highlight=False)


def _links(place: Place) -> RenderableType:
    ports = place.settings.ports
    shop = place.url(ports.shop, "localhost")
    prefix = "" if place.offset == 0 else f"FOOTFALL_PORT_OFFSET={place.offset} "
    rows = (
        (
            "Arrive at the shop",
            f"{place.url(ports.encyclopedia)}/wiki/Teddy_bear",
            'Follow "Toyhouse" in the article: the homepage shows the bestsellers, and its badge '
            f"says why. In a private window {shop}/ shows the classic one.",
        ),
        (
            "Watch the funnel",
            f"{place.personalize}/ops",
            "It ticks with every toy you look at, put into the cart and order. Break the checkout "
            f"and watch: curl -X POST '{shop}/admin/break-checkout?on=1' (on=0 mends it).",
        ),
        (
            "Ask SQL",
            f"{place.url(ports.desk)}/",
            f"Or in another terminal: {prefix}.venv/bin/footfall sql '{QUERY}'",
        ),
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold green")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for number, (title, link, what) in enumerate(rows, start=1):
        table.add_row(str(number), title, Text(link, style=f"link {link} cyan"))
        table.add_row("", "", Text(what, style="dim"))
    return Panel(table, title="Three links", title_align="left", border_style="green")


def _summary(figures: Figures, width: int) -> RenderableType:
    left = Group(_events(figures), _persons(figures))
    return Group(
        Columns([left, _funnel(figures)], padding=(0, 3)),
        _variants(figures, width),
        _verdict(figures),
    )


def _moment(figures: Figures) -> RenderableType:
    """What moves, in so few lines that the links stay in sight."""
    stored, sent = sum(figures.by_protocol.values()), figures.identity.events
    counts = f"{stored:,} events in ClickHouse, {sent:,} of them of simulated shoppers, "
    persons = f"{figures.identity.persons.found:,} persons"
    return Group(Text(), _funnel(figures), Text(counts + persons, style="dim"), _verdict(figures))


def _events(figures: Figures) -> RenderableType:
    identity = figures.identity
    table = _table("Events", "", "count")
    table.add_row("simulated shoppers sent", f"{identity.events:,}")
    table.add_row("of these lost, stored twice", f"{identity.lost:,}, {identity.twice:,}")
    table.add_row("in ClickHouse", f"{sum(figures.by_protocol.values()):,}")
    for protocol, count in figures.by_protocol.items():
        table.add_row(f"  by {_PROTOCOLS.get(protocol, protocol)}", f"{count:,}")
    table.add_row("of these bots'", f"{figures.bots:,}")
    for reason, count in figures.rejected.items():
        table.add_row(f"rejected: {reason}", f"{count:,}")
    return table


def _persons(figures: Figures) -> RenderableType:
    """Precision and recall are of pairs of events, against what identity's rules entail."""
    identity = figures.identity
    persons = identity.persons
    table = _table("\nPersons", "", "count")
    table.add_row("people who agreed to be known", f"{persons.true:,}")
    table.add_row("persons, by what they did", f"{persons.entailed or 0:,}")
    table.add_row("persons found", f"{persons.found:,}")
    for name, agreement in (
        ("precision, recall by the rules", persons.against_rules),
        ("the same by the truth", persons.against_truth),
    ):
        if agreement is not None:
            table.add_row(name, f"{_rate(agreement.precision)}, {_rate(agreement.recall)}")
    table.add_row("refused, and known all the same", f"{identity.refused_with_person:,}")
    table.caption, table.caption_style, table.caption_justify = _WHY_NOT_ALL, "dim", "left"
    return table


def _rate(rate: float | None) -> str:
    """Rounded down, so that nearly all does not read as all."""
    return "-" if rate is None else f"{math.floor(rate * 10_000) / 10_000:.4f}"


def _funnel(figures: Figures) -> RenderableType:
    table = _table("Checkout, the last 24 hours", "step", "live", "ClickHouse", "of step before")
    for live, batch in zip(figures.live.steps, figures.batch.steps, strict=True):
        share = "" if live.from_previous is None else f"{live.from_previous:.0%}"
        style = "" if live.count == batch.count else "yellow"
        table.add_row(live.name, f"{live.count:,}", f"{batch.count:,}", share, style=style)
    return table


def _variants(figures: Figures, width: int) -> RenderableType:
    """The largest sources of which two homepages can be compared; rates with 95 % intervals."""
    cells = min(_BAR_CELLS, width - _WITHOUT_BARS)
    title = "\nOrder rate of visits, by where they came from and the homepage they saw"
    table = _table(title, "came from", "homepage", "visits", "orders", "rate", "95 %", "")
    for column in (1, -1):
        table.columns[column].justify = "left"
    groups = _comparable(figures.variants)
    most = max((row.order_rate_high for rows in groups for row in rows), default=1.0)
    for rows in groups:
        for row in rows:
            low, high = row.order_rate_low, row.order_rate_high
            table.add_row(
                (row.value or "(direct)") if row is rows[0] else "",
                row.variant,
                f"{row.sessions:,}",
                f"{row.sessions_with_order:,}",
                f"{row.order_rate:.1%}",
                f"{low:.1%} - {high:.1%}",
                _bar(low / most, row.order_rate / most, high / most, cells),
            )
    return table


def _comparable(variants: Sequence[VariantRow]) -> list[list[VariantRow]]:
    """By source, the homepages with visits enough to be judged, where there is more than one."""
    groups = [
        [row for row in rows if row.variant and row.sessions >= MIN_N]
        for _, rows in itertools.groupby(variants, key=lambda row: row.value)
    ]
    return [rows for rows in groups if len(rows) > 1][:_SOURCES]


def _bar(low: float, rate: float, high: float, width: int) -> Text:
    """The rate as a point, its interval as a whisker."""
    cells = [round(share * (width - 1)) for share in (low, rate, high)]
    bar = Text()
    for cell in range(cells[2] + 1):
        if cell == cells[1]:
            bar.append("●", style="bold green")
        elif cells[0] <= cell <= cells[2]:
            bar.append("─", style="green")
        else:
            bar.append(" ")
    return bar


def _verdict(figures: Figures) -> RenderableType:
    problems = figures.problems()
    if not problems:
        live = "live is a moment ahead of" if figures.arriving else "live equals"
        return Text(f"\nEvery event has one fate, and {live} ClickHouse.", style="green")
    return Text("\n" + "\n".join(problems), style="yellow")


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
