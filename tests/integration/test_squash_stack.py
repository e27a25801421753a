"""footfall squash on the whole stack: answers stay, and what comes later still corrects them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.drain import drain
from schemas.ids import person_of_user
from schemas.settings import Settings
from sinks.clickhouse.client import connect
from tests.stack import stack

ADA, BEA = person_of_user("ada"), person_of_user("bea")


def test_a_login_is_written_into_the_rows_before_it_and_taken_back_again(tmp_path: Path) -> None:
    with stack(tmp_path / "state", tmp_path / "up.log") as site:
        settings = Settings.from_environment(site.environment)
        client = connect(settings.clickhouse)

        def ask(query: str) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = client.execute(query)
            return rows

        persons = "SELECT toString(person_id) FROM {} WHERE device_id = 'phone' AND type = 'page'"
        site.page("phone", "/p/1")
        site.page("phone", "/p/2")
        assert drain(settings) == []
        site.segment("identify", anonymousId="phone", userId="ada")
        assert drain(settings) == []
        assert ask(persons.format("events")) == [(ADA,), (ADA,)]
        said = site.footfall("squash")
        assert "corrections folded into 2 rows; 0 are still looked up" in said, said
        assert ask(persons.format("events")) == [(ADA,), (ADA,)]
        assert ask(persons.format("events_stored FINAL")) == [(ADA,), (ADA,)]
        assert ask("SELECT count() FROM corrections_stored") == [(0,)]

        revoked = {"anonymousId": "phone", "userId": "ada", "context": {"revoke": True}}
        site.segment("identify", **revoked)
        site.segment("identify", anonymousId="phone", userId="bea")
        assert drain(settings) == []
        assert ask(persons.format("events")) == [(BEA,), (BEA,)]
        site.footfall("squash")
        assert ask(persons.format("events")) == [(BEA,), (BEA,)]
        assert ask("SELECT count(), uniqExact(event_id) FROM events_all") == [(5, 5)]
        client.disconnect()
