"""Are picks better than what is popular? Tried on simulated shoppers and real logs, no servers.

    python -m tests.benchmarks.picks_trial        # both; logs where FOOTFALL_DATA has them
    python -m tests.benchmarks.picks_trial --seeds 1,2,3 --shoppers 12000
    python -m tests.benchmarks.picks_trial --log access.log --host www.example.org

The same command gives the same figures. It is what a training does with a site's own visits: the
crowd's table from the first half of all looks, weights learned from the third quarter, judged on
the last. In a log a page is a product.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.picks.learn import learn
from infra.picks.training import catalogue_of
from ingest.logs.formats import Format
from schemas import site_file
from schemas.catalogue import Catalogue
from schemas.pick_model import Weighed
from tests.benchmarks.picks_worlds import Recorded, logged, simulated

SHOP = Path(__file__).parents[2] / "infra" / "demo" / "shop.yaml"
DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[3] / "shared" / "data"))
LOGS: dict[str, tuple[Format, str]] = {
    "apache_logs_elastic_10000.log": ("combined", "www.semicomplete.com"),
    "apache_access_databricks.log": ("common", "www.example.org"),
}
SEEDS = "101,102,103"


def main() -> None:
    said = _arguments()
    console = Console()
    if said.log:
        _try(console, said.log.name, logged(said.log, said.format, said.host), None)
        return
    site = site_file.load(SHOP)
    catalogue = catalogue_of(site)
    for seed in filter(None, said.seeds.split(",")):
        world = simulated(site, said.shoppers, said.days, int(seed))
        _try(console, f"{said.shoppers:,} simulated shoppers, seed {seed}", world, catalogue)
    for name, (format_, host) in LOGS.items():
        if (DATA / "logs" / name).is_file():
            _try(console, name, logged(DATA / "logs" / name, format_, host), None)
        else:
            console.print(f"{name}: not there (FOOTFALL_DATA names the folder), not tried")


def _try(console: Console, name: str, world: Recorded, catalogue: Catalogue | None) -> None:
    weighed = learn(world, catalogue, world.until, 0)
    console.print(f"\n[bold]{name}[/]")
    console.print(
        f"weights {'adopted' if weighed.adopted else 'not adopted'}: {weighed.why}; learned from "
        f"{weighed.learned_cases:,} cases, judged on {weighed.judged_cases:,} in "
        f"{weighed.judged_visits:,} visits"
    )
    console.print(_table(weighed))
    if weighed.judged_cases:
        listed = (f"{part} {weight:.2f}" for part, weight in weighed.weights.items())
        console.print(f"[dim]learned: {', '.join(listed)}[/]")


def _table(weighed: Weighed) -> Table:
    columns = (
        "ranking",
        "hit rate at 10",
        "mean reciprocal rank",
        "gain against popular",
        "more hits",
    )
    table = Table(*columns, box=None, pad_edge=False)
    for name, m in weighed.measured.items():
        table.add_row(
            name,
            f"{m.hit_rate:.1%} [{m.hit_low:.1%}, {m.hit_high:.1%}]",
            f"{m.mrr:.4f} [{m.mrr_low:.4f}, {m.mrr_high:.4f}]",
            f"{m.gain:+.4f} [{m.gain_low:+.4f}, {m.gain_high:+.4f}]",
            f"{m.hit_gain:+.1%} [{m.hit_gain_low:+.1%}, {m.hit_gain_high:+.1%}]",
        )
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.picks_trial")
    parser.add_argument("--seeds", default=SEEDS, help="of simulated worlds, with commas")
    parser.add_argument("--shoppers", type=int, default=6000)
    parser.add_argument("--days", type=float, default=14)
    parser.add_argument("--log", type=Path, help="only this web server's log")
    parser.add_argument("--format", default="combined")
    parser.add_argument("--host", default="www.example.org", help="whose pages the log has")
    return parser.parse_args()


if __name__ == "__main__":
    main()
