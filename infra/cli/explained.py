"""A homepage decision for who wonders about it: what is shown, and every scenario tried."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def print_explained(console: Console, answer: dict[str, Any]) -> None:
    """`answer` is that of `/v1/homepage?explain=1`, from a caller who may ask that."""
    visitor = answer["visitor"]
    facts = [visitor["class"], "logged in" if visitor["logged_in"] else "not logged in"]
    facts += [f"{name} {visitor[name]}" for name in ("sessions", "orders") if name in visitor]
    lines = [
        ("shown", f"[bold]{escape(answer['variant'])}[/]"),
        ("by", escape(answer["scenario"])),
        ("because", escape(answer["reason"])),
        ("visitor", escape(", ".join(facts))),
        ("picks", escape(", ".join(pick["id"] for pick in answer["picks"]))),
        ("cache key", escape(answer["cache_key"])),
    ]
    if answer["degraded"]:
        lines.append(("degraded", "[red]the visitor's state could not be read[/]"))
    for name, text in lines:
        if text:
            console.print(f"{name:<10}{text}", soft_wrap=True)
    console.print()
    console.print(_tried(answer.get("explained", [])))


def _tried(explained: list[dict[str, Any]]) -> Table:
    """Marked is the first that matches: it is the one that is taken."""
    table = Table("", "scenario", "gives", "why", box=None, pad_edge=False, header_style="bold")
    taken = False
    for tried in explained:
        first = tried["matched"] and not taken
        taken = taken or first
        mark = "[green]taken[/]" if first else "matches" if tried["matched"] else "no"
        style = "" if first else "dim"
        cells = (escape(tried[name]) for name in ("scenario", "gives", "why"))
        table.add_row(mark, *cells, style=style)
    return table
