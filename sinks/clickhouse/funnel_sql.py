"""A funnel of the site file as one ClickHouse query.

Every kind asks the same: how far did each unit (person or session) come from any entry inside
[from, to)? Events are taken in order of time, those of one millisecond in order of steps, and one
event may stand for several steps, as in ClickHouse's windowFunnel.

ordered  a step is reached when the one before was, within the window of that entry. What a step is
         `without` breaks the way to it; in one millisecond, breaks come before steps. Without
         breaks and breakdown this is windowFunnel; else the live funnels' walk as an arrayFold.
strict   the same, and any other event of the unit breaks every way. Events of one millisecond
         stand in the order of their first step, others before them.
any      the number of different steps within the window of the earliest of them.

A breakdown by session.<field> asks the view `sessions`, whatever the funnel is per.
In a breakdown a unit counts for every value it entered with, each time as if the entries with that
value were the only ones. Log lines joined to a person are history, which live counters never
touch: funnels of persons leave them out, so that both count the same.
"""

from __future__ import annotations

import msgspec

from schemas.site import SESSION_BREAKDOWNS, Funnel
from sinks.clickhouse.errors import UnsupportedFunnel
from sinks.clickhouse.funnel_conditions import (
    ENTRY_VALUE,
    Parameters,
    is_named,
    step_condition,
    text_of,
)

_UNITS = {"person": "person_id", "session": "session_id"}
MS = "toUnixTimestamp64Milli(event_time)"


class Query(msgspec.Struct, frozen=True):
    """SQL and the values of its parameters, for a client with `server_side_params`."""

    sql: str
    parameters: dict[str, object]


def funnel_sql(funnel: Funnel, from_ms: int, to_ms: int, by: str | None = None) -> Query:
    """Rows (value, level, units): how many came exactly so far, level 1 being the first step.

    `by`: field of the breakdown; without one `value` is ''. Raises UnsupportedFunnel.
    """
    levels = levels_sql(funnel, from_ms, to_ms, by)
    return Query(
        f"SELECT value, level, count() AS units FROM ({levels.sql}) GROUP BY value, level",
        levels.parameters,
    )


def levels_sql(funnel: Funnel, from_ms: int, to_ms: int, by: str | None = None) -> Query:
    """Rows (unit, value, level) of units that entered. Raises UnsupportedFunnel."""
    refuse_unsupported(funnel)
    if by and by.startswith("session.") and by not in SESSION_BREAKDOWNS:
        raise UnsupportedFunnel(f"by {by}: allowed of a session: {', '.join(SESSION_BREAKDOWNS)}")
    builder = Builder(funnel, from_ms, to_ms, by)
    return Query(builder.sql(), builder.parameters.values)


def refuse_unsupported(funnel: Funnel) -> None:
    """Raises UnsupportedFunnel."""
    if funnel.order != "ordered" and any(step.without for step in funnel.steps):
        raise UnsupportedFunnel(
            f"funnel {funnel.name}: 'without' means nothing where the order is {funnel.order}"
        )


