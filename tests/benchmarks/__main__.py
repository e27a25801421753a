"""make bench: every benchmark against its baseline in the same run, as a table and bench.json.

A benchmark is a module `bench_*` here with `run()`, which returns rows of name, value, unit,
baseline, ratio and goal. Names of modules as arguments choose among them.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

import tests.benchmarks

OUTPUT = Path("bench.json")


def main(wanted: list[str]) -> None:
    found = [m.name for m in pkgutil.iter_modules(tests.benchmarks.__path__)]
    names = [name for name in found if name.startswith("bench_")]
    chosen = [name for name in names if not wanted or name.removeprefix("bench_") in wanted]
    console = Console()
    rows: list[dict[str, object]] = []
    for name in chosen:
        console.print(f"[dim]{name} ...[/]")
        rows += importlib.import_module(f"tests.benchmarks.{name}").run()
    OUTPUT.write_text(
        json.dumps(
            {"machine": platform.platform(), "python": platform.python_version(), "rows": rows},
            indent=2,
        )
    )
    table = Table("benchmark", box=None, pad_edge=False)
    for title in ("measured", "baseline", "ratio", "goal"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            str(row["name"]),
            _figure(row.get("value"), row.get("unit")),
            _figure(row.get("baseline"), row.get("unit")),
            _figure(row.get("ratio")),
            str(row.get("goal", row.get("skipped", ""))),
        )
    console.print(table)
    console.print(f"written to {OUTPUT}")


def _figure(value: object, unit: object = "") -> str:
    if not isinstance(value, int | float):
        return ""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
    return f"{text} {unit}".rstrip() if unit else text


if __name__ == "__main__":
    main(sys.argv[1:])
