"""The command line and the environment with which a service's process is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.embedded.service import Service

_WRAPPER = Path(__file__).with_name("die_with_parent.py")


def command_line(service: Service) -> list[str]:
    """`service.argv`, bound to the life of the calling process."""
    return bound_to_us(service.argv)


def bound_to_us(argv: Sequence[str]) -> list[str]:
    """A command that ends with the calling process, where the system can do that.

    Start it from the thread that will live longest: Linux ties it to the thread, not the process.
    """
    if sys.platform != "linux":
        return list(argv)
    wrapper = [sys.executable, "-I", "-S", str(_WRAPPER), str(os.getpid())]
    return [*wrapper, *argv]


def environment(service: Service) -> dict[str, str]:
    """This process's environment with the service's own on top."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **service.env}
