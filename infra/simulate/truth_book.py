"""The truth about every event, kept while it is sent and written to a file.

What the rules entail (`entailed`) depends on everything that is ever sent, so those columns are
filled in when the file is written. Kept in memory is what the oracle needs; rows wait on disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import msgspec
import polars as pl

from infra.simulate.entailed import Entailed, Facts
from infra.simulate.oracle import GAP_MS
from infra.simulate.truth import Truth, iso

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
    "evidence",
    "entailed_person",
    "entailed_session",
)


class UnknownFormat(Exception):
    """The file's name does not say what to write."""


class TruthBook:
    """All truth of a run. Use as a context: what waits on disk goes with it."""

    def __init__(self, gap_ms: int = GAP_MS) -> None:
        self._rows = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._facts = Facts(gap_ms)
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
        self._facts.add(truth)

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
        entailed = Entailed(self._facts)
        self._rows.seek(0)
        lines = self._rows.readlines()
        for line in lines:
            truth = decode(line)
            yield (
                truth.event_id,
                truth.device_id,
                iso(truth.event_time),
                truth.person,
                truth.session,
                truth.kind,
                truth.consent,
                truth.user_id,
                entailed.evidence(truth),
                entailed.person(truth),
                entailed.session(truth),
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


def check_format(path: Path) -> None:
    """Raises UnknownFormat."""
    if path.suffix not in FORMATS:
        raise UnknownFormat(f"{path.name}: a truth file ends in {', '.join(FORMATS)}")


def _frame(rows: list[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
