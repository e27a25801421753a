"""A funnel's conditions on events as SQL over the view `events`.

They mean what the live funnels' conditions mean: a page pattern is matched with the whole path of
page and screen events; a field or property is compared as text, '' where it is missing. Values
from the site file become the server's parameters, never text of the query.
"""

from __future__ import annotations

from schemas.event import EnrichedEvent
from schemas.funnel import ANY
from schemas.site import SESSION_BREAKDOWNS, Step, path_pattern

_FIELDS = frozenset(EnrichedEvent.__struct_fields__) - {"properties", "notes"}
_PROPERTY = "properties."

ENTRY_VALUE = "entry_value"
"""The column that a query joins for what an event's session says."""

# Columns that are not text, as the text that an EnrichedEvent has there.
_AS_TEXT = {
    "event_id": "toString(event_id)",
    "event_time": "toString(toUnixTimestamp64Milli(event_time))",
    "received_at": "toString(toUnixTimestamp64Milli(received_at))",
    "person_id": "ifNull(toString(person_id), '')",
    "session_id": "ifNull(toString(session_id), '')",
    "search_results": "ifNull(toString(search_results), '')",
    "is_bot": "toString(is_bot)",
    "revenue": "ifNull(toDecimalString(revenue, 4), '')",
    "engaged_ms": "toString(engaged_ms)",
    "http_status": "toString(http_status)",
    "late": "toString(late)",
}


class Parameters:
    """Values of one query by the names under which it refers to them."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def add(self, value: object, kind: str) -> str:
        """The SQL that stands for the value; `kind` is a ClickHouse type."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"


def text_of(field: str, parameters: Parameters) -> str:
    """An event field, a property (by path) or what its session says as text."""
    if field in SESSION_BREAKDOWNS:
        return ENTRY_VALUE
    if field in _FIELDS:
        return _AS_TEXT.get(field, field)
    path = parameters.add(field.removeprefix(_PROPERTY), "String")
    return f"ifNull(toString(getSubcolumn(properties, {path})), '')"


def step_condition(step: Step, parameters: Parameters) -> str:
    """What an event must fulfil to be this step."""
    parts = []
    if step.event:
        parts.append(is_named(step.event, parameters))
    if step.page:
        pattern = parameters.add(path_pattern(step.page), "String")
        parts.append(f"type IN ('page', 'screen') AND match(path, {pattern})")
    for field, allowed in step.where.items():
        values = parameters.add(sorted(allowed), "Array(String)")
        text = text_of(field, parameters)
        among = f"has({values}, {text})"
        parts.append(f"({among} OR {text} != '')" if ANY in allowed else among)
    return "(" + " AND ".join(parts or ["true"]) + ")"


def is_named(event: str, parameters: Parameters) -> str:
    return f"name = {parameters.add(event, 'String')}"
