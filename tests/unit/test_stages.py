"""The list of folded topics is what the stages read; drain, doctor and rebuild go by that list."""

from __future__ import annotations

from infra.cli.context import EXAMPLE_SITE
from schemas.redis_keys import fence_key
from schemas.settings import Settings
from schemas.site_file import load
from schemas.topics import FOLDED
from streams.app import stages


def test_every_folded_topic_has_a_stage_and_every_stage_a_folded_topic() -> None:
    site = load(EXAMPLE_SITE)
    read = [stage.topic for stage in stages(Settings.from_environment({}), site)]
    assert sorted(topic.name for topic in read) == sorted(topic.name for topic in FOLDED)


def test_no_two_partitions_share_a_fence() -> None:
    fences = [fence_key(topic, p) for topic in FOLDED for p in range(topic.partitions)]
    assert len(set(fences)) == len(fences)
