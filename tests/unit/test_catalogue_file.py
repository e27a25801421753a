"""A catalogue's file: what is read of it, and what is told of a file that is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.catalogue import Catalogue
from schemas.catalogue_file import read
from schemas.catalogue_problems import CatalogueError

HEADER = "sku,title,category,maker,stock,added,age_from,age_to,attributes\n"


def catalogue(tmp_path: Path, text: str, name: str = "shop.csv") -> Catalogue:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read(path, "sku")


def problems(tmp_path: Path, text: str, name: str = "shop.csv") -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as raised:
        catalogue(tmp_path, text, name)
    return raised.value.problems


def said(found: Catalogue, product: str) -> dict[str, float]:
    columns, weights = found.attributes.row(found.place[product])
    return {found.tokens[t]: w / 255 for t, w in zip(columns, weights, strict=True)}


def test_products_are_read_with_all_that_they_say(tmp_path: Path) -> None:
    found = catalogue(
        tmp_path,
        HEADER
        + "T-2,Train,trains,Rails,0,2026-11-30,3,8,theme=railway; noise=loud:0.2;scale=1:87\n"
        + 'T-1,"Bear, the ""big""",cuddly,,4,,,,\n',
    )
    assert [product.id for product in found.products] == ["T-1", "T-2"]
    assert found.products[0].title == 'Bear, the "big"'
    assert found.available.tolist() == [True, False]
    assert found.added_ms.tolist() == [0, 1_796_000_000_000 - 1_796_000_000_000 % 86_400_000]
    assert said(found, "T-2") == {
        "category=trains": 1,
        "maker=Rails": 1,
        "theme=railway": 1,
        "noise=loud": pytest.approx(0.2),
        "scale=1:87": 1,
    }
    assert said(found, "T-1") == {"category=cuddly": 1}
    assert np.isnan(found.spans["age"].low[0])
    assert found.spans["age"].high[1] == 8


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    lines = (
        '{"sku": 7, "name": "Train", "brand": "Rails", "available": true,'
        ' "attributes": ["theme=railway", "noise=loud:0.2"], "age_from": 3, "age_to": null}\n'
        '\n{"sku": "8", "name": "Bear", "available": false, "age_to": 5}\n'
    )
    found = catalogue(tmp_path, lines, "shop.jsonl")
    assert [(each.id, each.title, each.maker) for each in found.products] == [
        ("7", "Train", "Rails"),
        ("8", "Bear", ""),
    ]
    assert found.available.tolist() == [True, False]
    assert set(said(found, "7")) == {"maker=Rails", "theme=railway", "noise=loud"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",Bear,,,1,,,,", "line 3: id is ''; allowed: 1 to 64 characters"),
        ("T-9,,,,1,,,,", "line 3: title is ''; allowed: 1 to 500 characters"),
        ("T-9,Bear,,,many,,,,", "line 3: stock is 'many'; allowed: a whole number"),
        ("T-9,Bear,,,1,soon,,,", "line 3: added is 'soon'; allowed: a date such as 2026-11-30"),
        ("T-9,Bear,,,1,,young,,", "line 3: age_from is 'young'; allowed: a number"),
        ("T-9,Bear,,,1,,9,3,", "line 3: age_from is '9'; allowed: at most age_to"),
        ("T-9,Bear,,,1,,,,big", "line 3: attributes: 'big'; allowed: name=value"),
        ("T-9,Bear,,,1,,,,=big", "line 3: attributes: '=big'; allowed: name=value"),
        ("T-9,Bear,,,1,,,,size=", "line 3: attributes: 'size='; allowed: name=value"),
        ("T-1,Bear,,,1,,,,", "line 3: id 'T-1' is that of line 2 too"),
        ("T-9,Bear,,,1,,,,,,,", "line 3: 12 cells; allowed: 9, as the header has"),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, row: str, told: str) -> None:
    text = f"{HEADER}T-1,Train,trains,,1,,,,\n{row}\nT-3,Doll,dolls,,1,,,,\n"
    found = problems(tmp_path, text)
    assert [each for each in found if each.startswith(told)], found


def test_lines_are_counted_where_a_cell_has_several(tmp_path: Path) -> None:
    text = HEADER + 'T-1,"Bear\nin two lines\n",,,1,,,,\nT-2,Train,,,none,,,,\n'
    assert problems(tmp_path, text)[0].startswith("line 5: stock is 'none'")


def test_every_bad_row_is_told(tmp_path: Path) -> None:
    rows = "".join(f"T-{n},Toy,,,x,,,,\n" for n in range(5))
    assert len(problems(tmp_path, HEADER + rows)) == 5


def test_a_file_without_what_is_needed_is_told_as_such(tmp_path: Path) -> None:
    assert "no column 'sku'" in problems(tmp_path, "id,title\n1,Bear\n")[0]
    assert "no column 'title'" in problems(tmp_path, "sku,price\n1,3\n")[0]
    assert "no products" in problems(tmp_path, HEADER)[0]
    assert (
        "line 2: not to be read" in problems(tmp_path, '{"sku": 1, "title": "a"}\n[]', "a.jsonl")[0]
    )
    (tmp_path / "bytes.csv").write_bytes(b"sku,title\n1,\xff\xfe\n")
    with pytest.raises(CatalogueError):
        read(tmp_path / "bytes.csv", "sku")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(CatalogueError):
        read(tmp_path / "empty.csv", "sku")
