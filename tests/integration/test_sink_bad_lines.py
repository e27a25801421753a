"""Bad lines in the sink's topics: each is rejected once, with its bytes; the rest is stored."""

from __future__ import annotations

from pathlib import Path

import msgspec

from schemas.batch import encode_line
from schemas.settings import Settings
from schemas.topics import CORRECTIONS, DECISIONS, EVENTS, IDENTITY, REJECTED
from tests.processes import await_true
from tests.sink_world import (
    Topics,
    await_count,
    event,
    lines,
    new_device,
    own_servers,
    sink,
    store,
)

ORIGINALS = "SELECT reason, original FROM rejected WHERE position(original, {mark:String}) > 0"


def test_every_line_is_in_events_or_in_rejected_and_nothing_circles(settings: Settings) -> None:
    device = new_device()
    mark = device.encode()
    topics = Topics(settings)
    good = lines([event(device, at) for at in range(50)])
    deep = b'{"a":' * 600 + b"[" * 600 + b"]" * 600 + b"}" * 600
    too_deep = encode_line(event(device, properties=msgspec.Raw(deep)))
    bad = {
        EVENTS: [b"rubbish " + mark, b'{"device_id":"' + mark + b'"}', too_deep],
        IDENTITY: [b"\xff\xfe " + mark],
        CORRECTIONS: [b"[1] " + mark],
        DECISIONS: [b"null " + mark],
        REJECTED: [b"{} " + mark, b"not a refusal " + mark],
    }
    with store(settings) as opened, sink(settings):
        topics.send(EVENTS, [*good[:25], *bad[EVENTS], *good[25:]])
        for topic, wrong in bad.items():
            if topic != EVENTS:
                topics.send(topic, wrong)

        expected = {line for wrong in bad.values() for line in wrong}
        await_true(
            lambda: len(opened.ask(ORIGINALS, mark=device)) >= len(expected), 60, "all refusals"
        )
        # what is published comes back through footfall.rejected; a second round would show
        topics.send(EVENTS, lines([event(device, 60)]))
        count = "SELECT count() FROM events WHERE device_id = {d:String}"
        await_true(lambda: opened.ask(count, d=device) == [(51,)], 30, "good lines")

        found = opened.ask(ORIGINALS.replace("original FROM", "hex(original) FROM"), mark=device)
        assert sorted(original for _, original in found) == sorted(
            line.hex().upper() for line in expected
        )
        assert {reason for reason, _ in found} == {"invalid_event"}


def test_a_row_that_only_the_server_refuses_is_rejected_and_its_block_kept(tmp_path: Path) -> None:
    device = new_device()
    sent = [event(device, at, title="forbidden" if at == 33 else "") for at in range(50)]
    with own_servers(tmp_path) as settings, store(settings) as opened:
        opened.ask("ALTER TABLE events_stored ADD CONSTRAINT t CHECK title != 'forbidden'")
        Topics(settings).send(EVENTS, lines(sent))
        with sink(settings):
            await_count(opened, "SELECT count() FROM rejected", 1)
        assert opened.ask("SELECT count() FROM events") == [(49,)]
        ((reason, detail, event_id),) = opened.ask("SELECT reason, detail, event_id FROM rejected")
        assert (reason, event_id) == ("not_storable", sent[33].event_id)
        assert "Constraint" in detail
