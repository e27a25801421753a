"""The truth about every event, kept while it is sent and written to a file.

What the rules entail (`oracle`) depends on everything a device ever sends, so those columns are
filled in when the file is written. Kept in memory is what the oracle needs; rows wait on disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal

import msgspec
import polars as pl

from infra.simulate.oracle import GAP_MS, Said, owner, session_starts
from schemas.event import person_of_device, person_of_user, session_of

FORMATS = (".csv", ".ndjson", ".parquet")
_CHUNK = 50_000

COLUMNS = (
    "event_id",
    "device_id",
    "event_time",
    "person",
    "session",
    "kind",
    "consent",
    "user_id",
    "entailed_person",
    "entailed_session",
)


class Truth(msgspec.Struct, array_like=True):
    """One event: who made it, in which visit, and what of that it shows."""

    event_id: str
    device_id: str  # '' where the event carries none
    event_time: int  # ms
    person: str  # the human's id; '' for a bot
    session: str  # the visit's id
    kind: Literal["visitor", "bot"]
    consent: Literal["granted", "denied"]
    user_id: str = ""  # as the event names it
    logs_out: bool = False


class UnknownFormat(Exception):
    """The file's name does not say what to write."""


class TruthBook:
    """All truth of a run. Use as a context: what waits on disk goes with it."""

    def __init__(self, gap_ms: int = GAP_MS) -> None:
        self._gap_ms = gap_ms
        self._rows = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._said: dict[str, list[Said]] = {}
        self._encode = msgspec.json.Encoder().encode
        self.events = 0

    def __enter__(self) -> TruthBook:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.close()

    def add(self, truth: Truth) -> None:
        """In the order in which the events are sent; each event once."""
        self._rows.write(self._encode(truth) + b"\n")
        self.events += 1
        if truth.device_id:
            said = Said(truth.event_time, truth.user_id, truth.logs_out)
            self._said.setdefault(truth.device_id, []).append(said)

    def write(self, path: Path) -> None:
        """Writes all rows so far, as CSV, .ndjson or .parquet; readers never see half a file.

        Raises UnknownFormat, OSError.
        """
        check_format(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        frames = self._frames()
        if path.suffix == ".parquet":
            pl.concat([_frame([]), *frames]).write_parquet(new)
        else:
            with new.open("wb") as file:
                if path.suffix == ".csv":
                    _frame([]).write_csv(file)
                for frame in frames:
                    if path.suffix == ".csv":
                        frame.write_csv(file, include_header=False)
                    else:
                        frame.write_ndjson(file)
        new.replace(path)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Rows of `COLUMNS`."""
        decode = msgspec.json.Decoder(Truth).decode
        known: dict[str, _Entailed] = {}
        self._rows.seek(0)
        lines = self._rows.readlines()
        for line in lines:
            truth = decode(line)
            device = truth.device_id
            person = session = ""
            if device:
                if device not in known:
                    known[device] = _Entailed(device, self._said[device], self._gap_ms)
                person = known[device].person(truth.event_time, truth.user_id)
                session = known[device].session(truth.event_time)
            yield (
                truth.event_id,
                device,
                iso(truth.event_time),
                truth.person,
                truth.session,
                truth.kind,
                truth.consent,
                truth.user_id,
                person,
                session,
            )

    def _frames(self) -> Iterator[pl.DataFrame]:
        chunk: list[tuple[str, ...]] = []
        for row in self.rows():
            chunk.append(row)
            if len(chunk) == _CHUNK:
                yield _frame(chunk)
                chunk = []
        if chunk:
            yield _frame(chunk)


class _Entailed:
    """What the oracle says of one device."""

    def __init__(self, device: str, said: list[Said], gap_ms: int) -> None:
        self._device = device
        self._marks = [each for each in said if each.user_id or each.logs_out]
        self._starts = session_starts(said, gap_ms)

    def person(self, at: int, own_user: str) -> str:
        found = owner(self._marks, at, own_user)
        if found.user_id:
            return person_of_user(found.user_id)
        return person_of_device(self._device, found.since_logout)

    def session(self, at: int) -> str:
        return session_of(self._device, self._starts[at])


def check_format(path: Path) -> None:
    """Raises UnknownFormat."""
    if path.suffix not in FORMATS:
        raise UnknownFormat(f"{path.name}: a truth file ends in {', '.join(FORMATS)}")


def _frame(rows: list[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")


def iso(ms: int) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
