"""Files that say who really made every event: `footfall simulate --truth FILE` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

REQUIRED = ("event_id", "device_id", "event_time", "person", "session", "kind", "consent")
ENTAILED = ("entailed_person", "entailed_session")
"""What the identity rules entail; either may be missing."""

EVIDENCE = "evidence"
"""Why the truth could be known (`infra.simulate.truth.Evidence`); may be missing."""

_OPTIONAL = (*ENTAILED, EVIDENCE)

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_VALUES = {"kind": ("visitor", "bot"), "consent": ("granted", "denied")}


class TruthError(Exception):
    """A truth file is not there or is none; the message names the file and what is wrong."""


def read_truth(paths: Sequence[Path]) -> pl.DataFrame:
    """The rows of one or more files: the columns REQUIRED, and ENTAILED and EVIDENCE if all have.

    All columns are text, '' where there is nothing; `event_time` is Int64, ms since 1970 UTC.
    The files are CSV, .ndjson or .parquet by their endings. Raises TruthError.
    """
    frames = [_read(path) for path in paths]
    shared = [name for name in _OPTIONAL if all(name in frame.columns for frame in frames)]
    truth = pl.concat([frame.select(*REQUIRED, *shared) for frame in frames])
    if truth.is_empty():
        raise TruthError(f"{_named(paths)}: no events in it")
    repeated = truth.filter(pl.col("event_id").is_duplicated())
    if not repeated.is_empty():
        raise TruthError(f"{_named(paths)}: event_id {repeated['event_id'][0]} stands there twice")
    return truth


def _read(path: Path) -> pl.DataFrame:
    """One file, checked."""
    try:
        raw = _parse(path)
    except FileNotFoundError as error:
        raise TruthError(f"{path} is not there") from error
    except (OSError, PolarsError, UnicodeDecodeError) as error:
        text = str(error).splitlines() or [type(error).__name__]
        raise TruthError(f"{path} cannot be read: {text[0]}") from error
    missing = [name for name in REQUIRED if name not in raw.columns]
    if missing:
        raise TruthError(
            f"{path}: no column {', '.join(missing)}; a truth file has {', '.join(REQUIRED)}"
        )
    names = [name for name in (*REQUIRED, *_OPTIONAL) if name in raw.columns]
    frame = raw.select(
        _time(raw.schema["event_time"]) if name == "event_time" else _text(name) for name in names
    )
    _check(path, raw, frame)
    return frame


def _parse(path: Path) -> pl.DataFrame:
    match path.suffix:
        case ".csv":
            return pl.read_csv(path, infer_schema=False)
        case ".ndjson":
            return pl.read_ndjson(path, infer_schema_length=None)
        case ".parquet":
            return pl.read_parquet(path)
        case _:
            raise TruthError(f"{path}: a truth file ends in .csv, .ndjson or .parquet")


def _check(path: Path, raw: pl.DataFrame, frame: pl.DataFrame) -> None:
    no_time = frame["event_time"].is_null()
    if no_time.any():
        value = raw.filter(no_time)["event_time"][0]
        raise TruthError(f"{path}: event_time {value!r} is no time like 2026-11-22T10:00:00.000Z")
    no_id = frame.filter(~pl.col("event_id").str.contains(_UUID))
    if not no_id.is_empty():
        raise TruthError(f"{path}: event_id {no_id['event_id'][0]!r} is no lower-case UUID")
    for name, allowed in _VALUES.items():
        wrong = frame.filter(~pl.col(name).is_in(allowed))
        if not wrong.is_empty():
            raise TruthError(f"{path}: {name} {wrong[name][0]!r} is none of {', '.join(allowed)}")


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("")


def _time(kind: pl.DataType) -> pl.Expr:
    """Milliseconds since 1970 UTC from ISO text, times or such numbers; null where it is none."""
    column = pl.col("event_time")
    if isinstance(kind, pl.String):
        column = column.str.to_datetime(time_unit="ms", time_zone="UTC", strict=False)
    elif isinstance(kind, pl.Datetime):
        column = column.cast(pl.Datetime("ms"))
    return column.cast(pl.Int64, strict=False).alias("event_time")


def _named(paths: Sequence[Path]) -> str:
    return " and ".join(map(str, paths))
