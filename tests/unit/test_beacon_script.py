"""The tracker as it is served: small, and the same program as its source."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ingest.collector.beacon_script import MAX_GZIPPED, SOURCE, small
from tests.requirements import require


def test_it_is_at_most_3_kb_gzipped() -> None:
    assert len(gzip.compress(small(SOURCE.read_text()).encode(), 9)) <= MAX_GZIPPED


def test_only_whole_line_comments_are_taken_away() -> None:
    source = "// gone\n\n  var a = '//x'; // kept\n/* gone\n   gone too\n*/\nvar b = '/* x */';\n"
    assert small(source) == "var a = '//x'; // kept\nvar b = '/* x */';\n"


def test_the_source_has_no_literal_that_spans_lines() -> None:
    assert "`" not in SOURCE.read_text()


def test_no_statement_relies_on_a_line_that_is_taken_away() -> None:
    for line in small(SOURCE.read_text()).splitlines():
        assert not re.search(r"/\*|\*/", line)


def test_a_javascript_engine_reads_it(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        require("node", "node is not on PATH")
    served = tmp_path / "beacon.js"
    served.write_text(small(SOURCE.read_text()))
    checked = subprocess.run([node, "--check", served], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", ["page", "track", "identify", "reset", "consent"])
def test_the_page_finds_every_function(name: str) -> None:
    assert re.search(rf"^  {name}: safely\(", SOURCE.read_text(), re.MULTILINE)
