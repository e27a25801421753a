"""Topics, their epochs, and ClickHouse's tables: all that must be there before services start.

Idempotent, and safe beside running services.
"""

from __future__ import annotations

import msgspec

from infra.topics import create_topics, register_epochs
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.migrate import migrate as migrate_clickhouse


class Migrated(msgspec.Struct):
    """What was done: names of topics made, topics whose epoch was raised, ClickHouse's changes."""

    topics: list[str]
    epochs: list[str]
    clickhouse: list[str]


def migrate(settings: Settings, site: Site) -> Migrated:
    """Raises MigrationError, and ConfigurationError for a topic with another partition count."""
    made = create_topics(settings, site)
    raised = register_epochs(settings)
    return Migrated(made, raised, migrate_clickhouse(settings.clickhouse, lifecycle=site.lifecycle))
