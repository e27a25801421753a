"""Blocks of ports of tests that run side by side."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import msgspec

from infra.embedded.ports import OFFSETS
from schemas.settings import Ports
from tests.ports import STRIDE, residues


def test_no_two_workers_can_ever_share_a_port() -> None:
    assert len(residues()) >= 2
    ports = [
        {
            port
            for offset in OFFSETS
            if offset % STRIDE == residue
            for port in msgspec.structs.astuple(Ports.with_offset(offset))
        }
        for residue in residues()
    ]
    for one, other in combinations(ports, 2):
        assert not one & other


def test_tests_take_their_ports_from_there_alone() -> None:
    tests = Path(__file__).parents[1]
    allowed = {tests / "ports.py", tests / "unit" / "test_supervisor_parts.py"}
    pattern = re.compile(r"^from infra\.embedded\.ports import .*free_offset", re.M)
    taking = {path for path in tests.rglob("*.py") if pattern.search(path.read_text())}
    assert taking <= allowed
