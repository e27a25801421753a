"""Truth files: three formats with the same rows, and every mistake told with the file's name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from infra.reports.truth_file import TruthError, read_truth

ID = str(UUID(int=7))
ROW = {
    "event_id": ID,
    "device_id": "d1",
    "event_time": "2026-11-01T10:00:00.250Z",
    "person": "ann",
    "session": "v1",
    "kind": "visitor",
    "consent": "granted",
    "user_id": "",
    "evidence": "login",
    "entailed_person": "p1",
    "entailed_session": "s1",
}
AT = 1_793_527_200_250


def written(path: Path, *rows: Mapping[str, object]) -> Path:
    frame = pl.DataFrame(list(rows))
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".ndjson":
            frame.write_ndjson(path)
        case _:
            frame.write_parquet(path)
    return path


@pytest.mark.parametrize("ending", [".csv", ".ndjson", ".parquet"])
def test_three_formats_read_alike(tmp_path: Path, ending: str) -> None:
    truth = read_truth([written(tmp_path / f"truth{ending}", ROW)])
    assert truth.to_dicts() == [
        {name: value for name, value in ROW.items() if name != "user_id"} | {"event_time": AT}
    ]


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-01T11:00:00.250+01:00",
        "2026-11-01 10:00:00.250",
        AT,
        datetime(2026, 11, 1, 10, 0, 0, 250_000, UTC),
    ],
)
def test_times_may_be_written_in_several_ways(tmp_path: Path, at: object) -> None:
    path = written(tmp_path / "truth.parquet", {**ROW, "event_time": at})
    assert read_truth([path])["event_time"].to_list() == [AT]


def test_what_the_rules_entail_may_be_missing_in_any_file(tmp_path: Path) -> None:
    bare = {name: value for name, value in ROW.items() if not name.startswith("entailed")}
    first = written(tmp_path / "one.csv", ROW)
    second = written(tmp_path / "two.csv", {**bare, "event_id": str(UUID(int=8))})
    assert "entailed_person" in read_truth([first]).columns
    both = read_truth([first, second])
    assert both.height == 2
    assert "entailed_person" not in both.columns


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"event_id": "7"}, "event_id '7' is no lower-case UUID"),
        ({"event_time": "noon"}, "event_time 'noon' is no time like"),
        ({"event_time": ""}, "event_time '' is no time like"),
        ({"kind": "human"}, "kind 'human' is none of visitor, bot"),
        ({"consent": ""}, "consent '' is none of granted, denied"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = written(tmp_path / "truth.csv", {**ROW, **change})
    with pytest.raises(TruthError, match=f"truth.csv: {said}"):
        read_truth([path])


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("event_id,device_id,kind\n")
    with pytest.raises(TruthError, match="no column event_time, person, session, consent"):
        read_truth([path])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("truth.csv", None, "is not there"),
        ("truth.csv", b"", "cannot be read"),
        ("truth.ndjson", b"{no json", "cannot be read"),
        ("truth.parquet", b"no parquet", "cannot be read"),
        ("truth.txt", b"", "ends in .csv, .ndjson or .parquet"),
        ("truth.csv", (",".join(ROW) + "\n").encode(), "no events in it"),
    ],
)
def test_what_is_no_truth_file_is_said_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TruthError) as raised:
        read_truth([path])
    assert str(path) in str(raised.value)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_event_that_stands_there_twice_is_no_truth(tmp_path: Path) -> None:
    path = written(tmp_path / "truth.csv", ROW)
    with pytest.raises(TruthError, match=f"event_id {ID} stands there twice"):
        read_truth([path, path])
