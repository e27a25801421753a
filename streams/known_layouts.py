"""What the ids of layouts in a stage's states stand for."""

from __future__ import annotations

from schemas.evidence import Layout
from schemas.layouts import NO_LAYOUT, Layouts, layout_id


class KnownLayouts:
    """The layout that the stage writes, and those that its partitions have written before.

    Ids follow from what they stand for, so partitions agree, and what is learned never changes.
    """

    def __init__(self, own: Layout) -> None:
        self.own = own
        self.own_id = layout_id(own)
        self._known: Layouts = {NO_LAYOUT: (), self.own_id: own}

    def learn(self, layouts: Layouts) -> None:
        """What a partition keeps of them, before any of its states is folded."""
        self._known.update(layouts)

    def get(self, number: int) -> Layout:
        """() for one that is no longer kept: what evidence of it says has left the horizon."""
        return self._known.get(number, ())

    def fingerprints(self, number: int) -> Layout:
        """Raises LookupError for an id that no partition told."""
        try:
            return self._known[number]
        except KeyError:
            raise LookupError(
                f"live state names a layout of funnels ({number:08x}) that Redis does not know; "
                "run: footfall rebuild"
            ) from None
