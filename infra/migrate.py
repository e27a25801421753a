"""Topics, their epochs, and ClickHouse's tables: all that must be there before services start.

Idempotent, and safe beside running services.
"""

from __future__ import annotations

import msgspec

from infra.erasure.memory import restore_memory
from infra.positions import Unreachable
from infra.rebuild import RebuildError, begin_if_forgotten, begin_if_of_another_form
from infra.topics import MigrationError, create_topics, register_epochs, topic_ids
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.migrate import migrate as migrate_clickhouse
from sinks.clickhouse.retention import apply_retention


class Migrated(msgspec.Struct):
    """What was done: names of topics made, topics whose epoch was raised, ClickHouse's changes.

    `rebuilt`: Redis had lost live state, or held another version's; it is folded again now.
    """

    topics: list[str]
    epochs: list[str]
    clickhouse: list[str]
    rebuilt: bool = False


def migrate(settings: Settings, site: Site) -> Migrated:
    """Raises MigrationError, and ConfigurationError for a topic with another partition count."""
    made = create_topics(settings, site)
    topic_ids(settings)  # refuses another number of partitions, before more is changed
    changes = migrate_clickhouse(settings.clickhouse, site=site)
    changes += apply_retention(settings.clickhouse, site.retention)
    try:
        restore_memory(settings)  # before anything is folded again
        rebuilt = begin_if_forgotten(settings, made) or begin_if_of_another_form(settings)
    except (RebuildError, Unreachable) as error:
        raise MigrationError(str(error)) from error
    raised = register_epochs(settings)
    return Migrated(made, raised, changes, rebuilt)
