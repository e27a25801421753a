"""What happened off the web, from CSV files into the whole stack; and all of it again."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import Stack, stack

CATALOGUE = Path(__file__).parents[2] / "infra" / "demo" / "catalogue.csv"

FILES = {
    "members": (
        "member_id,email,phone,birth_year,profile_id\n"
        "anna,Anna@example.com,+49 30 123456,1980,\n"
        "anna,,,2019,mia\n"
        "bert,bert@example.com,,1970,\n"
    ),
    "orders": (
        "order_id,ordered_at,email,phone,user_id,product_id,quantity,price,currency,refunded\n"
        "t-1,2026-11-20 14:00,anna@example.com,,,T-0001,2,34.90,EUR,\n"
        "t-1,2026-11-20 14:00,anna@example.com,,,T-0002,1,18.90,EUR,\n"
        "t-2,2026-11-20 15:00,,0049 30 123456,,T-0002,1,10,USD,4\n"
        "t-3,2026-11-20 16:00,,,bert,T-0003,1,5,EUR,\n"
        "t-4,2026-11-20 16:00,stranger@example.com,,,T-0003,1,5,EUR,\n"
        "t-5,not a time,,,bert,T-0003,1,5,EUR,\n"
    ),
    "contacts": (
        "contacted_at,channel,email,order_id,answered_at,contact_id\n"
        "2026-11-20 18:00,mail,anna@example.com,,2026-11-21 10:00,m-1\n"
        "2026-11-20 19:00,call,,t-3,,c-1\n"
        "2026-11-20 20:00,pigeon,bert@example.com,,,c-2\n"
    ),
    "costs": (
        "day,source,medium,campaign,cost,currency,clicks\n"
        "2026-11-20,google,cpc,bears,120.50,,300\n2026-11-20,mail,email,autumn,20,USD,\n"
    ),
}
VIEWS = ("orders", "order_items", "contacts", "profiles", "persons", "sessions", "identities",
         "costs", "products", "events_all")  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Stack:  # type: ignore[misc]
    directory = tmp_path_factory.mktemp("imports")
    with stack(directory / "state", directory / "up.log") as running:
        import_all(running, directory)
        yield running


def import_all(running: Stack, directory: Path) -> dict[str, str]:
    """What each import printed."""
    printed = {"products": running.footfall("import", "products", str(CATALOGUE))}
    for kind, content in FILES.items():
        path = directory / f"{kind}.csv.gz"
        path.write_bytes(gzip.compress(content.encode()))
        printed[kind] = running.footfall("import", kind, str(path))
    running.drain()
    return printed


def imported(running: Stack, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", "import", *words],
        env={**os.environ, **running.environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def everything(running: Stack) -> dict[str, tuple[str, str]]:
    """Rows and their digest, by view."""
    digests = [
        f"SELECT '{view}', count(), sum(cityHash64(toString(tuple(*)))) FROM {view}"
        for view in VIEWS
    ]
    return {row[0]: (row[1], row[2]) for row in running.sql(" UNION ALL ".join(digests))}


def person(running: Stack, user_id: str) -> str:
    found = running.sql(
        "SELECT person_id FROM identities WHERE kind = 'user_id' OR kind = 'email'"
        f" AND identifier = '{user_id}@example.com'"
    )
    return found[0][0]


def test_an_order_by_telephone_is_of_the_member_whose_address_or_number_it_names(
    running: Stack,
) -> None:
    rows = running.sql(
        "SELECT order_id, person_id, formatDateTime(ordered_at, '%F %H:%i'), revenue, currency,"
        " items, channel, refunded, revenue_site FROM orders ORDER BY order_id"
    )
    anna = person(running, "anna")
    whose = {row[0]: row[1] for row in rows}
    assert whose["t-1"] == whose["t-2"] == anna
    assert len({whose["t-1"], whose["t-3"], whose["t-4"]}) == 3
    assert [[row[0], *row[2:]] for row in rows] == [
        ["t-1", "2026-11-20 13:00", "88.7", "EUR", "3", "phone", "0", "88.7"],
        ["t-2", "2026-11-20 14:00", "10", "USD", "1", "phone", "4", "9.2"],
        ["t-3", "2026-11-20 15:00", "5", "EUR", "1", "phone", "0", "5"],
        ["t-4", "2026-11-20 15:00", "5", "EUR", "1", "phone", "0", "5"],
    ]
    items = running.sql(
        "SELECT order_id, product_id, title, quantity FROM order_items JOIN products"
        " USING product_id WHERE order_id = 't-1' ORDER BY product_id"
    )
    assert items == [
        ["t-1", "T-0001", "Bruno the Bear", "2"],
        ["t-1", "T-0002", "Little Bruno", "1"],
    ]
    money = running.sql(
        "SELECT orders, revenue_site, lifecycle, value_tier FROM persons"
        f" WHERE person_id = '{anna}'"
    )
    assert money == [["2", "94.22", "second-time", "small"]]
    stored = running.sql("SELECT count() FROM events WHERE toString(properties) LIKE '%stranger%'")
    assert stored == [["0"]], "an address leads to a person and is not stored with the order"


def test_calls_and_mails_are_contacts_of_their_person(running: Stack) -> None:
    rows = running.sql(
        "SELECT contact_id, channel, direction, answer_s, person_id, order_id FROM contacts"
        " ORDER BY contact_id"
    )
    bert = running.sql("SELECT person_id FROM orders WHERE order_id = 't-3'")[0][0]
    assert rows == [
        ["c-1", "call", "in", "\\N", bert, "t-3"],
        ["m-1", "mail", "in", "57600", person(running, "anna"), ""],
    ]


def test_members_have_profiles_and_their_children_too(running: Stack) -> None:
    rows = running.sql(
        "SELECT user_id, profile_id, attributes['birth_year'], attributes['email'] FROM profiles"
        " ORDER BY user_id, profile_id"
    )
    assert rows == [
        ["anna", "", "1980", "anna@example.com"],
        ["anna", "mia", "2019", ""],
        ["bert", "", "1970", "bert@example.com"],
    ]
    age = running.homepage(anonymous_id="c1", user_id="anna", profile_id="mia")
    assert age["scenario"] == "my-kids", age


def test_what_campaigns_cost_and_what_is_in_the_catalogue(running: Stack) -> None:
    costs = running.sql("SELECT utm_campaign, cost, cost_site, clicks FROM costs ORDER BY 1")
    assert costs == [["autumn", "20", "18.4", "\\N"], ["bears", "120.5", "120.5", "300"]]
    bruno = running.sql(
        "SELECT title, brand, price, attributes['material'] FROM products"
        " WHERE product_id = 'T-0001'"
    )
    assert bruno == [["Bruno the Bear", "Bramblewick", "34.9", "mohair plush"]]


def test_importing_all_of_it_again_changes_nothing(running: Stack, tmp_path: Path) -> None:
    before = everything(running)
    assert all(rows != "0" for rows, _ in before.values()), before
    printed = import_all(running, tmp_path)
    assert everything(running) == before
    assert "taken" in printed["orders"]


def test_bad_rows_are_told_with_their_lines_and_the_rest_is_taken(running: Stack) -> None:
    done = imported(running, "orders", "-", stdin=FILES["orders"])
    assert done.returncode == 0, done.stderr
    assert "-:7: not_a_time: ordered_at 'not a time'" in done.stderr
    words = done.stdout.split()
    assert words[:8] == ["rows", "read", "6", "taken", "5", "bad", "(not_a_time)", "1"]


def test_a_file_that_is_none_and_columns_that_are_missing(running: Stack, tmp_path: Path) -> None:
    gone = imported(running, "orders", str(tmp_path / "gone.csv"))
    assert (gone.returncode, "gone.csv: No such file" in gone.stderr) == (1, True), gone.stderr
    short = imported(running, "orders", "-", stdin="order_id,price\no,1\n")
    assert short.returncode == 2
    assert "missing columns: ordered_at" in short.stderr
    nobody = imported(running, "orders", "-", "--send", "http://127.0.0.1:1", stdin=FILES["orders"])
    assert nobody.returncode == 1
    assert "no collector at http://127.0.0.1:1" in nobody.stderr
