"""Live counts of visitors, events, pages and refusals a minute: what stands in which field.

All are kept a partition, beside its states and behind its fence, and are sums over partitions.

| hash | field | counts |
|---|---|---|
| `pulse_key` | `minute\\|e` | events that are no bot's |
| | `minute\\|b` | events of bots |
| | `minute\\|a` | devices that were there in that minute |
| | `minute\\|l` | devices whose last event is of that minute: each stands in one |
| `pages_key` | path | page views of that minute; paths beyond a bound count under '' |
| `rejected_key` | `minute\\|reason\\|protocol` | refused inputs |

`minute` is 0..59 of the key's hour. A minute is that of the event's own time.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["e", "b", "a", "l"]

EVENTS: Kind = "e"
BOTS: Kind = "b"
ACTIVE: Kind = "a"
LAST: Kind = "l"

COUNTS_TTL_MS = 50 * 3_600_000
PAGES_TTL_MS = 3_600_000
MAX_PATHS = 500
"""Different paths a partition and minute."""

SECONDS_NOW = 60
MINUTES_NOW = 5
"""'Visitors now' are the devices whose last event is of one of the last so many minutes."""


def pulse_field(minute: int, kind: Kind) -> str:
    return f"{minute % 60}|{kind}"


def rejected_field(minute: int, reason: str, protocol: str) -> str:
    return f"{minute % 60}|{reason}|{protocol}"
