"""Files as blocks of whole lines: packed, damaged, endless, and still being written."""

from __future__ import annotations

import gzip
from pathlib import Path

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.logs.errors import UnreadableFile
from ingest.logs.follow import Tail
from ingest.logs.parse import MAX_LINE
from ingest.logs.read import PIECE, LineCutter, pieces, size_of

TEXT = b"".join(b"line %d\n" % number for number in range(50_000))


def read(path: Path) -> bytes:
    return b"".join(pieces(path, lambda position: None))


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
        bytes(cramjam.zstd.compress(TEXT)),
        bytes(cramjam.zstd.compress(TEXT[:1000])) + bytes(cramjam.zstd.compress(TEXT[1000:])),
    ],
    ids=["plain", "gzip", "two gzip members", "zstd", "two zstd frames"],
)
def test_packed_files_are_known_by_their_first_bytes(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "any-name.log"
    path.write_bytes(packed)
    positions: list[int] = []
    assert b"".join(pieces(path, positions.append)) == TEXT
    assert positions[-1] == size_of(path) == len(packed)


@pytest.mark.parametrize(
    ("packed", "kind"),
    [
        (gzip.compress(TEXT, mtime=0)[:-5000], "gzip"),
        (gzip.compress(TEXT)[:100] + b"rubbish" + gzip.compress(TEXT)[100:], "gzip"),
        (bytes(cramjam.zstd.compress(TEXT))[:-50], "zstd"),
    ],
)
def test_what_stood_before_the_damage_is_read(tmp_path: Path, packed: bytes, kind: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(packed)
    with pytest.raises(UnreadableFile, match=rf"damaged {kind} file .* is imported"):
        read(path)


def test_leaving_a_packed_file_in_its_middle_ends_its_thread(tmp_path: Path) -> None:
    path = tmp_path / "log.zst"
    path.write_bytes(bytes(cramjam.zstd.compress(b"line\n" * PIECE)))
    blocks = pieces(path, lambda position: None)
    assert next(blocks).startswith(b"line\n")
    blocks.close()  # type: ignore[attr-defined]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        size_of(tmp_path / "none")
    with pytest.raises(UnreadableFile, match="Is a directory"):
        read(tmp_path)


def cut(*parts: bytes) -> list[bytes]:
    lines = LineCutter()
    blocks = [block for part in parts if (block := lines.feed(part))]
    assert all(block.endswith(b"\n") for block in blocks)
    return (b"".join(blocks) + lines.rest()).split(b"\n")


@given(st.binary(max_size=60).map(lambda raw: raw.replace(b"x", b"\n")), st.data())
def test_lines_do_not_depend_on_where_pieces_end(text: bytes, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    parts = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    assert cut(*parts) == text.split(b"\n")


@pytest.mark.parametrize("size", [1, 1000, MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE])
def test_a_line_without_end_costs_no_memory_and_the_next_is_whole(size: int) -> None:
    text = b"first\n" + b"x" * (10 * MAX_LINE) + b"\nlast\n"
    lines = cut(*(text[at : at + size] for at in range(0, len(text), max(size, 1))))
    assert [lines[0], lines[2:]] == [b"first", [b"last", b""]]
    assert lines[1][: MAX_LINE + 1] == b"x" * (MAX_LINE + 1)
    assert len(lines[1]) <= 4 * MAX_LINE


def test_following_a_file_that_is_written(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    tail = Tail(path)
    assert tail.read() == b""
    with path.open("ab", buffering=0) as log:
        log.write(b"one\ntw")
        assert tail.read() == b"one\n"
        log.write(b"o\n")
        assert tail.read() == b"two\n"
        assert tail.read() == b""
    tail.close()


def test_following_past_a_rotation_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"one\n")
    tail = Tail(path)
    assert tail.read() == b"one\n"
    path.rename(tmp_path / "access.log.1")
    with (tmp_path / "access.log.1").open("ab") as old:
        old.write(b"after the rename\ncut")
    assert tail.read() == b"after the rename\n"
    assert tail.read() == b""  # the new file is not there yet
    path.write_bytes(b"new\n")
    assert [tail.read(), tail.read()] == [b"cut\n", b"new\n"]
    tail.close()


def test_following_an_emptied_file_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    assert tail.read() == b"one\ntwo\n"
    path.write_bytes(b"3\n")
    assert [tail.read(), tail.read()] == [b"", b"3\n"]
    tail.close()
