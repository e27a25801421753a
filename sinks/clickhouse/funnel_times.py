"""How long units take from step to step of a funnel, as one ClickHouse query.

Each unit counts with one way: the first to come as far as it ever came. Of the entries that lead
there it has the latest, and of a step's events the first (from that entry; where a break lay
between, the first after it). In any order, the nth step of a way is the nth different one.
"""

from __future__ import annotations

from schemas.site import Funnel
from sinks.clickhouse.funnel_sql import MS, Builder, Query, refuse_unsupported

NOWHERE = "CAST([], 'Array(Int64)')"


def times_sql(funnel: Funnel, from_ms: int, to_ms: int) -> Query:
    """Rows (step, units, [median, p90] since the step before, the same since the first), times in
    seconds, of every step from the second (number 2) on that somebody reached.

    Raises UnsupportedFunnel.
    """
    ways = ways_sql(funnel, from_ms, to_ms)
    return Query(
        "SELECT step, count() AS units,"
        " quantilesExactInclusive(0.5, 0.9)((times[step] - times[step - 1]) / 1000) AS previous,"
        " quantilesExactInclusive(0.5, 0.9)((times[step] - times[1]) / 1000) AS first"
        f" FROM ({ways.sql}) ARRAY JOIN range(2, length(times) + 1) AS step"
        " GROUP BY step ORDER BY step",
        ways.parameters,
    )


def ways_sql(funnel: Funnel, from_ms: int, to_ms: int) -> Query:
    """Rows (unit, times): when (ms) a unit's way came to each of its steps, two at least.

    Raises UnsupportedFunnel.
    """
    refuse_unsupported(funnel)
    builder = _Ways(funnel, from_ms, to_ms, None)
    return Query(builder.sql(), builder.parameters.values)


class _Ways(Builder):
    """The walks of Builder, which carry whole ways instead of entries: `seen` holds for each step
    the times of the way that stands there, [] for none, and at its end the unit's way so far.
    """

    def sql(self) -> str:
        match self._funnel.order:
            case "any":
                return self._any_ways()
            case "strict":
                return self._strict_ways()
            case "ordered":
                return self._ordered_ways()

    def _ordered_ways(self) -> str:
        """A moment is (ms, step, step it breaks); a break has step -1, so it comes first."""
        moments = [
            (condition, f"({MS}, toInt8({step}), toInt8(0))")
            for step, condition in enumerate([self._entry, *self._steps[1:]])
        ]
        moments += [
            (condition, f"({MS}, toInt8(-1), toInt8({step}))") for step, condition in self._breaks
        ]
        ways = [f"multiIf(m.2 = 0, [m.1], m.2 = -1 AND m.3 = 1, {NOWHERE}, seen[1])"]
        for step in range(1, self._count):
            before, here = f"seen[{step}]", f"seen[{step + 1}]"
            ways.append(
                f"multiIf(m.2 = {step} AND notEmpty({before})"
                f" AND m.1 <= {before}[1] + {self._window},"
                f" if({here}[1] = {before}[1], {here}, arrayPushBack({before}, m.1)),"
                f" m.2 = -1 AND m.3 = {step + 1}, {NOWHERE}, {here})"
            )
        return self._farthest(self._gather(moments) + self._two_steps(), self._longest(ways))

    def _strict_ways(self) -> str:
        """A moment is one event: (ms, first of its steps or -1, its steps as bits)."""
        steps = [self._entry, *self._steps[1:]]
        first = ", ".join(f"{condition}, {step}" for step, condition in enumerate(steps))
        bits = " + ".join(
            f"toUInt32({condition}) * {1 << step}" for step, condition in enumerate(steps)
        )
        ways = [f"if(bitTest(m.3, 0), [m.1], {NOWHERE})"]
        for step in range(1, self._count):
            # the way that came by the event before, and the one this very event goes
            onwards = (
                f"arrayFilter(w -> notEmpty(w) AND m.1 <= w[1] + {self._window},"
                f" [seen[{step}], {ways[-1]}])"
            )
            latest = f"arrayReverseSort(w -> (w[1], -w[-1]), {onwards})[1]"
            ways.append(
                f"if(bitTest(m.3, {step}), arrayMap(w -> if(empty(w), {NOWHERE},"
                f" arrayPushBack(w, m.1)), [{latest}])[1], {NOWHERE})"
            )
        source = (
            f"SELECT assumeNotNull({self._unit}) AS unit, arraySort(groupArray("
            f"({MS}, toInt8(multiIf({first}, -1)), {bits}))) AS moments"
            f" {self._source(everything=True)} GROUP BY unit{self._two_steps()}"
        )
        return self._farthest(source, self._longest(ways))

    def _any_ways(self) -> str:
        """A moment is (ms, step). From the last to the first: when each step comes next."""
        moments = [
            (condition, f"({MS}, toInt8({step}))") for step, condition in enumerate(self._steps)
        ]
        at = f"range(1, {self._count + 2})"
        others = f"arrayFilter((next, at) -> at <= {self._count} AND at != m.2 + 1, seen, {at})"
        way = (
            f"arrayPushFront(arraySort(arrayFilter(next -> next <= m.1 + {self._window},"
            f" arrayFlatten({others}))), m.1)"
        )
        turn = (
            "(seen, m) -> arrayMap(way -> arrayMap((old, at) -> multiIf("
            " at = m.2 + 1, [m.1],"
            f" at = {self._count + 1} AND m.1 < {self._to_ms} AND (length(way) > length(old)"
            " OR (length(way) = length(old) AND (way[-1], -way[1]) <= (old[-1], -old[1]))), way,"
            f" old), seen, {at}), [{way}])[1]"
        )
        return self._farthest(self._gather(moments), turn, "arrayReverse(moments)")

    def _two_steps(self) -> str:
        """Of units that may have come to the second step; the others have no times to tell."""
        if self._count == 1:
            return " HAVING false"
        return f" HAVING max({self._entry}) AND max({self._steps[1]})"

    def _longest(self, ways: list[str]) -> str:
        """The turn to these ways; the first of the longest is kept."""
        longest = "arrayReverseSort(w -> length(w), ways)[1]"
        best = f"if(length({longest}) > length(seen[-1]), {longest}, seen[-1])"
        return (
            f"(seen, m) -> arrayMap(ways -> arrayPushBack(ways, {best}), [[{', '.join(ways)}]])[1]"
        )

    def _farthest(self, source: str, turn: str, walked: str = "moments") -> str:
        nothing = f"arrayWithConstant({self._count + 1}, {NOWHERE})"
        return (
            f"SELECT unit, arrayFold({turn}, {walked}, {nothing})[-1] AS times"
            f" FROM ({source}) WHERE length(times) > 1"
        )
