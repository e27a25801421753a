"""Since when a partition of footfall.raw is counted by a live funnel.

What an event is to a funnel is worked out once, when it is folded; so a definition that is new, or
new again, knows nothing of what was folded before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

Begun = dict[str, int]
"""Funnel.key -> Kafka time (ms) of the first record that it counted; 0: of all that there are."""

encode_begun = msgspec.msgpack.Encoder().encode
begun_decoder: msgspec.msgpack.Decoder[Begun] = msgspec.msgpack.Decoder(Begun)


def counting(begun: Begun | None, keys: Iterable[str], at: int) -> Begun:
    """What holds when a record of time `at` (ms) is counted by the funnels of these keys.

    `begun`: what held for the record before; None: there was none. The same where nothing begins
    or ends.
    """
    if begun is None:
        return dict.fromkeys(keys, 0)
    now = {key: begun.get(key, at) for key in keys}
    return begun if now == begun else now


def since(partitions: Sequence[Begun | None], key: str, now: int) -> int:
    """From when on (ms) every partition is counted by a funnel; 0: everything always was.

    A partition that does not know the key has folded nothing since the definition changed; where
    none knows it, it begins `now`.
    """
    told = [begun for begun in partitions if begun is not None]
    return max((begun[key] for begun in told if key in begun), default=now if told else 0)
