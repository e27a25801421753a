"""What a test needs from the machine: skipped where it is missing, unless it is required.

FOOTFALL_REQUIRE is a comma list of names (redis, kafka, clickhouse, chromium, java, ...); a test
that would be skipped for one of them fails instead.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def require(name: str, reason: str) -> NoReturn:
    """Call when `name` is missing: skips the test with the reason, or fails it if required."""
    required = {part.strip() for part in os.environ.get("FOOTFALL_REQUIRE", "").split(",")}
    if name in required:
        pytest.fail(f"FOOTFALL_REQUIRE names {name}: {reason}", pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str:
    """Where it is; the test is skipped, or fails, where the machine has none."""
    found = shutil.which(name)
    if found is None:
        require(name, f"no {name} on PATH")
    return found
