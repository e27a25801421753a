"""A report as one self-contained page: picture, table, what its columns mean."""

from __future__ import annotations

import itertools
from math import ceil, floor, log10
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.reports.forms.wording import columns_shown, period, share_text, shown
from infra.reports.report import Cell, Picture, Report, Row

_TONES = {  # by verdict; any other has none
    "higher": "good",
    "lower": "bad",
    "holds": "good",
    "broken": "bad",
    "mismatch": "bad",
    "too few": "faint",
    "default": "base",
}
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Places are percent of the axis, so that the picture fits any width."""

    label: str
    value: str
    n: str
    place: float
    low: float | None
    high: float | None
    tone: str


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of one group; `reference`, where there is one, is what they are compared with."""

    label: str  # '' where there is only one
    bars: list[Bar]
    reference: float | None


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    groups: list[Bars]
    ticks: list[tuple[float, str]]
    left_out: int  # rows of too few for a bar
    key: list[tuple[str, str]]  # tone, and the verdict it stands for


def as_page(report: Report) -> str:
    """HTML without any resource outside itself, readable in light and dark."""
    columns = columns_shown(report)
    rows = [
        (
            place == 0,
            [shown(report, row, column) for column in columns],
            _tone(report, row),
        )
        for _, group in itertools.groupby(report.rows, key=lambda row: row[0])
        for place, row in enumerate(group)
    ]
    return _pages.get_template("page.html").render(
        report=report,
        period=period(report),
        columns=columns,
        rows=rows,
        drawing=report.picture and draw(report, report.picture),
    )


def draw(report: Report, picture: Picture) -> Drawing | None:
    """The bars of a report's picture; None where no row has a value."""
    column = report.columns[report.index(picture.value)]
    eligible = [
        row
        for row in report.rows
        if report.cell(row, picture.value) is not None
        and (not picture.groups or row[0] in picture.groups)
    ]
    drawn = [
        row for row in eligible if (_float(report.cell(row, picture.n)) or 0) >= picture.least_n
    ]
    if not drawn:
        return None
    names = [name for name in (picture.value, *column.bounds) if name]
    ends = [_float(report.cell(row, name)) for row in drawn for name in names]
    ticks = _ticks(max((end for end in ends if end is not None), default=0))
    top = ticks[-1]

    naming = report.columns[report.index(picture.label) if picture.label else 1]

    def bar(row: Row) -> Bar:
        low, high = (_float(report.cell(row, name)) for name in column.bounds)
        value = _float(report.cell(row, picture.value)) or 0.0
        return Bar(
            label=shown(report, row, naming),
            value=share_text(value),
            n=f"{report.cell(row, picture.n):,}",
            place=100 * value / top,
            low=None if low is None else 100 * low / top,
            high=None if high is None else 100 * high / top,
            tone=_tone(report, row),
        )

    groups = []
    for _, rows in itertools.groupby(drawn, key=lambda row: not picture.label and row[0]):
        first, *others = rows
        bars = [bar(row) for row in (first, *others)]
        label = "" if picture.label else shown(report, first, report.columns[0])
        reference = next((one.place for one in bars if one.tone == "base"), None)
        groups.append(Bars(label=label, bars=bars, reference=reference))
    verdicts = {_verdict(report, row) for row in drawn}
    return Drawing(
        title=picture.title,
        groups=groups,
        ticks=[(100 * tick / top, f"{tick * 100:g}%") for tick in ticks],
        left_out=len(eligible) - len(drawn),
        key=[(tone, said) for said, tone in _TONES.items() if said in verdicts],
    )


def _tone(report: Report, row: Row) -> str:
    return _TONES.get(_verdict(report, row), "")


def _verdict(report: Report, row: Row) -> str:
    """'' where the report gives none."""
    names = (column.name for column in report.columns if column.kind == "verdict")
    return next((str(report.cell(row, name)) for name in names), "")


def _ticks(top: float) -> list[float]:
    """Round shares from 0 to just beyond `top`, four to six of them, and never beyond 1."""
    top = min(max(top, 0.001), 1.0)
    rough = top / 4
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)
    count = ceil(top / step - 1e-9)
    return [min(round(step * at, 9), 1.0) for at in range(count + 1)]


def _float(value: Cell) -> float | None:
    return None if value is None else float(value)
