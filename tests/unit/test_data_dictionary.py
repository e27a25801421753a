"""The data dictionary says what the views say."""

from __future__ import annotations

from pathlib import Path

from infra.docs.dictionary import PAGE, Column, page, views


def test_the_page_is_what_the_views_say_now() -> None:
    assert PAGE.read_text() == page(), "a view has changed: make dictionary"


def test_every_column_of_a_view_is_listed_with_its_meaning() -> None:
    found = {view.name: view for view in views()}
    assert found["events"].columns == found["events_all"].columns
    (revenue,) = (column for column in found["events"].columns if column.name == "revenue")
    assert revenue.type == "Nullable(Decimal(18, 4))"
    for view in found.values():
        text = view.meaning if view.columns else view.above
        assert text, f"{view.name} says nothing about itself"


def test_quotes_and_several_views_of_one_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "01_two.sql").write_text(
        "-- Above.\nCREATE OR REPLACE VIEW one\n(\n    a String COMMENT 'It''s ''a''',\n"
        "    b Decimal(18, 4) COMMENT 'Money'\n)\nAS SELECT a, b FROM t\nCOMMENT 'One row';\n"
        "-- two(x = 1)\nCREATE OR REPLACE VIEW two AS SELECT {x:String};\n"
    )
    one, two = views(tmp_path)
    assert one.columns == (
        Column("a", "String", "It's 'a'"),
        Column("b", "Decimal(18, 4)", "Money"),
    )
    assert (one.meaning, one.above) == ("One row", "Above.")
    assert (two.name, two.columns, two.above) == ("two", (), "two(x = 1)")
