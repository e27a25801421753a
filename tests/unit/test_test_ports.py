"""Blocks of ports of tests that run side by side."""

from __future__ import annotations

from itertools import combinations

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
