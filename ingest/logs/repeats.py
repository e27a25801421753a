"""How often an equal line stood before in this import: part of an event's id.

Equal lines have equal times, so what is remembered is kept by the hour, and a block of lines is
compared only with what shares its hours: 12 bytes a line, and no search through all of them.
"""

from __future__ import annotations

import polars as pl

HOUR_MS = 3_600_000


class Repeats:
    """Counts equal lines over all files of one import."""

    def __init__(self) -> None:
        self._hours: dict[int, list[pl.DataFrame]] = {}

    def number(self, lines: pl.Series, times_ms: pl.Series) -> pl.Series:
        """For each line the count of equal lines before it; a null time is an hour of its own."""
        table = pl.DataFrame(
            {"line": lines.hash(), "hour": times_ms.fill_null(-HOUR_MS) // HOUR_MS}
        )
        numbers = self._within(table) + self._before(table)
        self._remember(table)
        return numbers

    def forget_before(self, time_ms: int) -> None:
        """Drops hours that ended before a time: what follows a log meets no older lines."""
        for hour in [hour for hour in self._hours if 0 <= hour < time_ms // HOUR_MS]:
            del self._hours[hour]

    def _within(self, table: pl.DataFrame) -> pl.Series:
        if table["line"].n_unique() == len(table):
            return pl.zeros(len(table), pl.UInt32, eager=True)
        return table.select(pl.int_range(pl.len(), dtype=pl.UInt32).over("line")).to_series()

    def _before(self, table: pl.DataFrame) -> pl.Series:
        hours = table["hour"].unique().to_list()
        frames = [frame for hour in hours for frame in self._hours.get(hour, ())]
        known = pl.concat(frames) if frames else None
        if known is None or not table["line"].is_in(known["line"].implode()).any():
            return pl.zeros(len(table), pl.UInt32, eager=True)
        counts = known.group_by("line").agg(pl.col("n").sum())
        return table.join(counts, on="line", how="left", maintain_order="left")["n"].fill_null(0)

    def _remember(self, table: pl.DataFrame) -> None:
        seen = table.group_by("hour", "line").agg(pl.len().cast(pl.UInt32).alias("n"))
        for (hour,), frame in seen.partition_by("hour", as_dict=True, include_key=False).items():
            self._hours.setdefault(int(str(hour)), []).append(frame)
