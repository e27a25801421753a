"""Which line of which topic becomes which row of which table, and when it may.

A line travels to ClickHouse as the JSON it is; the server takes it apart (`Table.insert_sql`).
The server's JSON functions turn what does not fit into zeros without a word, so `Table.check`
lets only lines through that fit exactly.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from schemas import topics
from schemas.event import Decision, EnrichedEvent, Rejected
from schemas.messages import Correction, IdentityLink, Resolution

_REPLAYED = 2**42
MOMENT_MIN = 946_684_800_000  # 2000-01-01, as ingest demands
MOMENT_MAX = 4_102_444_800_000  # 2100-01-01; DateTime64 and toDate reach further
_RECEIVED_MAX = 2**42 - 1  # above every moment; what `version` counts down from

Moment = Annotated[int, Meta(ge=MOMENT_MIN, lt=MOMENT_MAX)]
Since = Annotated[int, Meta(ge=0, lt=MOMENT_MAX)]  # 0: since ever
UInt16 = Annotated[int, Meta(ge=0, lt=2**16)]
UInt32 = Annotated[int, Meta(ge=0, lt=2**32)]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
NotZero = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Money = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,14}(\.[0-9]{1,20})?\Z")]  # Decimal(18, 4)
NotEmpty = Annotated[str, Meta(min_length=1)]

_TIME = "Time"  # marks a column that is an integer of milliseconds in JSON
_SETTINGS: dict[str, object] = {
    "optimize_on_insert": 0,  # views read FINAL; 1 halves the speed (decision 0006)
    "type_json_skip_duplicated_paths": 1,  # {"a": 1, "a": 2}: the first holds
    "input_format_try_infer_dates": 0,  # properties keep the text that was sent
    "input_format_try_infer_datetimes": 0,
    "max_partitions_per_insert_block": 0,  # an import may span many months
    "distributed_foreground_insert": 1,  # on a cluster: stored, not queued, when it says so
}


class Unfit(Exception):
    """The line is not the record that its topic holds. The message says where."""


class Table(msgspec.Struct, frozen=True):
    """One topic's way into one table.

    `columns`: column -> its type in the line's JSON, or Time. `computed`: column -> SQL over
    `line` and `e`, the extracted tuple, for what is not simply a column's value. A field that a
    line leaves out is extracted as zero or empty, so other defaults are computed. `guard`: SQL
    that is true for no line that could be read.
    """

    topic: topics.Topic
    name: str
    decoder: msgspec.json.Decoder[Any]
    columns: dict[str, str]
    computed: dict[str, str]
    guard: str

    def check(self, line: bytes) -> None:
        """Raises Unfit where the row would not hold exactly what the line says."""
        try:
            self.decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise Unfit(str(error)) from error
        except RecursionError as error:
            raise Unfit("nested too deeply") from error

    @property
    def insert_sql(self) -> str:
        """An INSERT that takes one column of lines and lets the server parse them."""
        json_types = {name: "Int64" if t == _TIME else t for name, t in self.columns.items()}
        tuple_type = ", ".join(f"{name} {json_type}" for name, json_type in json_types.items())
        values = {
            name: f"fromUnixTimestamp64Milli(e.{name}, 'UTC')" if t == _TIME else f"e.{name}"
            for name, t in self.columns.items()
        } | self.computed
        return (
            f"INSERT INTO {self.name} ({', '.join(values)}) "
            f"SELECT {', '.join(values.values())} "
            f"FROM (SELECT line, JSONExtract(line, 'Tuple({tuple_type})') AS e"
            " FROM input('line String')) "
            f"WHERE NOT throwIf({self.guard}, 'the line could not be read as JSON') "
            f"SETTINGS {', '.join(f'{name} = {value}' for name, value in _SETTINGS.items())} "
            "FORMAT Native"
        )


def _decoder(record: type[msgspec.Struct], **narrower: object) -> msgspec.json.Decoder[Any]:
    """A decoder of `record` with some fields narrowed to what a column can hold."""
    defaults = {field.name: field for field in msgspec.structs.fields(record)}
    fields = [
        (name, kind) if defaults[name].required else (name, kind, defaults[name].default)
        for name, kind in narrower.items()
    ]
    strict = msgspec.defstruct(record.__name__, fields, bases=(record,), kw_only=True)
    return msgspec.json.Decoder(strict)


def _text_columns(record: type[msgspec.Struct], without: tuple[str, ...] = ()) -> dict[str, str]:
    return {name: "String" for name in record.__struct_fields__ if name not in without}


EVENTS = Table(
    topics.EVENTS,
    "events_stored",
    _decoder(
        EnrichedEvent,
        event_id=uuid.UUID,
        event_time=Moment,
        received_at=Moment,
        device_id=NotEmpty,
        person_id=uuid.UUID | None,
        session_id=uuid.UUID | None,
        search_results=UInt32 | None,
        revenue=Money | None,
        engaged_ms=UInt32,
        http_status=UInt16,
        properties=dict[str, Any],
    ),
    _text_columns(EnrichedEvent)
    | {
        "event_id": "UUID",
        "event_time": _TIME,
        "received_at": _TIME,
        "person_id": "Nullable(UUID)",
        "session_id": "Nullable(UUID)",
        "search_results": "Nullable(UInt32)",
        "is_bot": "Bool",
        "revenue": "Nullable(Decimal(18, 4))",
        "engaged_ms": "UInt32",
        "http_status": "UInt16",
        "late": "Bool",
        "notes": "Array(String)",
        "properties": "JSON(max_dynamic_paths = 256)",
    },
    {
        "referrer_medium": "if(e.referrer_medium = '', 'unknown', e.referrer_medium)",
        # The upper 22 bits are 0 here and count the squashes of a row later on. Of history told
        # again the copy whose session is closed by now is late, and must not win by coming last.
        "version": f"toUInt64({_RECEIVED_MAX} - e.received_at - e.late)",
    },
    guard="e.event_time = 0",
)

CORRECTIONS = Table(
    topics.CORRECTIONS,
    "corrections_stored",
    _decoder(
        Correction,
        device_id=NotEmpty,
        since=Since,
        until=Since,
        person_id=uuid.UUID | None,
        session_id=uuid.UUID | None,
        version=Version,
    ),
    {
        "device_id": "String",
        "what": "String",
        "since": _TIME,
        "until": _TIME,
        "person_id": "Nullable(UUID)",
        "session_id": "Nullable(UUID)",
        "version": "UInt64",
        "removed": "Bool",
        "bot_reason": "String",
        "user_id": "String",
    },
    {},
    guard="e.what = ''",
)

IDENTITY = Table(
    topics.IDENTITY,
    "identity_stored",
    _decoder(IdentityLink, person_id=uuid.UUID, valid_from=Since, version=Version),
    _text_columns(IdentityLink)
    | {"person_id": "UUID", "valid_from": _TIME, "version": "UInt64", "removed": "Bool"},
    {"status": "if(e.status = '', 'applied', e.status)"},
    guard="e.kind = ''",
)

DECISIONS = Table(
    topics.DECISIONS,
    "decisions_stored",
    _decoder(Decision, decision_id=NotEmpty, decided_at=Moment),
    _text_columns(Decision) | {"decided_at": _TIME, "degraded": "Bool", "latency_ms": "Float32"},
    {},
    guard="e.decision_id = ''",
)

RESOLUTIONS = Table(
    topics.RESOLUTIONS,
    "resolutions_stored",
    _decoder(Resolution, person_id=uuid.UUID, resolved_id=uuid.UUID, version=NotZero),
    {"person_id": "UUID", "device_id": "String", "resolved_id": "UUID", "version": "UInt64"},
    {"removed": "e.person_id = e.resolved_id"},
    guard="e.version = 0",
)

REJECTED = Table(
    topics.REJECTED,
    "rejected_stored",
    _decoder(Rejected, rejected_id=uuid.UUID, rejected_at=Moment, replayed_at=Since),
    _text_columns(Rejected, without=("original",))
    | {"rejected_id": "UUID", "rejected_at": _TIME, "replayed_at": _TIME},
    {
        "original": "base64Decode(JSONExtractString(line, 'original'))",
        # that it was replayed is newer than any refusal
        "version": f"toUInt64({_RECEIVED_MAX} - e.rejected_at + (e.replayed_at > 0) * {_REPLAYED})",
    },
    guard="e.rejected_at = 0",
)

TABLES = (EVENTS, CORRECTIONS, RESOLUTIONS, IDENTITY, DECISIONS, REJECTED)
"""In the order in which a block is inserted."""
