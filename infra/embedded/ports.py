"""Which ports are free."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

import msgspec

from schemas.settings import Ports

# Below the range from which Linux gives out ports for outgoing connections (32768..).
OFFSETS = range(1000, 13_000)


def is_taken(host: str, port: int) -> bool:
    """Whether a server could not listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def free_offset(host: str = "127.0.0.1", among: Sequence[int] = OFFSETS) -> int:
    """A FOOTFALL_PORT_OFFSET with which every default port is free at this moment."""
    for offset in random.sample(among, min(200, len(among))):
        ports = msgspec.structs.astuple(Ports.with_offset(offset))
        if not any(is_taken(host, port) for port in ports):
            return offset
    raise OSError(f"no free block of ports on {host}")
