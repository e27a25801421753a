"""For which funnels evidence speaks: a layout is the fingerprints of them, by position.

States name a layout by its id, four bytes however many funnels a site has. What an id stands for
is kept beside the states of each partition (`schemas.redis_keys.layouts_key`), written with the
first batch that uses it; ids follow from what they stand for, so that all partitions agree.
"""

from __future__ import annotations

import zlib

import msgspec

from schemas.evidence import Layout

Layouts = dict[int, Layout]

NO_LAYOUT = 0

MAX_LAYOUTS = 200
"""So many are kept, the newest: none is asked for of which all evidence has left the horizon."""

encode_layouts = msgspec.msgpack.Encoder().encode
layouts_decoder: msgspec.msgpack.Decoder[Layouts] = msgspec.msgpack.Decoder(Layouts)


def layout_id(layout: Layout) -> int:
    """CRC-32 of the fingerprints; NO_LAYOUT for none."""
    if not layout:
        return NO_LAYOUT
    return zlib.crc32(b"".join([one.to_bytes(4, "big") for one in layout])) or 1


def with_layout(layouts: Layouts, layout: Layout) -> Layouts:
    """With one more, the same object where it is there; of too many the oldest goes."""
    number = layout_id(layout)
    if not number or number in layouts:
        return layouts
    kept = list(layouts.items())[-(MAX_LAYOUTS - 1) :]
    return {**dict(kept), number: layout}
