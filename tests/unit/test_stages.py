"""The list of topics is what the stages read; drain, doctor and rebuild go by that list."""

from __future__ import annotations

from infra.cli.context import EXAMPLE_SITE
from schemas.redis_keys import fence_key
from schemas.settings import Settings
from schemas.site_file import load
from schemas.topics import READ
from streams.app import stages


def test_every_topic_that_is_read_has_a_stage_and_every_stage_such_a_topic() -> None:
    site = load(EXAMPLE_SITE)
    read = [stage.topic for stage in stages(Settings.from_environment({}), site)]
    assert sorted(topic.name for topic in read) == sorted(topic.name for topic in READ)


def test_no_two_partitions_share_a_fence() -> None:
    fences = [fence_key(topic, p) for topic in READ for p in range(topic.partitions)]
    assert len(set(fences)) == len(fences)
