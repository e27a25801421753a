"""Migrations on a real server: repeated, at once, after a change."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import sinks.clickhouse.migrate as module
from schemas.settings import Settings
from schemas.site import LifecycleRules, Site
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import EditedMigrationError, migrate
from tests.servers import own_settings
from tests.sink_world import own_clickhouse, store

SOURCE = Path(module.__file__).parent


def test_six_at_once_on_an_empty_server_then_nothing_is_left_to_do(tmp_path: Path) -> None:
    settings = own_settings()
    with own_clickhouse(settings, tmp_path):
        with ThreadPoolExecutor(6) as pool:
            applied = list(pool.map(lambda _: migrate(settings.clickhouse), range(6)))
        assert "0001_events" in {name for names in applied for name in names}
        assert migrate(settings.clickhouse) == []
        with store(settings) as opened:
            views = opened.ask(
                "SELECT name FROM system.tables WHERE database = currentDatabase()"
                " AND engine = 'View' ORDER BY name"
            )
            assert [name for (name,) in views] == [
                "contacts",
                "corrected_stored",
                "costs",
                "decisions",
                "events",
                "events_all",
                "identities",
                "identity_conflicts",
                "order_items",
                "orders",
                "persons",
                "products",
                "profiles",
                "rejected",
                "report_experiments",
                "report_identity",
                "report_pages",
                "report_paths",
                "report_referrers",
                "report_retention",
                "report_variants",
                "sessions",
            ]


def test_every_column_of_every_view_is_described(settings: Settings) -> None:
    with store(settings) as opened:
        bare = opened.ask(
            "SELECT table, name FROM system.columns WHERE database = currentDatabase()"
            " AND table NOT LIKE '%\\_stored' AND table != 'schema_ledger' AND comment = ''"
        )
    assert bare == []


def test_a_changed_view_is_made_again_and_those_after_it_too(tmp_path: Path) -> None:
    settings, root = own_settings(), tmp_path / "sql"
    for part in ("migrations", "views"):
        shutil.copytree(SOURCE / part, root / part)
    with own_clickhouse(settings, tmp_path):
        migrate(settings.clickhouse, root)
        view = root / "views" / "05_identities.sql"
        view.write_text(view.read_text().replace("Why they were linked", "Why, in one word"))
        assert migrate(settings.clickhouse, root) == [
            "view 05_identities",
            "view 06_decisions",
            "view 07_rejected",
            "view 08_report_variants",
            "view 09_report_identity",
            "view 10_identity_conflicts",
            "view 13_report_experiments",
            "view 14_report_pages",
            "view 15_report_paths",
            "view 16_report_retention",
            "view 17_report_referrers",
            "view 20_orders",
            "view 21_order_items",
            "view 22_contacts",
            "view 23_profiles",
            "view 24_products",
            "view 25_costs",
        ]
        client = connect(settings.clickhouse)
        comment = (
            "SELECT comment FROM system.columns WHERE table = 'identities' AND name = 'reason'"
        )
        assert client.execute(comment)[0][0].startswith("Why, in one word")
        client.disconnect()


def test_other_borders_in_the_site_file_make_persons_again(tmp_path: Path) -> None:
    settings = own_settings()
    with own_clickhouse(settings, tmp_path):
        migrate(settings.clickhouse)
        days = 86_400_000
        borders = LifecycleRules(active_ms=7 * days, silent_ms=14 * days, asleep_ms=21 * days)
        site = Site(name="", lifecycle=borders)
        assert "view 04_persons" in migrate(settings.clickhouse, site=site)
        assert migrate(settings.clickhouse, site=site) == []


def test_an_edited_migration_is_an_error_that_names_it(tmp_path: Path) -> None:
    settings, root = own_settings(), tmp_path / "sql"
    for part in ("migrations", "views"):
        shutil.copytree(SOURCE / part, root / part)
    with own_clickhouse(settings, tmp_path):
        migrate(settings.clickhouse, root)
        (root / "migrations" / "0002_corrections.sql").write_text("SELECT 1")
        with pytest.raises(EditedMigrationError, match="0002_corrections"):
            migrate(settings.clickhouse, root)