class Builder:
    """Puts one query together.

    All but windowFunnel gather, for each unit, a sorted array of what happened, `moments`, and
    walk along it with arrayFold. What the walk carries, `seen`, is one number (ms, -1 for none) a
    step, and at its end the highest level so far.
    """

    def __init__(self, funnel: Funnel, from_ms: int, to_ms: int, by: str | None) -> None:
        self.parameters = Parameters()
        self._funnel = funnel
        self._by = by
        self._unit = _UNITS[funnel.per]
        self._window = f"toInt64({int(funnel.within_ms)})"
        self._count = len(funnel.steps)
        self._from_ms = self.parameters.add(from_ms, "Int64")
        self._to_ms = self.parameters.add(to_ms, "Int64")
        self._steps = [step_condition(step, self.parameters) for step in funnel.steps]
        self._breaks = [
            (index, is_named(step.without, self.parameters))
            for index, step in enumerate(funnel.steps)
            if step.without
        ]
        text = text_of(by, self.parameters) if by else "''"
        self._value = f"CAST({text}, 'String')"

    def sql(self) -> str:
        match self._funnel.order:
            case "any":
                return self._any()
            case "strict":
                return self._strict()
            case "ordered" if self._breaks or self._by:
                return self._ordered()
            case "ordered":
                return self._window_funnel()

    def _source(self, *, everything: bool = False) -> str:
        evidence = " OR ".join([*self._steps, *(condition for _, condition in self._breaks)])
        return (
            f"FROM {self._events()} WHERE isNotNull({self._unit})"
            + (" AND protocol != 'log'" if self._funnel.per == "person" else "")
            + f" AND event_time >= fromUnixTimestamp64Milli({self._from_ms}, 'UTC')"
            f" AND event_time <= fromUnixTimestamp64Milli({self._to_ms} + {self._window}, 'UTC')"
            + ("" if everything else f" AND ({evidence})")
        )

    def _events(self) -> str:
        """The view; where the breakdown asks for it, with what each event's session says."""
        if self._by not in SESSION_BREAKDOWNS:
            return "events"
        return (
            "events ANY LEFT JOIN"
            f" (SELECT session_id AS visit, toString({self._by.removeprefix('session.')})"
            f" AS {ENTRY_VALUE} FROM sessions"
            f" WHERE ended_at >= fromUnixTimestamp64Milli({self._from_ms}, 'UTC')"
            f" AND started_at < fromUnixTimestamp64Milli({self._to_ms}, 'UTC')) AS visits"
            " ON events.session_id = visits.visit"
        )

    @property
    def _entry(self) -> str:
        """The first step, inside [from, to)."""
        return f"({self._steps[0]} AND {MS} < {self._to_ms})"

    def _window_funnel(self) -> str:
        conditions = ", ".join([self._entry, *self._steps[1:]])
        window = int(self._funnel.within_ms)
        return (
            f"SELECT assumeNotNull({self._unit}) AS unit, '' AS value,"
            f" windowFunnel({window})(toUInt64({MS}), {conditions}) AS level"
            f" {self._source()} GROUP BY unit HAVING level > 0"
        )

    def _ordered(self) -> str:
        """A moment is (ms, step, step it breaks, value); a break has step -1, so it comes first."""
        moments = [(self._entry, f"({MS}, toInt8(0), toInt8(0), {self._value})")]
        moments += [
            (condition, f"({MS}, toInt8({step}), toInt8(0), '')")
            for step, condition in enumerate(self._steps)
            if step
        ]
        moments += [
            (condition, f"({MS}, toInt8(-1), toInt8({step}), '')")
            for step, condition in self._breaks
        ]
        reaches = ["m.2 = 0"]
        ways = ["multiIf(m.2 = 0, m.1, m.2 = -1 AND m.3 = 1, toInt64(-1), seen[1])"]
        for step in range(1, self._count):
            before = f"seen[{step}]"
            reaches.append(f"(m.2 = {step} AND {before} >= 0 AND m.1 <= {before} + {self._window})")
            ways.append(
                f"multiIf({reaches[step]}, {before},"
                f" m.2 = -1 AND m.3 = {step + 1}, toInt64(-1), seen[{step + 1}])"
            )
        level = f"if({' OR '.join(reaches)}, toInt64(m.2 + 1), toInt64(0))"
        best = f"greatest(seen[{self._count + 1}], {level})"
        turn = f"(seen, m) -> [{', '.join([*ways, best])}]"
        walked = "arrayFilter(m -> m.2 != 0 OR m.4 = value, moments)"
        entries = "arrayFilter(m -> m.2 = 0, moments)"
        return self._walk(self._gather(moments), turn, walked, entries, "m.4")

    def _strict(self) -> str:
        """A moment is one event: (ms, first of its steps or -1, its steps as bits, value)."""
        steps = [self._entry, *self._steps[1:]]
        first = ", ".join(f"{condition}, {step}" for step, condition in enumerate(steps))
        bits = " + ".join(
            f"toUInt32({condition}) * {1 << step}" for step, condition in enumerate(steps)
        )
        moment = f"({MS}, toInt8(multiIf({first}, -1)), {bits}, {self._value})"
        ways = ["if(bitTest(m.3, 0) AND m.4 = value, m.1, toInt64(-1))"]
        for step in range(1, self._count):
            before = f"seen[{step}]"
            goes_on = f"{before} >= 0 AND m.1 <= {before} + {self._window}"
            ways.append(
                f"if(bitTest(m.3, {step}),"
                f" greatest(if({goes_on}, {before}, toInt64(-1)), {ways[-1]}), toInt64(-1))"
            )
        level = ", ".join(f"{way} >= 0, {step + 1}" for step, way in reversed([*enumerate(ways)]))
        best = f"greatest(seen[{self._count + 1}], toInt64(multiIf({level}, 0)))"
        turn = f"(seen, m) -> [{', '.join([*ways, best])}]"
        entries = "arrayFilter(m -> bitTest(m.3, 0), moments)"
        source = (
            f"SELECT assumeNotNull({self._unit}) AS unit,"
            f" arraySort(groupArray({moment})) AS moments"
            f" {self._source(everything=True)} GROUP BY unit"
        )
        return self._walk(source, turn, "moments", entries, "m.4")

    def _any(self) -> str:
        """A moment is (ms, step, value). From the last to the first: when each step comes next."""
        moments = [
            (condition, f"({MS}, toInt8({step}), {self._value})")
            for step, condition in enumerate(self._steps)
        ]
        inside = f"next >= 0 AND next <= m.1 + {self._window}"
        others = (
            f"arrayCount((next, at) -> at <= {self._count} AND at != m.2 + 1 AND {inside},"
            " seen, range(1, length(seen) + 1))"
        )
        turn = (
            "(seen, m) -> arrayMap((old, at) -> multiIf("
            " at = m.2 + 1, m.1,"
            f" at = {self._count + 1} AND m.1 < {self._to_ms} AND m.3 = value,"
            f" greatest(old, toInt64(1 + {others})),"
            " old), seen, range(1, length(seen) + 1))"
        )
        entries = f"arrayFilter(m -> m.1 < {self._to_ms}, moments)"
        return self._walk(self._gather(moments), turn, "arrayReverse(moments)", entries, "m.3")

    def _gather(self, moments: list[tuple[str, str]]) -> str:
        """Each unit's moments, of those whose condition holds, in order."""
        tuples = ", ".join(f"({condition}, {moment})" for condition, moment in moments)
        return (
            f"SELECT assumeNotNull({self._unit}) AS unit, arraySort(groupArrayArray("
            f"arrayMap(c -> c.2, arrayFilter(c -> c.1, [{tuples}])))) AS moments"
            f" {self._source()} GROUP BY unit"
        )

    def _walk(self, source: str, turn: str, walked: str, entries: str, value: str) -> str:
        """Once for every value that the unit entered with."""
        seen = ", ".join(["toInt64(-1)"] * self._count + ["toInt64(0)"])
        return (
            f"SELECT unit, value, arrayFold({turn}, {walked}, [{seen}])[-1] AS level"
            f" FROM ({source})"
            f" ARRAY JOIN arrayDistinct(arrayMap(m -> {value}, {entries})) AS value"
        )
